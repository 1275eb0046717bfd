#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "orchestrator/config.h"
#include "orchestrator/config_schema.h"

/* Parses exactly these bytes, from memory of exactly this size. */
static enum status parse_bytes(const char *text, size_t size, struct config **ret_config,
                               struct config_errors *errors)
{
    char *exact = malloc(size == 0 ? 1 : size);
    memcpy(exact, text, size);
    memset(errors, 0, sizeof(*errors));
    enum status status = config_parse(exact, size, "c.yaml", "/etc", ret_config, errors);
    free(exact);
    return status;
}

static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct config_errors *errors = calloc(1, sizeof(*errors));
    if (parse_bytes(text, strlen(text), &config, errors) != STATUS_OK)
        fail_msg("%s", errors->items[0].text);
    config_errors_release(errors);
    free(errors);
    return config;
}

static void assert_defaults(const struct config *config)
{
    assert_string_equal(config->hostname, "localhost");
    assert_string_equal(config->instance_name, "Tierce");
    assert_int_equal(config->listen.count, 1);
    assert_string_equal(config->listen.items[0], "localhost");
    assert_int_equal(config->ports.https, 8443);
    assert_int_equal(config->ports.http, 8080);
    assert_int_equal(config->ports.grpc, 8000);
    assert_int_equal(config->proxy.kind, PROXY_NGINX);
    assert_string_equal(config->proxy.certificate, "");
    assert_true(config->memory == CONFIG_AUTO);
    assert_true(config->disk_limit == CONFIG_AUTO);
    assert_string_equal(config->log_level, "info");
    assert_int_equal(config->supervise, SUPERVISE_SELF);
    assert_true(config->barrels.shards == CONFIG_AUTO);
    assert_int_equal(config->barrels.replicas, 1);
    assert_true(config->gateways.workers == CONFIG_AUTO);
    assert_int_equal(config->gateways.threads, 8);
    assert_true(config->search.is_public);
    assert_int_equal(config->search.timeout_ms, 1000);
    assert_string_equal(config->crawl.contact, "");
    assert_int_equal(config->crawl.delay_ms, 1000);
    assert_int_equal(config->crawl.max_pages, 10000);
    assert_int_equal(config->crawl.max_bytes, 1 << 30);
    assert_int_equal(config->crawl.max_page, 10 << 20);
    assert_int_equal(config->crawl.timeout_ms, 30000);
    assert_int_equal(config->crawl.recrawl_ms, 7 * 86400000LL);
    assert_int_equal(config->crawl.allowed_networks.count, 0);
    assert_int_equal(config->crawl.keep_versions, 0);
    assert_true(config->crawl.handbook);
    assert_int_equal(config->crawl.downloaders, 1);
    assert_int_equal(config->crawl.source_count, 0);
}

static void an_empty_file_holds_every_default(void **state)
{
    (void)state;
    static const char *const empty[] = {"",
                                        "\n\n",
                                        "# nothing\n",
                                        "---\n",
                                        "~\n",
                                        "crawl:\nports:\n",
                                        "\xef\xbb\xbf# with a mark\n",
                                        "listen:\ncrawl:\n  sources:\n"};
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        struct config *config = parse(empty[i]);
        assert_defaults(config);
        config_free(config);
    }
}

