/* What config.yaml says of a source: scope, times, log-in; and what it refuses. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "orchestrator/config.h"
#include "orchestrator/config_schema.h"
#include "orchestrator/settings.h"

static char folder[] = "/tmp/config-source-test-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static void write_secret(const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(file_replace(path, text, strlen(text), mode, NULL), STATUS_OK);
}

static enum status read_text(const char *text, struct config **ret_config,
                             struct config_errors *errors)
{
    size_t size = strlen(text);
    char *exact = malloc(size + (size == 0));
    memcpy(exact, text, size);
    memset(errors, 0, sizeof(*errors));
    enum status status = config_parse(exact, size, "c.yaml", folder, ret_config, errors);
    free(exact);
    return status;
}

static struct config *parse(const char *text)
{
    static struct config_errors errors;
    struct config *config = NULL;
    if (read_text(text, &config, &errors) != STATUS_OK)
        fail_msg("%s", errors.items[0].text);
    return config;
}

/* The first mistake of a source at http://a/ with these lines behind its url. */
static void assert_told(const char *lines, const char *told)
{
    static struct config_errors errors;
    struct config *config = NULL;
    char text[4096];
    snprintf(text, sizeof(text), "crawl:\n  sources:\n    - url: http://a/\n%s", lines);
    if (read_text(text, &config, &errors) == STATUS_OK)
        fail_msg("taken:\n%s", text);
    if (strstr(errors.items[0].text, told) == NULL)
        fail_msg("told:   %s\nwanted: %s", errors.items[0].text, told);
    for (unsigned i = 0; i < errors.count; i++)
        assert_null(strstr(errors.items[i].text, "hunter2"));
    config_errors_release(&errors);
}

static void every_key_of_a_source_is_taken(void **state)
{
    (void)state;
    struct config *config =
        parse("crawl:\n  crawl_delay_max: 90s\n  connections_per_address: 3\n"
              "  response_factor: 1.5\n  bandwidth: 2M\n  sources:\n"
              "    - url: http://a/x\n      seeds: [http://A/y, http://a/z]\n"
              "      sitemaps: [http://a/s.xml]\n      feeds: http://a/feed\n"
              "      rules:\n        - deny prefix /private/\n        - allow glob /docs/**\n"
              "        - 'deny regex \\.pdf$'\n"
              "      max_depth: 0\n      query: [sort, ref*]\n      recrawl_min: 1h\n"
              "      recrawl_max: 30d\n      quiet_hours: [\"22:00-06:00\", \"12:00-13:30\"]\n"
              "      connections: 4\n      robots: ignore\n      user_agent: Ours/2\n"
              "    - url: http://b/\n      sitemaps: none\n      query: drop\n"
              "    - url: http://c/\n      sitemaps: auto\n      query: keep_all\n"
              "    - http://d/\n");
    const struct config_source *a = &config->crawl.sources[0];
    assert_int_equal(config->crawl.crawl_delay_max_ms, 90000);
    assert_int_equal(config->crawl.connections_per_address, 3);
    assert_int_equal(config->crawl.response_factor_tenths, 15);
    assert_int_equal(config->crawl.bandwidth, 2 << 20);
    assert_int_equal(a->seeds.count, 2);
    assert_string_equal(a->seeds.items[0], "http://a/y");
    assert_string_equal(a->sitemaps.items[0], "http://a/s.xml");
    assert_false(a->no_sitemaps);
    assert_string_equal(a->feeds.items[0], "http://a/feed");
    assert_int_equal(a->rule_count, 3);
    assert_false(a->rules[0].allow);
    assert_int_equal(a->rules[0].kind, SCOPE_RULE_PREFIX);
    assert_string_equal(a->rules[0].pattern, "/private/");
    assert_true(a->rules[1].allow);
    assert_int_equal(a->rules[2].kind, SCOPE_RULE_REGEX);
    assert_string_equal(a->rules[2].pattern, "\\.pdf$");
    assert_int_equal(a->max_depth, 0);
    assert_int_equal(a->query, URL_QUERY_DROP_LISTED);
    assert_int_equal(a->drop_parameters.count, 2);
    assert_string_equal(a->drop_parameters.items[1], "ref*");
    assert_int_equal(a->recrawl_min_ms, 3600000);
    assert_int_equal(a->recrawl_max_ms, 30 * 86400000LL);
    assert_int_equal(a->quiet_hours_count, 2);
    assert_int_equal(a->quiet_hours[0].from, 22 * 60);
    assert_int_equal(a->quiet_hours[0].to, 6 * 60);
    assert_int_equal(a->quiet_hours[1].to, 13 * 60 + 30);
    assert_int_equal(a->connections, 4);
    assert_int_equal(a->robots, ROBOTS_IGNORE);
    assert_string_equal(a->user_agent, "Ours/2");
    assert_true(config->crawl.sources[1].no_sitemaps);
    assert_int_equal(config->crawl.sources[1].query, URL_QUERY_DROP_ALL);
    assert_int_equal(config->crawl.sources[2].query, URL_QUERY_KEEP_ALL);
    const struct config_source *d = &config->crawl.sources[3];
    assert_true(d->max_depth == CONFIG_ENDLESS && d->recrawl_min_ms == CONFIG_AUTO);
    assert_int_equal(d->query, URL_QUERY_KEEP);
    assert_int_equal(d->connections, 1);
    assert_int_equal(d->robots, ROBOTS_OBEY);
    assert_int_equal(d->access.login, LOGIN_NONE);
    assert_string_equal(d->access.cookie, "");
    config_free(config);
}

