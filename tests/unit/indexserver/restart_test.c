/* What a restart, a lost view, a kill at any moment leave behind. */
#include "tests/unit/indexserver/harness.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/file.h"
#include "cluster/log.h"
#include "indexserver/views.h"

#define HOST "http://127.0.0.1:8080"

static struct site_page manual[] = {
    {.url = HOST "/", .links = {HOST "/a", HOST "/b"}},
    {.url = HOST "/a", .links = {HOST "/c", HOST "/d"}},
    {.url = HOST "/b", .links = {HOST "/", HOST "/e"}},
    {.url = HOST "/c"},
    {.url = HOST "/d", .links = {HOST "/f"}},
    {.url = HOST "/e", .status = 301, .target = HOST "/g"},
    {.url = HOST "/f"},
    {.url = HOST "/g"},
};

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    ix->site = manual;
    ix->site_count = sizeof(manual) / sizeof(manual[0]);
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

/* What LOOKUP says of every page, without times. */
static const char *all_about(struct indexserver *ix)
{
    struct buffer text = {0};
    static const char *const stages[] = {"scope", "robots", "content", "index"};
    for (size_t i = 0; i < ix->site_count; i++) {
        for (int j = 0; j < 4; j++)
            buffer_append_format(&text, "%s %s\n", ix->site[i].url,
                                 lookup(ix, ix->site[i].url, stages[j]));
    }
    const char *copy = arena_string(&ix->arena, buffer_string(&text));
    buffer_release(&text);
    return copy;
}

static void wait_until_caught_up(struct indexserver *ix)
{
    while (strstr(get_status(ix)->paused, "made anew") != NULL)
        usleep(2000);
}

static void drop_views(struct indexserver *ix)
{
    char path[PATH_MAX + 16];
    stop(ix);
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    remove_tree(path);
    start(ix);
    wait_until_caught_up(ix);
}

static void a_restart_changes_nothing(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    const char *feed = whole_feed(ix), *about = all_about(ix);
    unsigned fetches = ix->fetches;
    const Wire__IndexserverStatus *before = get_status(ix);
    restart(ix);
    const Wire__IndexserverStatus *after = get_status(ix);
    assert_string_equal(whole_feed(ix), feed);
    assert_string_equal(all_about(ix), about);
    assert_int_equal(after->urls_known, before->urls_known);
    assert_int_equal(after->urls_fetched, before->urls_fetched);
    assert_int_equal(after->pages, before->pages);
    assert_int_equal(after->head, before->head);
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, fetches);
    assert_int_equal(ix->parses, 0);
}

static void views_that_were_lost_are_made_again_from_the_log(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    submit(ix, HOST "/a");
    crawl_all(ix, 50);
    const char *feed = whole_feed(ix), *about = all_about(ix);
    const Wire__IndexserverStatus *before = get_status(ix);
    unsigned fetches = ix->fetches;
    drop_views(ix);
    assert_string_equal(whole_feed(ix), ""); /* contents wait to be parsed again */
    crawl_all(ix, 50);
    const Wire__IndexserverStatus *after = get_status(ix);
    assert_int_equal(ix->fetches, fetches);
    assert_int_equal(ix->parses, 7);
    assert_string_equal(whole_feed(ix), feed);
    assert_string_equal(all_about(ix), about);
    assert_int_equal(after->urls_known, before->urls_known);
    assert_int_equal(after->urls_fetched, before->urls_fetched);
    assert_int_equal(after->urls_queued, before->urls_queued);
    assert_int_equal(after->pages, before->pages);
}

static void what_waits_is_found_again_when_the_views_are_made_anew(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* robots.txt */
    work_on(ix, lease(ix, 1, 1000)->leases[0]); /* the first page: a and b wait */
    assert_int_equal(get_status(ix)->urls_queued, 2);
    drop_views(ix);
    crawl_all(ix, 50);
    assert_int_equal(ix->fetches, 8); /* each URL once */
    assert_int_equal(ix->parses, 1);
}

