#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orchestrator/jobs.h"
#include "orchestrator/memory.h"
#include "orchestrator/settings.h"

static struct config *parse(const char *text)
{
    static struct config_errors errors;
    struct config *config = NULL;
    memset(&errors, 0, sizeof(errors));
    if (config_parse(text, strlen(text), "c.yaml", "/", &config, &errors) != STATUS_OK)
        fail_msg("%s", errors.items[0].text);
    return config;
}

static struct settings_source source_of(const struct config *config)
{
    return (struct settings_source){.config = config,
                                    .version = 5,
                                    .memory_total = 1000000000,
                                    .shares = {.barrels = 2, .gateways = 2, .downloaders = 1},
                                    .disk_limit = 77,
                                    .token_hash = {1, 2, 3},
                                    .limits_file = "/data/run/limits",
                                    .handbook_connect_to = "127.0.0.1:8443",
                                    .handbook_ca_file = "/data/tls/cert.pem"};
}

static void each_role_gets_what_it_needs_and_no_more(void **state)
{
    (void)state;
    struct config *config = parse("crawl: {contact: a@example.org}\n");
    struct settings_source source = source_of(config);
    struct arena arena = {0};
    static const struct {
        Wire__Role role;
        bool crawl, gateway, indexserver;
    } roles[] = {{WIRE__ROLE__ROLE_INDEXSERVER, true, false, true},
                 {WIRE__ROLE__ROLE_DOWNLOADER, true, false, false},
                 {WIRE__ROLE__ROLE_BARREL, false, false, false},
                 {WIRE__ROLE__ROLE_GATEWAY, false, true, false},
                 {WIRE__ROLE__ROLE_GRPC, false, true, false}};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        const Wire__Settings *settings = settings_for(&source, roles[i].role, &arena);
        assert_int_equal(settings->version, 5);
        assert_string_equal(settings->log_level, "info");
        assert_true(settings->memory_bytes > 0);
        assert_int_equal(settings->crawl != NULL, roles[i].crawl);
        assert_int_equal(settings->gateway != NULL, roles[i].gateway);
        assert_int_equal(settings->indexserver != NULL, roles[i].indexserver);
    }
    arena_release(&arena);
    config_free(config);
}