static void mistakes_of_a_scope_are_told_with_their_places(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *told;
    } mistakes[] = {
        {"      rules: [block /x]\n",
         "c.yaml:4:15: crawl.sources[0].rules: \"block /x\" begins with neither \"allow \" nor "
         "\"deny \"; allowed: a list of rules such as \"deny prefix /private/\""},
        {"      rules: [deny /x]\n", "says neither prefix, glob nor regex behind deny"},
        {"      rules: [deny prefix x]\n", "c.yaml:4:27: crawl.sources[0].rules: \"x\" begins with "
                                           "no /"},
        {"      rules:\n        - deny regex a(b\n",
         "c.yaml:5:25: crawl.sources[0].rules: no regular expression: missing closing "
         "parenthesis, at its character 4; allowed: "},
        {"      rules: [deny regex *x]\n", "c.yaml:4:26: crawl.sources[0].rules: no regular "},
        {"      rules: [deny glob x]\n", "begins with neither / nor *"},
        {"      rules: [{deny: x}]\n", "an item of the list is no single value"},
        {"      rules: {deny: x}\n", "a group of keys where a list is wanted"},
        {"      rules: [allow prefix /x, deny prefix /]\n",
         "c.yaml:4:14: crawl.sources[0]: http://a/ is where the crawl begins, and is denied by "
         "rule 2: deny prefix /; allowed: a rule before it that allows it"},
        {"      seeds: [http://a/y?b]\n      rules: [deny glob /y*]\n",
         "http://a/y?b is where the crawl begins, and is denied by rule 1: deny glob /y*"},
        {"      seeds: [http://b/]\n", "c.yaml:4:15: crawl.sources[0].seeds: http://b/ is on "
                                       "another host; allowed: URLs of a (another host is another "
                                       "source)"},
        {"      prefix: http://a/\n      feeds: [nonsense]\n",
         "c.yaml:5:15: crawl.sources[0].feeds: \"nonsense\": "},
        {"      max_depth: -1\n", "\"-1\" is no number; allowed: 0 to 10000, none"},
        {"      query: most\n", "\"most\" is none of the words; allowed: keep, keep_all, drop, or "
                                "a list"},
        {"      query: ['a=b']\n", "\"a=b\" is no name of a parameter"},
        {"      query: ['*']\n", "\"*\" is no name of a parameter"},
        {"      quiet_hours: ['22-6']\n", "\"22-6\" is no time of the day; allowed: a list"},
        {"      quiet_hours: ['25:00-06:00']\n", "is no time of the day"},
        {"      quiet_hours: ['06:00-06:00']\n", "is no time of the day"},
        {"      quiet_hours: ['06:00-24:01']\n", "is no time of the day"},
        {"      recrawl_min: 2d\n      recrawl_max: 1d\n",
         "c.yaml:4:20: crawl.sources[0]: recrawl_min is longer than recrawl_max"},
        {"      connections: 0\n", "0 is too small; allowed: 1 to 16"},
        {"      robots: maybe\n", "\"maybe\" is none of the words; allowed: obey, ignore"},
        {"      user_agent: \"b\xc3\xbc\"\n", "visible ASCII only"},
        {"      max_dept: 3\n", "unknown key; did you mean max_depth? allowed: url, prefix, "},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        assert_told(mistakes[i].lines, mistakes[i].told);
}