static void every_key_is_taken(void **state)
{
    (void)state;
    struct config *config =
        parse("hostname: search.example.org\n"
              "instance_name: 'Ours: the search'\n"
              "listen: [localhost, \"*\", 192.0.2.1, \"2001:db8::1\"]\n"
              "ports: {https: 443, http: 80, grpc: none}\n"
              "proxy:\n  kind: caddy\n  certificate: passwd\n  key: /etc/passwd\n"
              "  acme_email: a@example.org\n"
              "memory: 2G\ndisk_limit: none\nlog_level: debug\nsupervise: self\n"
              "barrels: {shards: 2, replicas: 3}\n"
              "gateways: {workers: 5, threads: 16}\n"
              "search: {public: false, rate_per_minute: none, burst: 7, timeout: 500ms, cache: 0}\n"
              "crawl:\n  contact: https://example.org/bot\n  user_agent: Ours/1\n  delay: 0\n"
              "  max_pages: 5\n  max_bytes: 3K\n  max_page: 2048\n  timeout: 1m\n  recrawl: 1w\n"
              "  robots_ttl: 2h\n  allowed_networks: [127.0.0.0/8, '::1/128']\n"
              "  keep_versions: 2\n  handbook: false\n  downloaders: 2\n"
              "  sources:\n    - https://Example.org\n"
              "    - url: http://127.0.0.1:9000/a/b\n      prefix: http://127.0.0.1:9000/a/\n"
              "      public: true\n      allow_private: true\n      delay: 0\n      max_pages: 9\n"
              "      max_bytes: 1M\n");
    assert_string_equal(config->hostname, "search.example.org");
    assert_string_equal(config->instance_name, "Ours: the search");
    assert_int_equal(config->listen.count, 4);
    assert_string_equal(config->listen.items[1], "*");
    assert_int_equal(config->ports.https, 443);
    assert_int_equal(config->ports.grpc, 0);
    assert_int_equal(config->proxy.kind, PROXY_CADDY);
    assert_string_equal(config->proxy.certificate, "/etc/passwd"); /* from the file's folder */
    assert_string_equal(config->proxy.acme_email, "a@example.org");
    assert_int_equal(config->memory, (uint64_t)2 << 30);
    assert_int_equal(config->disk_limit, 0);
    assert_string_equal(config->log_level, "debug");
    assert_int_equal(config->supervise, SUPERVISE_SELF);
    assert_int_equal(config->barrels.shards, 2);
    assert_int_equal(config->barrels.replicas, 3);
    assert_int_equal(config->gateways.workers, 5);
    assert_int_equal(config->gateways.threads, 16);
    assert_false(config->search.is_public);
    assert_int_equal(config->search.rate_per_minute, 0);
    assert_int_equal(config->search.burst, 7);
    assert_int_equal(config->search.timeout_ms, 500);
    assert_int_equal(config->search.cache, 0);
    assert_string_equal(config->crawl.contact, "https://example.org/bot");
    assert_string_equal(config->crawl.user_agent, "Ours/1");
    assert_int_equal(config->crawl.delay_ms, 0);
    assert_int_equal(config->crawl.max_pages, 5);
    assert_int_equal(config->crawl.max_bytes, 3072);
    assert_int_equal(config->crawl.max_page, 2048);
    assert_int_equal(config->crawl.timeout_ms, 60000);
    assert_int_equal(config->crawl.recrawl_ms, 7 * 86400000LL);
    assert_int_equal(config->crawl.robots_ttl_ms, 7200000);
    assert_int_equal(config->crawl.allowed_networks.count, 2);
    assert_int_equal(config->crawl.keep_versions, 2);
    assert_false(config->crawl.handbook);
    assert_int_equal(config->crawl.downloaders, 2);
    assert_int_equal(config->crawl.source_count, 2);
    assert_string_equal(config->crawl.sources[0].url, "https://example.org/");
    assert_true(config->crawl.sources[0].delay_ms == CONFIG_AUTO);
    assert_false(config->crawl.sources[0].allow_private);
    const struct config_source *second = &config->crawl.sources[1];
    assert_string_equal(second->url, "http://127.0.0.1:9000/a/b");
    assert_string_equal(second->prefix, "http://127.0.0.1:9000/a/");
    assert_true(second->is_public);
    assert_true(second->allow_private);
    assert_int_equal(second->delay_ms, 0);
    assert_int_equal(second->max_pages, 9);
    assert_int_equal(second->max_bytes, 1 << 20);
    config_free(config);
}

struct mistake {
    const char *text;
    const char *told; /* the whole first line, or its beginning where it ends with "..." */
};