static void a_lease_holds_over_a_restart_until_it_is_given_back(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    restart(ix);
    assert_int_equal(lease(ix, 1, 1500)->n_leases, 0); /* longer than any delay */
    assert_int_equal(get_status(ix)->urls_leased, 0);  /* how many is not kept */
    work_on(ix, reply->leases[0]);
    assert_int_equal(lease(ix, 1, 1000)->n_leases, 1);
}

static void a_reader_of_views_made_anew_is_told_to_begin_again(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    const Wire__FeedReply *reply = read_feed(ix, 0, 0);
    assert_false(reply->restart);
    Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
    request.from = reply->next;
    request.slot_last = 255;
    request.identity = reply->identity;
    Wire__FeedReply *again =
        call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_false(again->restart);
    drop_views(ix);
    again = call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_true(again->restart);
    request.from = 1;
    again = call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_false(again->restart);
    request.from = again->head + 2; /* of a log that was longer */
    request.identity = again->identity;
    again = call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
    assert_true(again->restart);
}

static void the_feed_waits_for_a_content_without_a_page(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/c");
    submit(ix, HOST "/f");
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    assert_int_equal(reply->leases[0]->n_urls, 2);
    Wire__Fetched *first = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    Wire__Fetched *second = fetch(ix, reply->leases[0], reply->leases[0]->urls[1]);
    first->page = NULL; /* the parser was not asked */
    report(ix, &first, 1, NULL, 0);
    report(ix, &second, 1, &reply->leases[0]->lease, 1);
    assert_string_equal(whole_feed(ix), "");
    assert_string_equal(lookup(ix, HOST "/f", "index"),
                        "waiting: the barrels wait for pages before it to be parsed");
    crawl_all(ix, 50);
    assert_int_equal(ix->parses, 1);
    assert_string_equal(whole_feed(ix), "doc c version 0; doc f version 0; ");
}

static void a_content_that_no_parser_reads_does_not_stop_the_feed(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/c");
    submit(ix, HOST "/f");
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    const Wire__LeaseReply *reply = lease(ix, 1, 1000);
    Wire__Fetched *first = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
    Wire__Fetched *second = fetch(ix, reply->leases[0], reply->leases[0]->urls[1]);
    first->page = NULL;
    Wire__Fetched *both[] = {first, second};
    report(ix, both, 2, &reply->leases[0]->lease, 1);
    for (int i = 0; i < 3; i++) { /* leased, given back without a page */
        reply = lease(ix, 1, 1000);
        assert_int_equal(reply->n_leases, 1);
        assert_int_equal(reply->leases[0]->urls[0]->kind, WIRE__FETCH_KIND__FETCH_PARSE);
        first = fetch(ix, reply->leases[0], reply->leases[0]->urls[0]);
        first->page = NULL;
        report(ix, &first, 1, &reply->leases[0]->lease, 1);
    }
    assert_int_equal(lease(ix, 1, 50)->n_leases, 0);
    assert_string_equal(whole_feed(ix), "doc f version 0; ");
    assert_string_equal(lookup(ix, HOST "/c", "content"), "stopped: no parser could read it");
}

/* ---- any order of events ------------------------------------------------------------------------
 */

enum { WALK_HOSTS = 6, WALK_PAGES = 12, WALK_STEPS = 400 };
static char walk_urls[WALK_HOSTS * WALK_PAGES][64];
static struct site_page walk_site[WALK_HOSTS * WALK_PAGES];

/* Each host's first page links to its others. */
static void make_walk_site(struct indexserver *ix)
{
    for (int i = 0; i < WALK_HOSTS * WALK_PAGES; i++) {
        int host = i / WALK_PAGES, page = i % WALK_PAGES;
        snprintf(walk_urls[i], sizeof(walk_urls[i]), "http://127.0.0.1:%d/p%d", 8100 + host, page);
        walk_site[i] = (struct site_page){.url = walk_urls[i]};
        if (page > 0)
            walk_site[i - page].links[page - 1] = walk_urls[i];
    }
    ix->site = walk_site;
    ix->site_count = WALK_HOSTS * WALK_PAGES;
}

/* A lease that the made-up downloaders hold, and how much of it they have reported. */
struct walk_lease {
    Wire__HostLease *lease;
    size_t reported;
};

