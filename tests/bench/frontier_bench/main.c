/*
 * frontier-bench: the frontier at a size that no test reaches.
 *
 * An indexserver as it runs, behind its socket, in this process. URLs are submitted, then leased
 * and reported by threads that stand in for downloaders; nothing is fetched. Every host answers its
 * robots.txt with 404, every page with 304, each in a millisecond.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/args.h"
#include "base/check.h"
#include "base/clock.h"
#include "indexserver/service.h"
#include "rpc/client.h"
#include "rpc/server.h"

enum {
    SUBMIT_URLS = 10000, /* in one call */
    SUBMIT_HOSTS = 100,  /* of so many hosts */
    LEASE_HOSTS = 64,    /* a downloader's */
    CALL_MS = 120 * 1000,
    URL_BYTES = 160,
    MEMORY_MIB_DEFAULT = 205, /* a fifth of 1 GiB, as the orchestrator parts it */
};

struct bench {
    uint64_t urls, hosts, downloaders, seconds, memory_mb;
    const char *data;
    struct cluster_key key;
    struct service *service;
    struct rpc_server *server;
    int64_t until_ms;
    enum round { ROUND_ROBOTS, ROUND_LEASES, ROUND_PAGES } round;
    atomic_ulong leases, leased;
    atomic_bool idle; /* nothing was due for one of the downloaders */
};

static void fail(const char *what, const struct error *err)
{
    fprintf(stderr, "frontier-bench: %s: %s\n", what, err->text);
    exit(1);
}

static void fail_errno(const char *what)
{
    struct error err;
    error_set_errno(&err, errno, "cannot be made");
    fail(what, &err);
}

static void note_failed(void *context, const struct error *err)
{
    (void)context;
    fail("the log", err);
}

/* ---- what it costs ------------------------------------------------------------------------------
 */

static unsigned long anonymous_kib(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "RssAnon: %lu kB", &kib) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return kib;
}

static uint64_t folder_bytes(const char *path)
{
    uint64_t total = 0;
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char name[4096];
        struct stat info;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "ballast") == 0)
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (lstat(name, &info) != 0)
            continue;
        total += S_ISDIR(info.st_mode) ? folder_bytes(name) : (uint64_t)info.st_blocks * 512;
    }
    if (folder != NULL)
        closedir(folder);
    return total;
}

static void print_size(const struct bench *bench, const char *when)
{
    char log[4096], views[4096];
    snprintf(log, sizeof(log), "%s/log", bench->data);
    snprintf(views, sizeof(views), "%s/views", bench->data);
    double urls = (double)bench->urls;
    unsigned long kib = anonymous_kib();
    printf("%-24s memory %lu MiB (%.1f bytes a URL), log %.1f and views %.1f bytes a URL\n", when,
           kib / 1024, (double)kib * 1024 / urls, (double)folder_bytes(log) / urls,
           (double)folder_bytes(views) / urls);
    fflush(stdout);
}

static double cpu_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* ---- the process --------------------------------------------------------------------------------
 */

static void take_settings(struct bench *bench)
{
    Log__CrawlSettings crawl = LOG__CRAWL_SETTINGS__INIT;
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    struct error err;
    crawl.version = settings.version = 1;
    crawl.contact = (char *)"mailto:someone@example.org";
    crawl.user_agent = (char *)"frontier-bench";
    crawl.max_pages = UINT32_MAX;
    crawl.max_bytes = UINT64_MAX;
    crawl.recrawl_s = 30 * 24 * 3600;
    settings.crawl = &crawl;
    settings.memory_bytes = bench->memory_mb << 20;
    if (service_take_settings(bench->service, &settings, &err) != STATUS_OK)
        fail("settings", &err);
}

static void start(struct bench *bench)
{
    struct service_options options = {
        .folder = bench->data, .failed = note_failed, .context = bench};
    struct error err;
    int64_t begun = clock_boot_ms();
    bench->service = service_new(&options);
    struct rpc_server_options server = {.host = "127.0.0.1",
                                        .key = &bench->key,
                                        .handler = service_handle,
                                        .context = bench->service,
                                        .threads = 4};
    if (mkdir(bench->data, 0700) != 0 && errno != EEXIST)
        fail_errno(bench->data);
    take_settings(bench); /* its share of memory counts from the opening on */
    if (service_open(bench->service, &err) != STATUS_OK ||
        rpc_server_open(&server, &bench->server, &err) != STATUS_OK)
        fail("starting", &err);
    printf("%-24s %.2f s\n", "opening", (double)(clock_boot_ms() - begun) / 1000);
}

static void stop(struct bench *bench)
{
    service_drain(bench->service);
    rpc_server_close(bench->server, 5000);
    service_close(bench->service);
}

static struct rpc_client *connect_to(const struct bench *bench)
{
    struct rpc_client *client;
    struct error err;
    if (rpc_client_open(rpc_server_address(bench->server), &bench->key, &client, &err) != STATUS_OK)
        fail("connecting", &err);
    return client;
}