static void assert_told(const struct mistake *mistake)
{
    struct config *untouched = NULL;
    struct config_errors *errors = calloc(1, sizeof(*errors));
    assert_int_equal(parse_bytes(mistake->text, strlen(mistake->text), &untouched, errors),
                     STATUS_INVALID);
    assert_null(untouched);
    size_t size = strlen(mistake->told);
    bool is_start = size > 3 && strcmp(mistake->told + size - 3, "...") == 0;
    if (is_start ? strncmp(errors->items[0].text, mistake->told, size - 3) != 0
                 : strcmp(errors->items[0].text, mistake->told) != 0)
        fail_msg("told:   %s\nwanted: %s", errors->items[0].text, mistake->told);
    config_errors_release(errors);
    free(errors);
}

static void every_mistake_is_told_with_its_place_and_what_is_allowed(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        /* unknown keys */
        {"hostnam: x\n",
         "c.yaml:1:1: hostnam: unknown key; did you mean hostname? allowed: hostname, "
         "instance_name, listen, ports, proxy, memory, disk_limit, log_level, "
         "supervise, barrels, gateways, search, crawl"},
        {"\nports:\n  htps: 1\n", "c.yaml:3:3: ports.htps: unknown key; did you mean ports.https? "
                                  "allowed: https, http, grpc"},
        {"contact: a@example.org\n",
         "c.yaml:1:1: contact: unknown key; did you mean crawl.contact? ..."},
        {"crawl: {zzzzzz: 1}\n",
         "c.yaml:1:9: crawl.zzzzzz: unknown key; allowed: contact, user_agent, ..."},
        {"crawl: {sources: [{url: http://a/, pulbic: true}]}\n",
         "c.yaml:1:36: crawl.sources[0].pulbic: unknown key; did you mean public? allowed: url, "
         "prefix, ..."},
        /* secrets: the value is never repeated */
        {"proxy:\n  password: hunter2\n", "c.yaml:2:3: proxy.password: a secret does not belong "
                                          "into this file; allowed: password_file "
                                          "with the path of a file that only its owner can read"},
        {"token: abc\n", "c.yaml:1:1: token: a secret does not belong into this file; ..."},
        {"crawl: {sources: [{url: http://a/, password: hunter2}]}\n",
         "c.yaml:1:36: crawl.sources[0].password: a secret does not belong into this file; ..."},
        /* types */
        {"ports:\n  https: abc\n",
         "c.yaml:2:10: ports.https: \"abc\" is no number; allowed: 1 to 65535"},
        {"ports:\n  https: [1]\n",
         "c.yaml:2:10: ports.https: a list where one value is wanted; allowed: 1 to 65535"},
        {"hostname: {a: b}\n",
         "c.yaml:1:11: hostname: a group of keys where one value is wanted; ..."},
        {"ports: 8443\n", "c.yaml:1:8: ports: this is a group: its keys stand below it, ..."},
        {"hostname:\n", "c.yaml:1:10: hostname: the value is missing; ..."},
        {"search:\n  public: yes\n",
         "c.yaml:2:11: search.public: \"yes\" is neither true nor false; allowed: true, false"},
        {"[1, 2]\n", "c.yaml:1:1: the file holds no keys; allowed: key: value"},
        {"hello\n", "c.yaml:1:1: the file holds no keys; allowed: key: value"},
        {"? [a]\n: b\n", "c.yaml:1:3: the name of a key is no short text"},
        {"hostname: \"a\\0b\"\n", "c.yaml:1:11: hostname: a zero byte in the value; ..."},
        /* words */
        {"supervise: systemd\n",
         "c.yaml:1:12: supervise: systemd cannot start each process yet; it may start the "
         "orchestrator, or `tierce up`, which start the others; allowed: self"},
        {"supervise: cron\n",
         "c.yaml:1:12: supervise: \"cron\" is none of the words; allowed: self"},
        /* ranges */
        {"ports: {https: 0}\n", "c.yaml:1:16: ports.https: 0 is too small; allowed: 1 to 65535"},
        {"ports: {https: 65536}\n",
         "c.yaml:1:16: ports.https: 65536 is too large; allowed: 1 to 65535"},
        {"ports: {https: 99999999999999999999}\n",
         "c.yaml:1:16: ports.https: 99999999999999999999 is too large; ..."},
        {"ports: {https: -1}\n", "c.yaml:1:16: ports.https: \"-1\" is no number; ..."},
        {"crawl: {delay: 5}\n",
         "c.yaml:1:16: crawl.delay: \"5\" has no unit; allowed: a time from 0 to 1h, "
         "such as 500ms, 30s, 10m, 2h or 7d"},
        {"crawl: {delay: 5y}\n", "c.yaml:1:16: crawl.delay: \"5y\" has an unknown unit; ..."},
        {"crawl: {delay: 2h}\n", "c.yaml:1:16: crawl.delay: 2h is too large; ..."},
        {"crawl: {response_factor: 1.55}\n",
         "c.yaml:1:26: crawl.response_factor: \"1.55\" is no number with at most one digit behind "
         "the point; allowed: a number from 0.1 to 100, such as 2 or 1.5"},
        {"crawl: {response_factor: 101}\n",
         "c.yaml:1:26: crawl.response_factor: 101 is too large; ..."},
        {"memory: 1M\n",
         "c.yaml:1:9: memory: 1M is too small; allowed: a size from 128M to 1T, auto"},
        {"memory: 5X\n", "c.yaml:1:9: memory: \"5X\" has an unknown unit; ..."},
        {"memory: 18446744073709551615T\n",
         "c.yaml:1:9: memory: 18446744073709551615T is too large; ..."},
        {"crawl: {max_page: 16M}\n",
         "c.yaml:1:19: crawl.max_page: 16M is too large; allowed: a size from 1K to 10M"},
        {"disk_limit: some\n", "c.yaml:1:13: disk_limit: \"some\" is no number; allowed: a size "
                               "from 64M to 1024T, auto, none"},
        {"instance_name: ''\n",
         "c.yaml:1:16: instance_name: the text has 0 bytes; allowed: text of 1 to 64 bytes"},
        {"instance_name: \"a\\tb\"\n",
         "c.yaml:1:16: instance_name: a control character in the text; ..."},
        /* words */
        {"proxy: {kind: apache}\n",
         "c.yaml:1:15: proxy.kind: \"apache\" is none of the words; allowed: nginx, caddy, none"},
        {"log_level: loud\n", "c.yaml:1:12: log_level: \"loud\" is none of the words; allowed: "
                              "debug, info, warning, error"},
        /* names and addresses */
        {"hostname: not_a_name\n", "c.yaml:1:11: hostname: \"not_a_name\" is no host name; ..."},
        {"hostname: -a.example\n", "c.yaml:1:11: hostname: \"-a.example\" is no host name; ..."},
        {"hostname: a..b\n", "c.yaml:1:11: hostname: \"a..b\" is no host name; ..."},
        {"listen: everywhere\n",
         "c.yaml:1:9: listen: \"everywhere\" is no address of this machine; "
         "allowed: localhost, \"*\" (everyone), an IP address, or a list of these"},
        {"listen: []\n", "c.yaml:1:9: listen: the list is empty; ..."},
        {"listen: [[a]]\n", "c.yaml:1:10: listen: an item of the list is no single value; ..."},
        {"listen: {a: b}\n", "c.yaml:1:9: listen: a group of keys where a list is wanted; ..."},
        {"crawl: {contact: me}\n",
         "c.yaml:1:18: crawl.contact: \"me\" is nothing that one can write to; "
         "allowed: a mail address, or a URL that begins with http:// or https://"},
        {"crawl: {user_agent: \"b\xc3\xbc\"}\n",
         "c.yaml:1:21: crawl.user_agent: it goes into every request, so it holds visible ASCII "
         "only; ..."},
        {"proxy: {acme_email: nobody}\n",
         "c.yaml:1:21: proxy.acme_email: \"nobody\" is no mail address; ..."},
        {"crawl: {allowed_networks: [10.0.0.0/33]}\n", "c.yaml:1:28: crawl.allowed_networks: ..."},
        {"proxy: {certificate: /nowhere.pem}\n",
         "c.yaml:1:22: proxy.certificate: /nowhere.pem: No such file or directory; ..."},
        {"proxy: {certificate: /etc/passwd}\n", "c.yaml:1:22: proxy.certificate: proxy.certificate "
                                                "and proxy.key belong together; allowed: both "
                                                "or neither"},
        /* sources */
        {"crawl: {sources: {url: http://a/}}\n", "c.yaml:1:18: crawl.sources: no list; ..."},
        {"crawl: {sources: [example.org]}\n",
         "c.yaml:1:19: crawl.sources[0]: \"example.org\" is no whole URL: "
         "https:// is missing?; allowed: a URL that begins with ..."},
        {"crawl: {sources: [{public: true}]}\n",
         "c.yaml:1:19: crawl.sources[0]: url is missing; ..."},
        {"crawl: {sources: [ftp://a/]}\n", "c.yaml:1:19: crawl.sources[0]: ..."},
        {"crawl: {sources: [[a]]}\n", "c.yaml:1:19: crawl.sources[0]: this is no source; ..."},
        {"crawl:\n  sources:\n    - http://a/\n    - http://A\n",
         "c.yaml:3:5: crawl.sources: http://a/ is named by two sources"},
        {"crawl: {sources: [{url: http://a/b, prefix: http://a/c}]}\n",
         "c.yaml:1:19: crawl.sources[0]: url does not begin with prefix: ..."},
        /* several keys together */
        {"ports: {http: 8443}\n", "c.yaml:1:15: ports.http: ports.https and ports.http are both "
                                  "8443; allowed: a port for each"},
        {"barrels: {shards: 200, replicas: 2}\n",
         "c.yaml:1:19: barrels.shards: shards times replicas are more than 256 processes"},
        {"hostname: a\nhostname: b\n", "c.yaml:2:1: hostname stands here twice, first in line 1"},
        /* YAML itself */
        {"a: [\n", "c.yaml:2:1: this is no YAML: ..."},
        {"a: b: c\n",
         "c.yaml:1:5: this is no YAML: mapping values are not allowed in this context"},
        {"\thostname: a\n", "c.yaml:1:1: this is no YAML: ..."},
        {"hostname: \xff\n", "c.yaml:1:1: this is no YAML: ..."},
        {"listen: *\n", "c.yaml:1:10: this is no YAML: ..."},
        {"hostname: a\n---\nhostname: b\n", "c.yaml:2:1: a second document (---) begins here"},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        assert_told(&mistakes[i]);
}