struct walk {
    struct indexserver *ix;
    struct walk_lease held[WALK_HOSTS];
    size_t held_count;
    unsigned fetched[WALK_HOSTS * WALK_PAGES];
};

static void walk_take(struct walk *w)
{
    const Wire__LeaseReply *reply = lease(w->ix, 2, 1);
    for (size_t i = 0; i < reply->n_leases; i++) {
        for (size_t j = 0; j < w->held_count; j++)
            assert_string_not_equal(reply->leases[i]->origin, w->held[j].lease->origin);
        w->held[w->held_count++] = (struct walk_lease){.lease = reply->leases[i]};
    }
}

/* Reports the next URL of a lease, or gives the lease back. */
static void walk_work(struct walk *w, size_t at)
{
    struct walk_lease *held = &w->held[at];
    const Wire__HostLease *given = held->lease;
    if (held->reported == given->n_urls || rand() % 8 == 0) { /* some are given back early */
        report(w->ix, NULL, 0, &given->lease, 1);
        *held = w->held[--w->held_count];
        return;
    }
    Wire__Fetched *fetched = fetch(w->ix, given, given->urls[held->reported++]);
    if (fetched->result_case == WIRE__FETCHED__RESULT_CONTENT) {
        for (int i = 0; i < WALK_HOSTS * WALK_PAGES; i++)
            w->fetched[i] += strcmp(walk_urls[i], fetched->url) == 0;
    }
    report(w->ix, &fetched, 1, NULL, 0);
}

static void no_host_is_leased_twice_and_no_page_fetched_twice_in_any_order(void **state)
{
    struct indexserver *ix = *state;
    struct walk w = {.ix = ix};
    make_walk_site(ix);
    srand(7);
    for (int i = 0; i < WALK_HOSTS; i++)
        submit(ix, walk_urls[i * WALK_PAGES]);
    for (int step = 0; step < WALK_STEPS; step++) {
        int dice = rand() % 40;
        if (dice == 0)
            restart(ix);
        else if (dice < 12 || w.held_count == 0)
            walk_take(&w);
        else
            walk_work(&w, (size_t)rand() % w.held_count);
    }
    while (w.held_count > 0)
        walk_work(&w, 0);
    for (bool more = true; more; more = w.held_count > 0) {
        walk_take(&w);
        for (size_t i = w.held_count; i-- > 0;)
            walk_work(&w, i);
        if (w.held_count == 0)
            walk_take(&w);
    }
    for (int i = 0; i < WALK_HOSTS * WALK_PAGES; i++)
        assert_int_equal(w.fetched[i], 1);
    assert_int_equal(get_status(ix)->pages, WALK_HOSTS * WALK_PAGES);
}

/* ---- versions -----------------------------------------------------------------------------------
 */

struct versions {
    unsigned count;
    uint64_t first;
};

static bool count_versions(void *context, uint64_t sequence, const Log__Entry *entry)
{
    struct versions *versions = context;
    if (entry->kind_case == LOG__ENTRY__KIND_CONTENT &&
        strcmp(entry->content->url, HOST "/c") == 0 && versions->count++ == 0)
        versions->first = sequence;
    return true;
}

static struct versions versions_in_log(struct indexserver *ix)
{
    struct log_store *log = NULL;
    struct versions versions = {0};
    char path[PATH_MAX + 8];
    stop(ix);
    snprintf(path, sizeof(path), "%s/log", ix->folder);
    assert_int_equal(log_open_embedded(path, 0, &log, &ix->err), STATUS_OK);
    assert_int_equal(log_read(log, 0, count_versions, &versions, &ix->err), STATUS_OK);
    log_close(log);
    start(ix);
    return versions;
}

static void keep_versions(struct indexserver *ix, uint32_t count)
{
    static uint64_t version = 1000000;
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    Wire__IndexserverSettings indexserver = WIRE__INDEXSERVER_SETTINGS__INIT;
    settings.version = ++version;
    settings.indexserver = &indexserver;
    indexserver.keep_versions = count;
    assert_int_equal(service_take_settings(ix->service, &settings, &ix->err), STATUS_OK);
}