static void gateways_learn_who_may_and_how_often(void **state)
{
    (void)state;
    struct config *config = parse("hostname: search.example.org\nports: {https: 443}\n"
                                  "search: {public: false, rate_per_minute: 30, cache: none}\n");
    struct settings_source source = source_of(config);
    struct arena arena = {0};
    const Wire__GatewaySettings *gateway =
        settings_for(&source, WIRE__ROLE__ROLE_GATEWAY, &arena)->gateway;
    assert_false(gateway->search_public);
    assert_int_equal(gateway->requests_per_minute, 30);
    assert_int_equal(gateway->cache_entries, 0);
    assert_int_equal(gateway->search_timeout_ms, 1000);
    assert_string_equal(gateway->base_url, "https://search.example.org");
    assert_string_equal(gateway->limits_file, "/data/run/limits");
    assert_int_equal(gateway->token_hash.len, 32);
    static const char *const hosts[] = {"search.example.org", "localhost", "127.0.0.1", "[::1]"};
    assert_int_equal(gateway->n_hosts, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(gateway->hosts[i], hosts[i]);
    arena_release(&arena);
    config_free(config);

    config = parse("");
    source = source_of(config);
    gateway = settings_for(&source, WIRE__ROLE__ROLE_GRPC, &arena)->gateway;
    assert_string_equal(gateway->base_url, "https://localhost:8443");
    assert_int_equal(gateway->n_hosts, 3);
    assert_string_equal(gateway->hosts[0], "localhost:8443");
    assert_string_equal(gateway->hosts[2], "[::1]:8443");
    arena_release(&arena);
    config_free(config);

    config = parse("hostname: 2001:db8::1\n");
    assert_string_equal(settings_base_url(config, &arena), "https://[2001:db8::1]:8443");
    arena_release(&arena);
    config_free(config);
}

static void the_handbook_is_the_first_source(void **state)
{
    (void)state;
    struct config *config =
        parse("crawl:\n  sources: [{url: http://a.example/, delay: 0}, "
              "{url: http://b.example/x, prefix: http://b.example/, max_pages: 3, "
              "public: true, allow_private: true}]\n");
    struct settings_source source = source_of(config);
    struct arena arena = {0};
    const Log__CrawlSettings *crawl =
        settings_for(&source, WIRE__ROLE__ROLE_INDEXSERVER, &arena)->crawl;
    assert_int_equal(crawl->n_sources, 3);
    const Log__Source *handbook = crawl->sources[0];
    assert_string_equal(handbook->url, "https://localhost:8443/handbook/");
    assert_string_equal(handbook->prefix, handbook->url);
    assert_string_equal(handbook->connect_to, "127.0.0.1:8443");
    assert_string_equal(handbook->ca_file, "/data/tls/cert.pem");
    assert_true(handbook->is_public);
    assert_true(handbook->allow_private);
    assert_string_equal(crawl->own_authority, "localhost:8443");
    assert_true(crawl->sources[1]->delay_set);
    assert_int_equal(crawl->sources[1]->delay_ms, 0);
    assert_false(crawl->sources[1]->allow_private);
    assert_false(crawl->sources[2]->delay_set);
    assert_int_equal(crawl->sources[2]->max_pages, 3);
    assert_true(crawl->sources[2]->is_public);
    assert_true(crawl->sources[2]->allow_private);
    assert_int_equal(crawl->recrawl_s, 7 * 86400);
    assert_int_equal(crawl->max_page_bytes, 10 << 20);
    source.handbook_connect_to = NULL;
    crawl = settings_for(&source, WIRE__ROLE__ROLE_INDEXSERVER, &arena)->crawl;
    assert_int_equal(crawl->n_sources, 2);
    config->crawl.handbook = false;
    source.handbook_connect_to = "127.0.0.1:8443";
    crawl = settings_for(&source, WIRE__ROLE__ROLE_INDEXSERVER, &arena)->crawl;
    assert_int_equal(crawl->n_sources, 2);
    arena_release(&arena);
    config_free(config);
}

static void the_user_agent_says_whom_to_write_to(void **state)
{
    (void)state;
    static const struct {
        const char *text, *agent;
    } agents[] = {
        {"", "Tierce/" TIERCE_VERSION},
        {"crawl: {contact: a@example.org}\n", "Tierce/" TIERCE_VERSION " (+a@example.org)"},
        {"crawl: {contact: a@example.org, user_agent: Ours/2}\n", "Ours/2"}};
    struct arena arena = {0};
    for (size_t i = 0; i < 3; i++) {
        struct config *config = parse(agents[i].text);
        struct settings_source source = source_of(config);
        assert_string_equal(
            settings_for(&source, WIRE__ROLE__ROLE_DOWNLOADER, &arena)->crawl->user_agent,
            agents[i].agent);
        config_free(config);
    }
    arena_release(&arena);
}

static void the_fingerprint_changes_with_the_settings_alone(void **state)
{
    (void)state;
    struct config *config = parse("");
    struct config *same = parse("search: {timeout: 1000ms}\n");
    struct config *other = parse("search: {timeout: 2s}\n");
    struct settings_source source = source_of(config);
    uint64_t fingerprint = settings_fingerprint(&source);
    source.version = 6;
    assert_true(settings_fingerprint(&source) == fingerprint);
    source.config = same;
    assert_true(settings_fingerprint(&source) == fingerprint);
    source.config = other;
    assert_true(settings_fingerprint(&source) != fingerprint);
    source.config = config;
    source.disk_limit++;
    assert_true(settings_fingerprint(&source) != fingerprint);
    config_free(config);
    config_free(same);
    config_free(other);
}

/* ---- memory ---- */

static void the_shares_are_never_more_than_the_whole(void **state)
{
    (void)state;
    static const struct memory_shares divisions[] = {
        {1, 1, 1}, {2, 2, 1}, {0, 0, 0}, {256, 64, 16}, {3, 7, 5}};
    for (size_t i = 0; i < sizeof(divisions) / sizeof(divisions[0]); i++) {
        const struct memory_shares *shares = &divisions[i];
        uint64_t total = 1000000007;
        uint64_t sum =
            shares->barrels * memory_share(total, shares, WIRE__ROLE__ROLE_BARREL) +
            shares->gateways * memory_share(total, shares, WIRE__ROLE__ROLE_GATEWAY) +
            shares->downloaders * memory_share(total, shares, WIRE__ROLE__ROLE_DOWNLOADER) +
            memory_share(total, shares, WIRE__ROLE__ROLE_INDEXSERVER) +
            memory_share(total, shares, WIRE__ROLE__ROLE_GRPC) +
            memory_share(total, shares, WIRE__ROLE__ROLE_ORCHESTRATOR) +
            memory_share(total, shares, WIRE__ROLE__ROLE_PROXY);
        assert_true(sum <= total);
        assert_true(shares->barrels == 0 || sum > total * 9 / 10);
    }
}

static void the_memory_of_a_process_holds_its_children(void **state)
{
    (void)state;
    Wire__Memory alone = WIRE__MEMORY__INIT, tree = WIRE__MEMORY__INIT;
    int pipes[2];
    char byte = 0;
    assert_true(memory_available() >= 1 << 24);
    assert_int_equal(pipe(pipes), 0);
    memory_add_tree(getpid(), &alone);
    assert_true(alone.anonymous > 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[1]);
        _exit(read(pipes[0], &byte, 1) == 0 ? 0 : 1);
    }
    memory_add_tree(getpid(), &tree);
    assert_true(tree.anonymous > alone.anonymous);
    close(pipes[1]);
    waitpid(child, NULL, 0);
    close(pipes[0]);
}