static void *call(struct rpc_client *client, int method, const ProtobufCMessage *request,
                  const ProtobufCMessageDescriptor *descriptor, struct arena *arena)
{
    struct error err;
    void *reply;
    if (rpc_call(client, (uint16_t)method, request, descriptor, arena, CALL_MS, &reply, &err) !=
        STATUS_OK)
        fail("a call", &err);
    return reply;
}

/* ---- filling ------------------------------------------------------------------------------------
 */

/* The n-th URL: a page of one of SUBMIT_HOSTS hosts that come at a time, as links do. */
static char *url_of(const struct bench *bench, uint64_t n, struct arena *arena)
{
    static const char *const sections[] = {"news", "articles/archive", "docs/reference", "blog",
                                           "products/catalogue"};
    uint64_t group = n / SUBMIT_URLS, within = n % SUBMIT_URLS;
    uint64_t groups = (bench->hosts + SUBMIT_HOSTS - 1) / SUBMIT_HOSTS;
    uint64_t host = group % groups * SUBMIT_HOSTS + within % SUBMIT_HOSTS;
    return check_alloc(arena_format(arena,
                                    "https://www.host%06lu.example.org/%s/%lu/the-title-of-a-page-"
                                    "%lx",
                                    host % bench->hosts, sections[n % ARRAY_COUNT(sections)],
                                    n / 1000 % 1000, n * 0x9e3779b97f4a7c15u >> 40));
}

static void fill(struct bench *bench)
{
    struct rpc_client *client = connect_to(bench);
    struct arena arena = {0};
    int64_t begun = clock_boot_ms();
    double cpu = cpu_seconds();
    for (uint64_t n = 0; n < bench->urls;) {
        Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
        request.urls = check_alloc(arena_alloc(&arena, SUBMIT_URLS * sizeof(char *)));
        while (request.n_urls < SUBMIT_URLS && n < bench->urls)
            request.urls[request.n_urls++] = url_of(bench, n++, &arena);
        Wire__SubmitReply *reply = call(client, WIRE__METHOD__SUBMIT, &request.base,
                                        &wire__submit_reply__descriptor, &arena);
        if (reply->accepted != request.n_urls) {
            fprintf(stderr, "frontier-bench: %zu URLs were refused: %s\n",
                    request.n_urls - reply->accepted,
                    reply->n_rejected == 0 ? "" : reply->rejected[0]->reason);
            exit(1);
        }
        arena_reset(&arena);
    }
    double seconds = (double)(clock_boot_ms() - begun) / 1000;
    printf("%-24s %.1f s: %.0f URLs a second, CPU %.1f us each\n", "submitting", seconds,
           (double)bench->urls / seconds, (cpu_seconds() - cpu) * 1e6 / (double)bench->urls);
    arena_release(&arena);
    rpc_client_close(client);
    print_size(bench, "submitted");
}

/* ---- leasing ------------------------------------------------------------------------------------
 */

static Log__Hop **answer(struct arena *arena, const char *url, unsigned status)
{
    Log__Hop **hops = check_alloc(arena_alloc(arena, sizeof(*hops)));
    hops[0] = check_alloc(arena_alloc(arena, sizeof(**hops)));
    log__hop__init(hops[0]);
    hops[0]->url = (char *)url;
    hops[0]->status = status;
    hops[0]->address = (char *)"192.0.2.1";
    return hops;
}

static Wire__Fetched *fetch(const Wire__HostLease *lease, const Wire__LeasedUrl *url,
                            struct arena *arena)
{
    Wire__Fetched *fetched = check_alloc(arena_alloc(arena, sizeof(*fetched)));
    wire__fetched__init(fetched);
    fetched->lease = lease->lease;
    fetched->url = url->url;
    if (url->kind == WIRE__FETCH_KIND__FETCH_ROBOTS) {
        Log__Robots *robots = check_alloc(arena_alloc(arena, sizeof(*robots)));
        log__robots__init(robots);
        robots->origin = lease->origin;
        robots->hops = answer(arena, url->url, 404);
        robots->n_hops = 1;
        fetched->result_case = WIRE__FETCHED__RESULT_ROBOTS;
        fetched->robots = robots;
    } else {
        Log__Outcome *outcome = check_alloc(arena_alloc(arena, sizeof(*outcome)));
        log__outcome__init(outcome);
        outcome->url = url->url;
        outcome->reason = LOG__REASON__REASON_NOT_MODIFIED;
        outcome->hops = answer(arena, url->url, 304);
        outcome->n_hops = 1;
        outcome->fetch_ms = 1;
        fetched->result_case = WIRE__FETCHED__RESULT_OUTCOME;
        fetched->outcome = outcome;
    }
    return fetched;
}