static void earlier_contents_are_kept_as_many_as_wanted(void **state)
{
    struct indexserver *ix = *state;
    static const struct {
        uint32_t keep;
        unsigned fetches;
        unsigned held;
    } steps[] = {{0, 2, 1}, {2, 1, 2}, {2, 1, 3}, {2, 3, 3}, {1, 1, 2}, {0, 1, 1}};
    struct site_page site[] = {{.url = HOST "/c"}};
    uint64_t last = 0;
    ix->site = site;
    ix->site_count = 1;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        keep_versions(ix, steps[i].keep);
        for (unsigned j = 0; j < steps[i].fetches; j++) {
            site[0].version++;
            submit(ix, HOST "/c");
            crawl_all(ix, 50);
        }
        struct versions versions = versions_in_log(ix);
        assert_int_equal(versions.count, steps[i].held);
        assert_true(versions.first >= last); /* the oldest go first */
        last = versions.first;
    }
    keep_versions(ix, 5);
    site[0].version++;
    submit(ix, HOST "/c");
    crawl_all(ix, 50);
    assert_int_equal(versions_in_log(ix).count, 2);
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/c");
    assert_int_equal(versions_in_log(ix).count, 0); /* of what was removed nothing is kept */
    assert_string_equal(whole_feed(ix), "");
}

/* Makes all pages look as if parser 77 had made them, as after an upgrade. */
static void make_pages_old(struct indexserver *ix)
{
    struct kv *kv = NULL;
    char path[PATH_MAX + 8];
    static const struct kv_column columns[] = {{.name = "meta"}, {.name = "pages"}};
    static const struct kv_options options = {columns, 2, 0};
    enum { PARSER_VERSION_AT = 16 + VIEW_COUNT * 12 + 16 };
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    assert_int_equal(kv_open(path, &options, &kv, &ix->err), STATUS_OK);
    struct kv_batch *batch = kv_batch_new();
    struct buffer state = {0};
    assert_int_equal(kv_get(kv, 0, kv_slice("state", 5), &state, &ix->err), STATUS_OK);
    assert_int_equal(state.data[PARSER_VERSION_AT], PAGE_PARSER_VERSION);
    state.data[PARSER_VERSION_AT] = 77;
    kv_put(batch, kv, 0, kv_slice("state", 5), kv_slice(state.data, state.size));
    struct kv_iterator *it = kv_iterator_open(kv, 1);
    for (bool more = kv_iterator_seek(it, kv_slice("", 0)); more; more = kv_iterator_next(it)) {
        struct kv_slice value = kv_iterator_value(it);
        buffer_clear(&state);
        buffer_append(&state, value.data, value.size);
        state.data[0] = 77;
        kv_put(batch, kv, 1, kv_iterator_key(it), kv_slice(state.data, state.size));
    }
    kv_iterator_close(it);
    assert_int_equal(kv_write(kv, batch, true, &ix->err), STATUS_OK);
    kv_batch_free(batch);
    buffer_release(&state);
    kv_close(kv);
}

static int64_t fetch_time_of(const Wire__FeedReply *reply, const char *url)
{
    for (size_t i = 0; i < reply->n_items; i++) {
        if (reply->items[i]->kind_case == WIRE__FEED_ITEM__KIND_DOCUMENT &&
            strcmp(reply->items[i]->document->url, url) == 0)
            return reply->items[i]->document->fetched_us;
    }
    return 0;
}

static void pages_of_an_older_parser_are_parsed_again_and_told_to_all(void **state)
{
    struct indexserver *ix = *state;
    struct replica replica = {.count = 0};
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    uint64_t at = replica_follow(ix, &replica, 0);
    unsigned fetches = ix->fetches;
    int64_t fetched_us = fetch_time_of(read_feed(ix, 0, 0), HOST "/a");
    stop(ix);
    make_pages_old(ix);
    start(ix);
    assert_non_null(strstr(whole_feed(ix), "doc / version 0")); /* searched as before meanwhile */
    for (size_t i = 0; i < ix->site_count; i++)
        ix->site[i].version = 1; /* the new parser reads something else */
    crawl_all(ix, 200);
    assert_int_equal(ix->fetches, fetches);
    assert_int_equal(ix->parses, 7);
    assert_int_equal(fetch_time_of(read_feed(ix, at, 0), HOST "/a"), fetched_us);
    replica_follow(ix, &replica, at);
    assert_null(strstr(replica_text(ix, &replica), "version 0"));
    assert_non_null(strstr(replica_text(ix, &replica), "doc a version 1"));
    assert_string_equal(whole_feed(ix), replica_text(ix, &replica));
    restart(ix);
    crawl_all(ix, 50);
    assert_int_equal(ix->parses, 7);
    for (size_t i = 0; i < ix->site_count; i++)
        ix->site[i].version = 0;
}