static void seeds_lie_within_the_prefix_and_sitemaps_need_not(void **state)
{
    (void)state;
    config_free(parse("crawl: {sources: [{url: http://a/d/, prefix: http://a/d/, seeds: "
                      "[http://a/d/x], sitemaps: [http://a/s.xml]}]}\n"));
    assert_told("      prefix: http://a/\n    - url: http://b/d/\n      prefix: http://b/d/\n"
                "      seeds: [http://b/e]\n",
                "crawl.sources[1].seeds: http://b/e does not begin with prefix");
}

/* ---- secrets ------------------------------------------------------------------------------- */

static void secrets_come_from_files_and_go_to_downloaders_alone(void **state)
{
    (void)state;
    write_secret("password", "hunter2\n", 0600);
    write_secret("token", "tok-hunter2", 0400);
    write_secret("cookie", "a=hunter2; b=2\n", 0600);
    write_secret("headers", "X-Api-Key: hunter2\nX-Other:  y\n", 0600);
    struct config *config =
        parse("crawl:\n  downloaders: 2\n  bandwidth: 1M\n  sources:\n"
              "    - {url: http://a/, login: {kind: basic, user: me, password_file: password}}\n"
              "    - {url: http://b/, cookie_file: cookie, headers: {Accept-Language: de}}\n"
              "    - {url: http://c/, login: {kind: bearer, token_file: token}}\n"
              "    - url: http://d/\n      headers_file: headers\n"
              "      login: {kind: form, url: http://d/login, user: me, password_file: password, "
              "user_field: u, fields: {keep: 'yes'}}\n"
              "    - http://e/\n");
    struct settings_source source = {.config = config, .version = 1, .limits_file = ""};
    struct arena arena = {0};
    const Wire__DownloaderSettings *downloader =
        settings_for(&source, WIRE__ROLE__ROLE_DOWNLOADER, &arena)->downloader;
    assert_int_equal(downloader->bandwidth, 1 << 19);
    assert_int_equal(downloader->n_credentials, 4);
    Wire__Credentials **all = downloader->credentials;
    assert_string_equal(all[0]->source, "http://a/");
    assert_string_equal(all[0]->user, "me");
    assert_string_equal(all[0]->password, "hunter2");
    assert_string_equal(all[0]->login_url, "");
    assert_int_equal(all[0]->n_login_fields, 0);
    assert_string_equal(all[1]->cookie, "a=hunter2; b=2");
    assert_string_equal(all[1]->headers[0], "Accept-Language: de");
    assert_string_equal(all[2]->bearer, "tok-hunter2");
    assert_string_equal(all[3]->headers[0], "X-Api-Key: hunter2");
    assert_string_equal(all[3]->headers[1], "X-Other: y");
    assert_string_equal(all[3]->login_url, "http://d/login");
    assert_int_equal(all[3]->n_login_fields, 3);
    assert_string_equal(all[3]->login_fields[0], "keep=yes");
    assert_string_equal(all[3]->login_fields[1], "u=me");
    assert_string_equal(all[3]->login_fields[2], "password=hunter2");
    const Wire__Settings *others = settings_for(&source, WIRE__ROLE__ROLE_INDEXSERVER, &arena);
    assert_null(others->downloader);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(others->crawl->sources[i]->has_credentials, i < 4);
    struct buffer packed = {0};
    uint8_t *room = buffer_reserve(&packed, wire__settings__get_packed_size(others));
    packed.size = wire__settings__pack(others, room);
    assert_null(memmem(packed.data, packed.size, "hunter2", 7));
    buffer_release(&packed);
    arena_release(&arena);
    config_free(config);
}

static void a_changed_secret_changes_the_settings(void **state)
{
    (void)state;
    static const char text[] = "crawl: {sources: [{url: http://a/, cookie_file: changed}]}\n";
    uint64_t fingerprints[2];
    for (int i = 0; i < 2; i++) {
        write_secret("changed", i == 0 ? "a=1" : "a=2", 0600);
        struct config *config = parse(text);
        struct settings_source source = {.config = config, .limits_file = ""};
        fingerprints[i] = settings_fingerprint(&source);
        config_free(config);
    }
    assert_true(fingerprints[0] != fingerprints[1]);
}