static void all_mistakes_are_told_at_once_in_the_order_of_the_file(void **state)
{
    (void)state;
    static const char text[] = "hostname: a b\nports:\n  https: x\n  http: 70000\nnonsense: 1\n"
                               "crawl:\n  delay: x\n";
    struct config *untouched = NULL;
    struct config_errors *errors = calloc(1, sizeof(*errors));
    assert_int_equal(parse_bytes(text, strlen(text), &untouched, errors), STATUS_INVALID);
    assert_int_equal(errors->count, 5);
    static const unsigned lines[] = {1, 3, 4, 5, 7};
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(errors->items[i].line, lines[i]);
    config_errors_release(errors);
    free(errors);
}

static void more_mistakes_than_a_hundred_are_counted(void **state)
{
    (void)state;
    struct buffer text = {0};
    buffer_append_string(&text, "crawl:\n  allowed_networks:\n");
    for (int i = 0; i < 150; i++)
        buffer_append_string(&text, "    - x\n");
    struct config *untouched = NULL;
    struct config_errors *errors = calloc(1, sizeof(*errors));
    assert_int_equal(parse_bytes(buffer_string(&text), text.size, &untouched, errors),
                     STATUS_INVALID);
    assert_int_equal(errors->count, CONFIG_ERRORS_MAX);
    assert_int_equal(errors->left_out, 50);
    config_errors_release(errors);
    free(errors);
    buffer_release(&text);
}