/* ---- jobs ---- */

static bool has_option(const struct child_job *job, const char *name, const char *value)
{
    for (unsigned i = 0; job->arguments[i] != NULL; i++) {
        if (strcmp(job->arguments[i], name) == 0)
            return value == NULL || strcmp(job->arguments[i + 1], value) == 0;
    }
    return false;
}

static void the_file_says_which_processes_there_are(void **state)
{
    (void)state;
    static struct child_job jobs[CHILDREN_MAX];
    struct config *config =
        parse("barrels: {replicas: 2}\ngateways: {workers: 3}\ncrawl: {downloaders: 2}\n");
    struct jobs_source source = {.config = config,
                                 .bin_folder = "/bin",
                                 .data_folder = "/data",
                                 .orchestrator = "127.0.0.1:9003",
                                 .host = "0.0.0.0",
                                 .shards = 2,
                                 .indexserver_port = 8183,
                                 .fastcgi_fd = 9};
    struct arena arena = {0};
    assert_int_equal(jobs_make(&source, &arena, jobs), 1 + 4 + 2 + 3 + 1);
    for (unsigned i = 0; i < 11; i++) {
        assert_true(has_option(&jobs[i], "--orchestrator", "127.0.0.1:9003"));
        assert_true(has_option(&jobs[i], "--key-file", "/data/cluster.key"));
        if (i < 5) /* the indexserver and the barrels */
            assert_true(has_option(&jobs[i], "--host", "0.0.0.0"));
        assert_true(jobs[i].is_named);
        assert_int_equal(jobs[i].stdin_fd, jobs[i].role == WIRE__ROLE__ROLE_GATEWAY ? 9 : -1);
        assert_int_equal(jobs[i].overlaps, jobs[i].role == WIRE__ROLE__ROLE_GATEWAY);
    }
    assert_string_equal(jobs[0].arguments[0], "/bin/indexserver");
    assert_true(has_option(&jobs[0], "--port", "8183"));
    assert_string_equal(jobs[4].slot, "barrel-1-1");
    assert_true(has_option(&jobs[4], "--shard", "1"));
    assert_true(has_option(&jobs[4], "--data", "/data/barrel-1-1"));
    assert_true(has_option(&jobs[7], "--fastcgi-fd", "0"));
    assert_string_equal(jobs[10].slot, "grpc");
    assert_true(has_option(&jobs[10], "--port", "8000"));
    config_free(config);
    config = parse("barrels: {replicas: 0}\ngateways: {workers: 0}\nports: {grpc: none}\n"
                   "crawl: {downloaders: 0}\n");
    source.config = config;
    assert_int_equal(jobs_make(&source, &arena, jobs), 1);
    config_free(config);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_gets_what_it_needs_and_no_more),
        cmocka_unit_test(gateways_learn_who_may_and_how_often),
        cmocka_unit_test(the_handbook_is_the_first_source),
        cmocka_unit_test(the_user_agent_says_whom_to_write_to),
        cmocka_unit_test(the_fingerprint_changes_with_the_settings_alone),
        cmocka_unit_test(the_shares_are_never_more_than_the_whole),
        cmocka_unit_test(the_memory_of_a_process_holds_its_children),
        cmocka_unit_test(the_file_says_which_processes_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