static void a_secret_that_is_none_is_refused_and_never_told(void **state)
{
    (void)state;
    write_secret("open", "hunter2\n", 0640);
    write_secret("lines", "hunter2\nhunter2\n", 0600);
    write_secret("empty", "\n", 0600);
    write_secret("control", "hunter2\tx\n", 0600);
    write_secret("header", "hunter2\n", 0600);
    write_secret("own", "Host: hunter2\n", 0600);
    write_secret("good", "hunter2\n", 0600);
    static const struct {
        const char *lines, *told;
    } mistakes[] = {
        {"      cookie_file: open\n", "can be read or changed by others than its owner (mode 640): "
                                      "chmod 600 it; allowed: the path of a file that only its "
                                      "owner can read (chmod 600)"},
        {"      cookie_file: lines\n", "has more than one line"},
        {"      cookie_file: empty\n", "is empty"},
        {"      cookie_file: control\n", "has a control character"},
        {"      cookie_file: missing\n", "No such file or directory"},
        {"      cookie_file: /dev/zero\n", "/dev/zero is no file"},
        {"      headers_file: header\n", "line 1 of the file is no header: it has no colon"},
        {"      headers_file: own\n", "Host is the crawl's own affair"},
        {"      cookie: a=hunter2\n", "a secret does not belong into this file; allowed: "
                                      "cookie_file"},
        {"      headers: {Authorization: hunter2}\n",
         "c.yaml:4:17: crawl.sources[0].headers: the value of Authorization is a secret"},
        {"      headers: {X-Auth-Token: hunter2}\n", "the value of X-Auth-Token is a secret"},
        {"      headers: {User-Agent: x}\n", "User-Agent is the crawl's own affair"},
        {"      headers: {'a b': x}\n", "\"a b\" is no name of a header"},
        {"      headers: {X: \"a\\r\\nY: b\"}\n", "the value of X is no visible ASCII"},
        {"      login: {kind: basic, user: me, password: hunter2}\n",
         "c.yaml:4:38: crawl.sources[0].login.password: a secret does not belong into this file; "
         "allowed: password_file"},
        {"      login: {kind: basic, user: me}\n", "password_file is missing"},
        {"      login: {kind: bearer}\n", "token_file is missing"},
        {"      login: {kind: form, user: me, password_file: good}\n", "url is missing"},
        {"      login: {user: me, password_file: good}\n", "kind is missing; allowed: basic"},
        {"      login: {kind: basic, user: me, password_file: good, token_file: good}\n",
         "has no use for token_file"},
        {"      login: {kind: form, url: http://a/l, user: me, password_file: good, fields: "
         "{token: hunter2}}\n",
         "a secret does not belong into this file"},
        {"      login: {kind: form, url: https://b/l, user: me, password_file: good}\n",
         "c.yaml:4:14: crawl.sources[0]: login.url https://b/l is not of the source; allowed: URLs "
         "of "},
        {"      login: {kind: form, usr: me}\n", "unknown key; did you mean user?"},
        {"      login: basic\n", "no group of keys"},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        assert_told(mistakes[i].lines, mistakes[i].told);
}

/* ---- what is written of the keys ----------------------------------------------------------- */

static void assert_described(const char *path, const struct config_key *keys, const char *form)
{
    struct buffer text = {0};
    assert_int_equal(file_read(path, CONFIG_BYTES_MAX, &text, NULL), STATUS_OK);
    for (const struct config_key *key = keys; key->path != NULL; key++) {
        char wanted[128];
        snprintf(wanted, sizeof(wanted), form, key->path);
        if (strstr(buffer_string(&text), wanted) == NULL)
            fail_msg("%s does not have %s", path, wanted);
    }
    buffer_release(&text);
}

static void every_key_of_a_source_is_described(void **state)
{
    (void)state;
    assert_described("docs/configuration.md", config_source_keys, "`%s`");
    assert_described("docs/configuration.md", config_login_keys, "`%s`");
    assert_described("config.yaml", config_source_keys, " %s: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_a_source_is_taken),
        cmocka_unit_test(mistakes_of_a_scope_are_told_with_their_places),
        cmocka_unit_test(seeds_lie_within_the_prefix_and_sitemaps_need_not),
        cmocka_unit_test(secrets_come_from_files_and_go_to_downloaders_alone),
        cmocka_unit_test(a_changed_secret_changes_the_settings),
        cmocka_unit_test(a_secret_that_is_none_is_refused_and_never_told),
        cmocka_unit_test(every_key_of_a_source_is_described),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