static void an_alias_that_holds_itself_ends(void **state)
{
    (void)state;
    static const char text[] = "crawl: &a\n  sources: [*a]\n  contact: *a\n";
    struct config *untouched = NULL;
    struct config_errors *errors = calloc(1, sizeof(*errors));
    assert_int_equal(parse_bytes(text, strlen(text), &untouched, errors), STATUS_INVALID);
    config_errors_release(errors);
    free(errors);
}

static void a_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct config *untouched = NULL;
    struct config_errors *errors = calloc(1, sizeof(*errors));
    assert_int_equal(config_load("/nowhere/config.yaml", &untouched, errors), STATUS_NOT_FOUND);
    assert_int_equal(errors->count, 1);
    assert_string_equal(errors->items[0].text, "/nowhere/config.yaml: no such file");
    config_errors_release(errors);
    free(errors);
}

/* ---- the annotated config.yaml at the project's root ---- */

/* "#key: value" without its #; prose begins with "# ". */
static void uncomment(const struct buffer *in, struct buffer *out, const char *only)
{
    char *copy = strndup((const char *)in->data, in->size);
    char *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        size_t blanks = strspn(line, " ");
        bool is_key = line[blanks] == '#' && line[blanks + 1] >= 'a' && line[blanks + 1] <= 'z';
        if (is_key && (only == NULL || strncmp(line + blanks + 1, only, strlen(only)) == 0))
            memmove(line + blanks, line + blanks + 1, strlen(line + blanks));
        buffer_append_format(out, "%s\n", line);
    }
    free(copy);
}