/* ---- kill -9
 * -------------------------------------------------------------------------------------- */

/* A chain of numbered pages: each links to the next three. */
enum { CHAIN = 400 };
static char chain_urls[CHAIN + 4][64];
static struct site_page chain[CHAIN];

static void make_chain(void)
{
    for (int i = 0; i < CHAIN + 4; i++)
        snprintf(chain_urls[i], sizeof(chain_urls[i]), HOST "/p%d", i);
    for (int i = 0; i < CHAIN; i++)
        chain[i] = (struct site_page){.url = chain_urls[i]};
    for (int i = 0; i < CHAIN; i++) {
        for (int j = 0; j < 3 && i + j + 1 < CHAIN; j++)
            chain[i].links[j] = chain_urls[i + j + 1];
    }
}

/* Tells `fd` the number of each page whose report was acknowledged, until there are no more. */
static void crawl_and_tell(struct indexserver *ix, int fd)
{
    for (;;) {
        const Wire__LeaseReply *reply = lease(ix, 1, 100);
        if (reply->n_leases == 0 && get_status(ix)->urls_fetched == CHAIN)
            _exit(0);
        for (size_t i = 0; i < reply->n_leases; i++) {
            const Wire__HostLease *lease_ = reply->leases[i];
            for (size_t j = 0; j < lease_->n_urls; j++) {
                Wire__Fetched *fetched = fetch(ix, lease_, lease_->urls[j]);
                bool last = j + 1 == lease_->n_urls;
                report(ix, &fetched, 1, &lease_->lease, last ? 1 : 0);
                uint32_t number = fetched->result_case == WIRE__FETCHED__RESULT_CONTENT
                                      ? (uint32_t)atoi(strstr(fetched->url, "/p") + 2)
                                      : UINT32_MAX;
                if (number != UINT32_MAX &&
                    fd_write_all(fd, &number, sizeof(number), &ix->err) != STATUS_OK)
                    _exit(1);
            }
        }
    }
}

/* In a process of its own: the engine's threads are not inherited. */
static void run_until_killed(const char *folder, int fd)
{
    struct indexserver *ix = indexserver_at(folder);
    make_chain();
    ix->site = chain;
    ix->site_count = CHAIN;
    start_with_settings(ix);
    submit(ix, chain_urls[0]);
    crawl_and_tell(ix, fd);
}

/* Runs a child that crawls, kills it after some pages; adds what it told to `told`. Returns how
 * many it told; -1: it ended by itself, for all were fetched. */
static int crawl_and_kill(struct indexserver *ix, int after, unsigned *told)
{
    int ends[2], count = 0, status;
    uint32_t number;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char fd[16];
        snprintf(fd, sizeof(fd), "%d", ends[1]);
        execl("/proc/self/exe", "restart_test", ix->folder, fd, NULL);
        _exit(1);
    }
    close(ends[1]);
    while (count < after && fd_read_all(ends[0], &number, sizeof(number), NULL) == STATUS_OK) {
        told[number]++;
        count++;
    }
    usleep((useconds_t)(rand() % 3000));
    kill(child, SIGKILL);
    while (fd_read_all(ends[0], &number, sizeof(number), NULL) == STATUS_OK) {
        told[number]++;
        count++;
    }
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return count;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return -1;
}

struct held {
    unsigned contents[CHAIN];
    uint64_t last;
    bool disorder;
};

static bool count_content(void *context, uint64_t sequence, const Log__Entry *entry)
{
    struct held *held = context;
    held->disorder |= sequence <= held->last;
    held->last = sequence;
    if (entry->kind_case == LOG__ENTRY__KIND_CONTENT)
        held->contents[atoi(strstr(entry->content->url, "/p") + 2)]++;
    return true;
}