/* Returns how many URLs there were. Without results they are queued as before. */
static size_t report(struct rpc_client *client, const Wire__LeaseReply *leases, bool results,
                     struct arena *arena)
{
    Wire__ReportRequest request = WIRE__REPORT_REQUEST__INIT;
    size_t count = 0;
    for (size_t i = 0; i < leases->n_leases; i++)
        count += leases->leases[i]->n_urls;
    request.fetched = check_alloc(arena_alloc(arena, (count + 1) * sizeof(*request.fetched)));
    request.finished =
        check_alloc(arena_alloc(arena, (leases->n_leases + 1) * sizeof(*request.finished)));
    for (size_t i = 0; i < leases->n_leases; i++) {
        const Wire__HostLease *lease = leases->leases[i];
        for (size_t j = 0; results && j < lease->n_urls; j++)
            request.fetched[request.n_fetched++] = fetch(lease, lease->urls[j], arena);
        request.finished[request.n_finished++] = lease->lease;
    }
    call(client, WIRE__METHOD__REPORT, &request.base, &wire__report_reply__descriptor, arena);
    return count;
}

static void *download(void *context)
{
    struct bench *bench = context;
    struct rpc_client *client = connect_to(bench);
    struct arena arena = {0};
    while (clock_boot_ms() < bench->until_ms && !atomic_load(&bench->idle)) {
        Wire__LeaseRequest request = WIRE__LEASE_REQUEST__INIT;
        request.member = 1;
        request.max_hosts = LEASE_HOSTS;
        request.wait_ms = 100;
        const Wire__LeaseReply *leases = call(client, WIRE__METHOD__LEASE, &request.base,
                                              &wire__lease_reply__descriptor, &arena);
        if (leases->n_leases == 0) {
            atomic_store(&bench->idle, true);
        } else {
            bool robots = leases->leases[0]->urls[0]->kind == WIRE__FETCH_KIND__FETCH_ROBOTS;
            atomic_fetch_add(&bench->leases, leases->n_leases);
            atomic_fetch_add(&bench->leased,
                             report(client, leases, bench->round != ROUND_LEASES, &arena));
            if (bench->round == ROUND_ROBOTS && !robots)
                atomic_store(&bench->idle, true); /* every host has answered its robots.txt */
        }
        arena_reset(&arena);
    }
    arena_release(&arena);
    rpc_client_close(client);
    return NULL;
}

static void lease(struct bench *bench, enum round round)
{
    static const char *const names[] = {"robots.txt, reported", "pages, given back",
                                        "pages, reported"};
    pthread_t threads[16];
    bench->round = round;
    atomic_store(&bench->idle, false);
    atomic_store(&bench->leases, 0);
    atomic_store(&bench->leased, 0);
    int64_t begun = clock_boot_ms();
    double cpu = cpu_seconds();
    bench->until_ms = begun + (int64_t)bench->seconds * 1000;
    for (size_t i = 0; i < bench->downloaders; i++)
        CHECK(pthread_create(&threads[i], NULL, download, bench) == 0);
    for (size_t i = 0; i < bench->downloaders; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(clock_boot_ms() - begun) / 1000;
    printf("%-24s %.1f s: %.0f hosts and %.0f URLs a second leased, CPU %.1f us a URL\n",
           names[round], seconds, (double)atomic_load(&bench->leases) / seconds,
           (double)atomic_load(&bench->leased) / seconds,
           (cpu_seconds() - cpu) * 1e6 / (double)(atomic_load(&bench->leased) + 1));
    print_size(bench, "afterwards");
}

int main(int argc, char **argv)
{
    struct bench bench = {.urls = 1000000,
                          .hosts = 10000,
                          .downloaders = 2,
                          .seconds = 30,
                          .memory_mb = MEMORY_MIB_DEFAULT};
    const struct args_option options[] = {
        {"data", ARGS_STRING, &bench.data, "DIR", "where the log and the views are made", 0},
        {"urls", ARGS_UINT, &bench.urls, "N", "URLs to submit (1000000)", 1000000000},
        {"hosts", ARGS_UINT, &bench.hosts, "N", "of so many hosts (10000)", 100000},
        {"downloaders", ARGS_UINT, &bench.downloaders, "N", "that lease at a time (2)", 16},
        {"seconds", ARGS_UINT, &bench.seconds, "N", "of each leasing, at most (30)", 3600},
        {"memory", ARGS_UINT, &bench.memory_mb, "MIB", "the indexserver's share (205)", 65536},
        {0},
    };
    args_parse(argc, argv, "frontier-bench --data DIR [options]", options);
    if (bench.data == NULL || bench.downloaders == 0) {
        fprintf(stderr, "frontier-bench: --data DIR is needed, and a downloader\n");
        return 2;
    }
    memset(bench.key.bytes, 7, sizeof(bench.key.bytes));
    start(&bench);
    fill(&bench);
    lease(&bench, ROUND_ROBOTS);
    lease(&bench, ROUND_LEASES);
    lease(&bench, ROUND_PAGES);
    stop(&bench);
    start(&bench);
    print_size(&bench, "opened again");
    stop(&bench);
    return 0;
}