static void the_annotated_file_shows_every_key_with_its_default(void **state)
{
    (void)state;
    struct buffer text = {0};
    struct buffer bare = {0};
    assert_int_equal(file_read("config.yaml", CONFIG_BYTES_MAX, &text, NULL), STATUS_OK);
    struct config *config = parse(buffer_string(&text));
    assert_defaults(config);
    config_free(config);
    uncomment(&text, &bare, NULL);
    config = parse(buffer_string(&bare));
    assert_defaults(config);
    config_free(config);
    for (const struct config_key *key = config_keys; key->path != NULL; key++) {
        const char *dot = strrchr(key->path, '.');
        char line[256];
        const char *preset = key->preset == NULL      ? "[]"
                             : key->preset[0] == '\0' ? "\"\""
                                                      : key->preset;
        snprintf(line, sizeof(line), "%s#%s: %s\n", dot == NULL ? "\n" : "\n  ",
                 dot == NULL ? key->path : dot + 1, preset);
        if (strstr(buffer_string(&text), line) == NULL)
            fail_msg("config.yaml lacks the line%s", line);
    }
    buffer_release(&bare);
    buffer_release(&text);
}

static void the_handbook_describes_every_key(void **state)
{
    (void)state;
    struct buffer text = {0};
    assert_int_equal(file_read("docs/configuration.md", CONFIG_BYTES_MAX, &text, NULL), STATUS_OK);
    for (const struct config_key *key = config_keys; key->path != NULL; key++) {
        char heading[256];
        snprintf(heading, sizeof(heading), "`%s`", key->path);
        if (strstr(buffer_string(&text), heading) == NULL)
            fail_msg("docs/configuration.md does not describe %s", key->path);
    }
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_holds_every_default),
        cmocka_unit_test(every_key_is_taken),
        cmocka_unit_test(every_mistake_is_told_with_its_place_and_what_is_allowed),
        cmocka_unit_test(all_mistakes_are_told_at_once_in_the_order_of_the_file),
        cmocka_unit_test(more_mistakes_than_a_hundred_are_counted),
        cmocka_unit_test(an_alias_that_holds_itself_ends),
        cmocka_unit_test(a_file_that_is_not_there_is_told),
        cmocka_unit_test(the_annotated_file_shows_every_key_with_its_default),
        cmocka_unit_test(the_handbook_describes_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