/* Every page that was acknowledged is in the log, once. */
static void check_log(struct indexserver *ix, const unsigned *told)
{
    struct log_store *log = NULL;
    struct held held = {.last = 0};
    char path[PATH_MAX + 8];
    snprintf(path, sizeof(path), "%s/log", ix->folder);
    assert_int_equal(log_open_embedded(path, 0, &log, &ix->err), STATUS_OK);
    assert_int_equal(log_read(log, 0, count_content, &held, &ix->err), STATUS_OK);
    log_close(log);
    assert_false(held.disorder);
    for (int i = 0; i < CHAIN; i++) {
        assert_true(told[i] <= 1); /* no page was fetched twice, but for the first */
        if (told[i] > 0)
            assert_int_equal(held.contents[i], 1);
    }
}

/* Ends the leases of a downloader that is dead, as their time would. */
static void forget_leases(struct indexserver *ix)
{
    struct views *views = NULL;
    struct log_store *log = NULL;
    char path[PATH_MAX + 8];
    snprintf(path, sizeof(path), "%s/log", ix->folder);
    assert_int_equal(log_open_embedded(path, 0, &log, &ix->err), STATUS_OK);
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    assert_int_equal(views_open(path, 0, log, &views, &ix->err), STATUS_OK);
    struct kv_batch *batch = kv_batch_new();
    static const uint8_t end[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    kv_delete_range(batch, views->kv, COLUMN_LEASES, kv_slice("", 0), kv_slice(end, sizeof(end)));
    assert_int_equal(kv_write(views->kv, batch, true, &ix->err), STATUS_OK);
    kv_batch_free(batch);
    views_close(views);
    log_close(log);
}

static void nothing_is_lost_or_fetched_twice_by_kill(void **state)
{
    struct indexserver *ix = *state;
    const char *wanted = getenv("KILL_CYCLES");
    int cycles = wanted == NULL ? 20 : atoi(wanted);
    unsigned told[CHAIN] = {0};
    stop(ix);
    make_chain();
    srand(1);
    ix->site = chain;
    ix->site_count = CHAIN;
    for (int cycle = 0; cycle < cycles; cycle++) {
        int count = crawl_and_kill(ix, 1 + rand() % 15, told);
        told[0] = told[0] > 0 ? 1 : 0; /* submitted again each time, and so fetched again */
        check_log(ix, told);
        forget_leases(ix);
        if (count < 0)
            break; /* the chain is done */
    }
    /* The rest, without a kill: every page is reached, the feed is whole. */
    start_with_settings(ix);
    crawl_all(ix, 200);
    const Wire__IndexserverStatus *status = get_status(ix);
    assert_int_equal(status->urls_known, CHAIN);
    assert_int_equal(status->urls_fetched, CHAIN);
    assert_int_equal(status->pages, CHAIN);
    struct replica replica = {.count = 0};
    replica_follow(ix, &replica, 0);
    assert_int_equal(replica.count, 1024); /* 400 documents and more edges than fit */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc == 3)
        run_until_killed(argv[1], atoi(argv[2]));
    const struct CMUnitTest tests[] = {
        TEST(a_restart_changes_nothing),
        TEST(views_that_were_lost_are_made_again_from_the_log),
        TEST(what_waits_is_found_again_when_the_views_are_made_anew),
        TEST(a_lease_holds_over_a_restart_until_it_is_given_back),
        TEST(a_reader_of_views_made_anew_is_told_to_begin_again),
        TEST(the_feed_waits_for_a_content_without_a_page),
        TEST(a_content_that_no_parser_reads_does_not_stop_the_feed),
        TEST(pages_of_an_older_parser_are_parsed_again_and_told_to_all),
        TEST(earlier_contents_are_kept_as_many_as_wanted),
        TEST(no_host_is_leased_twice_and_no_page_fetched_twice_in_any_order),
        TEST(nothing_is_lost_or_fetched_twice_by_kill),
    };
    return cmocka_run_group_tests_name("indexserver/restart", tests, NULL, NULL);
}
