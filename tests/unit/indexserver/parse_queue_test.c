/* Which contents are leased to be parsed again, and which are given up. */
#include "tests/unit/indexserver/harness.h"

#include <errno.h>
#include <sys/syscall.h>

#include "base/bytes.h"
#include "cluster/log.h"
#include "indexserver/frontier.h"
#include "indexserver/parse_queue.h"
#include "indexserver/views.h"

#define HOST "http://127.0.0.1:8080"

enum { NAMES = 1000 };

static bool disk_fails;

/* In the stead of the C library's: the engine reads its files by it. */
ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    if (disk_fails) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, bytes, size, at);
}

ssize_t pread64(int fd, void *bytes, size_t size, off_t at)
{
    return pread(fd, bytes, size, at);
}

/* The stores without the service, and a queue of their contents. */
struct fixture {
    struct indexserver *ix;
    struct log_store *log;
    struct views *views;
    uint64_t epoch;
    unsigned count; /* of contents */
    struct parse_queue queue;
    struct arena arena;
};

static void open_stores(struct fixture *f)
{
    struct indexserver *ix = f->ix;
    char path[PATH_MAX + 8];
    snprintf(path, sizeof(path), "%s/log", ix->folder);
    assert_int_equal(log_open_embedded(path, 0, &f->log, &ix->err), STATUS_OK);
    assert_int_equal(log_begin_epoch(f->log, &f->epoch, &ix->err), STATUS_OK);
    snprintf(path, sizeof(path), "%s/views", ix->folder);
    assert_int_equal(views_open(path, 0, f->log, &f->views, &ix->err), STATUS_OK);
}

static void close_stores(struct fixture *f)
{
    views_close(f->views);
    log_close(f->log);
    f->views = NULL;
    f->log = NULL;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->ix = indexserver_new();
    open_stores(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    disk_fails = false;
    parse_queue_release(&f->queue);
    arena_release(&f->arena);
    close_stores(f);
    indexserver_free(f->ix);
    free(f);
    return 0;
}

static char urls[NAMES][48];

/* A content of the next URL, /0, /1 ..., larger than a block of the store. Returns its sequence. */
static uint64_t add_content(struct fixture *f)
{
    struct indexserver *ix = f->ix;
    static uint8_t body[8 * 1024];
    char *url = urls[f->count];
    snprintf(url, sizeof(urls[0]), HOST "/%u", f->count++);
    struct site_page page = {.url = url};
    Log__Entry entry = LOG__ENTRY__INIT, *entries = &entry;
    uint64_t sequence = 0;
    entry.time_us = clock_unix_us();
    entry.kind_case = LOG__ENTRY__KIND_CONTENT;
    entry.content = make_content(ix, &page);
    random_bytes(body, sizeof(body));
    entry.content->body_zstd = (ProtobufCBinaryData){sizeof(body), body};
    assert_int_equal(log_append(f->log, f->epoch, &entries, 1, &sequence, &ix->err), STATUS_OK);
    assert_int_equal(views_apply(f->views, sequence, &entry, NULL, NULL, NULL, &ix->err),
                     STATUS_OK);
    return sequence;
}

/* They wait for their page. Returns the first one's sequence; the others follow it. */
static uint64_t add_contents(struct fixture *f, unsigned count)
{
    uint64_t first = add_content(f);
    for (unsigned i = 1; i < count; i++)
        add_content(f);
    return first;
}

static void lose_contents(struct fixture *f, uint64_t first, unsigned count)
{
    for (uint64_t sequence = first; sequence < first + count; sequence++)
        assert_int_equal(log_forget(f->log, &sequence, 1, &f->ix->err), STATUS_OK);
}

/* NULL: there is nothing to lease. */
static const Wire__HostLease *look(struct fixture *f, int64_t now_ms)
{
    Wire__HostLease *lease = NULL;
    assert_int_equal(parse_queue_lease(f->views, &f->queue, now_ms, &f->arena, &lease, &f->ix->err),
                     STATUS_OK);
    return lease;
}

/* What is leased is this one content and no other. */
static const Wire__HostLease *look_for(struct fixture *f, uint64_t sequence, int64_t now_ms)
{
    const Wire__HostLease *lease = look(f, now_ms);
    assert_non_null(lease);
    assert_int_equal(lease->n_urls, 1);
    assert_int_equal(lease->urls[0]->sequence, sequence);
    return lease;
}

/* Its page comes. */
static void take_page(struct fixture *f, uint64_t sequence)
{
    Page__Page page = PAGE__PAGE__INIT;
    page.parser_version = PAGE_PARSER_VERSION;
    parse_queue_done(&f->queue, sequence);
    assert_int_equal(views_take_page(f->views, sequence, &page, &f->ix->err), STATUS_OK);
}

static void assert_given_up(const struct fixture *f, uint64_t sequence, const char *words)
{
    assert_int_equal(f->queue.hopeless_count, 1);
    assert_int_equal(f->queue.hopeless[0].sequence, sequence);
    assert_string_equal(f->queue.hopeless[0].words, words);
}

/* ---- whose fault it is --------------------------------------------------------------------------
 */

static void contents_that_are_given_back_wait_and_are_not_given_up(void **state)
{
    struct fixture *f = *state;
    uint64_t first = add_contents(f, 3);
    const Wire__HostLease *lease = look(f, clock_boot_ms());
    assert_int_equal(lease->n_urls, 3);
    parse_queue_end(&f->queue, lease->lease); /* the downloader is stopped */
    for (int i = 0; i < 5; i++) {             /* so is the next */
        lease = look_for(f, first, clock_boot_ms() + (i == 0 ? 0 : PARSE_RETRY_MS));
        parse_queue_end(&f->queue, lease->lease);
        assert_int_equal(f->queue.hopeless_count, 0);
        int64_t next = parse_queue_next_ms(&f->queue);
        assert_in_range(next, clock_boot_ms() + 1, clock_boot_ms() + PARSE_RETRY_MS);
    }
    for (uint64_t i = 0; i < 3; i++) {
        lease = look_for(f, first + i, clock_boot_ms() + PARSE_RETRY_MS);
        take_page(f, first + i);
        parse_queue_end(&f->queue, lease->lease);
    }
    assert_null(look(f, clock_boot_ms() + PARSE_RETRY_MS));
    assert_int_equal(f->queue.hopeless_count, 0);
}

static void a_content_that_is_given_back_again_and_again_is_given_up(void **state)
{
    struct fixture *f = *state;
    uint64_t first = add_contents(f, 2);
    const Wire__HostLease *lease = look(f, clock_boot_ms());
    take_page(f, first + 1); /* that parser works, and says nothing of the other */
    parse_queue_end(&f->queue, lease->lease);
    for (int i = 1; i < PARSE_RETURNS_MAX; i++) {
        int64_t now = clock_boot_ms() + PARSE_RETRY_MS;
        parse_queue_expire(&f->queue, now);
        parse_queue_end(&f->queue, look_for(f, first, now)->lease);
        assert_null(look(f, clock_boot_ms())); /* not at once */
    }
    assert_null(look(f, clock_boot_ms() + PARSE_RETRY_MS));
    assert_given_up(f, first, "no parser could read it");
}

/* The downloader dies of the first of them. */
static void a_content_whose_leases_are_lost_is_given_up_and_no_other(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    uint64_t first = add_contents(f, 3);
    assert_int_equal(look(f, now)->n_urls, 3);
    for (int i = 1; i < PARSE_TRIES_MAX; i++) {
        now += LEASE_MS;
        parse_queue_expire(&f->queue, now);
        look_for(f, first, now);
        assert_null(look(f, now)); /* the others wait: one at a time */
    }
    now += LEASE_MS;
    parse_queue_expire(&f->queue, now);
    const Wire__HostLease *lease = look_for(f, first + 1, now);
    assert_given_up(f, first, "no parser could read it");
    assert_int_equal(views_give_up(f->views, first, "?", &f->ix->err), STATUS_OK);
    take_page(f, first + 1);
    parse_queue_end(&f->queue, lease->lease);
    look_for(f, first + 2, now);
    assert_int_equal(f->queue.hopeless_count, 0);
}

static void what_is_sound_is_leased_beside_what_is_tried_alone(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    uint64_t first = add_contents(f, 1);
    look_for(f, first, now);
    now += LEASE_MS;
    parse_queue_expire(&f->queue, now);
    add_contents(f, 30);
    look_for(f, first, now);
    assert_int_equal(look(f, now)->n_urls, PARSE_LEASE_URLS);
    assert_int_equal(look(f, now)->n_urls, 30 - PARSE_LEASE_URLS);
}

static void a_content_that_fails_three_times_is_given_up(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    uint64_t first = add_contents(f, 1);
    for (int i = 0; i < PARSE_TRIES_MAX; i++) {
        const Wire__HostLease *lease = look_for(f, first, now);
        parse_queue_failed(&f->queue, first);
        parse_queue_failed(&f->queue, first); /* the same report, sent again */
        parse_queue_end(&f->queue, lease->lease);
    }
    parse_queue_failed(&f->queue, first);
    assert_null(look(f, now));
    assert_given_up(f, first, "no parser could read it");
}

static void a_page_of_another_version_is_no_try(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    uint64_t first = add_contents(f, 2);
    for (int i = 0; i < 2 * PARSE_RETURNS_MAX; i++) {
        parse_queue_expire(&f->queue, now);
        const Wire__HostLease *lease = look(f, now);
        assert_int_equal(lease->n_urls, 2);
        parse_queue_later(&f->queue, first, now);
        parse_queue_later(&f->queue, first + 1, now + 1);
        parse_queue_end(&f->queue, lease->lease);
        assert_null(look(f, now));
        assert_int_equal(parse_queue_next_ms(&f->queue), now + PARSE_RETRY_MS);
        parse_queue_expire(&f->queue, now + PARSE_RETRY_MS);
        now += PARSE_RETRY_MS + 1;
        assert_int_equal(parse_queue_next_ms(&f->queue), now);
    }
    assert_int_equal(f->queue.hopeless_count, 0);
}

static void what_is_remembered_is_bounded(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    struct parse_lease *lease = &f->queue.leases[0];
    for (uint64_t i = 0; i < 2 * PARSE_TROUBLES_MAX; i++) {
        *lease =
            (struct parse_lease){.lease = 1, .until_ms = now, .sequences = {i + 1}, .count = 1};
        parse_queue_expire(&f->queue, now);
    }
    assert_int_equal(f->queue.trouble_count, PARSE_TROUBLES_MAX);
}

/* ---- a disk that fails --------------------------------------------------------------------------
 */

/* Contents that are read from the disk and from nowhere else. */
static uint64_t add_contents_on_disk(struct fixture *f, unsigned count)
{
    enum { BEHIND = 10 }; /* what is opened may leave the file's end in memory */
    uint64_t first = add_contents(f, count);
    uint64_t behind = add_contents(f, BEHIND);
    for (uint64_t i = 0; i < BEHIND; i++)
        take_page(f, behind + i);
    close_stores(f);
    open_stores(f);
    assert_int_equal(f->views->unparsed, count);
    return first;
}

static void a_disk_that_fails_for_a_moment_hides_no_page(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    uint64_t first = add_contents_on_disk(f, 2);
    uint64_t newest = add_content(f);
    disk_fails = true;
    look_for(f, newest, now); /* which is in memory */
    for (int i = 0; i < 2 * PARSE_TRIES_MAX; i++)
        assert_null(look(f, now));
    disk_fails = false;
    assert_int_equal(f->queue.hopeless_count, 0);
    assert_int_equal(parse_queue_next_ms(&f->queue), now + LEASE_MS);
    parse_queue_done(&f->queue, newest);
    parse_queue_expire(&f->queue, now + LEASE_MS);
    assert_int_equal(parse_queue_next_ms(&f->queue), now + PARSE_FAULT_MS);
    assert_int_equal(look(f, now + PARSE_FAULT_MS)->n_urls, 3);
    assert_int_equal(f->queue.leases[0].sequences[0], first);
}

static void a_disk_that_never_reads_a_content_does_not_stop_the_feed(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    uint64_t first = add_contents_on_disk(f, 1);
    disk_fails = true;
    for (int i = 0; i < PARSE_FAULTS_MAX; i++, now += PARSE_FAULT_MS) {
        assert_null(look(f, now));
        assert_int_equal(f->queue.hopeless_count, 0);
    }
    assert_null(look(f, now));
    assert_given_up(f, first, "its content in the log cannot be read");
}

static void a_look_at_a_disk_that_fails_is_short(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    add_contents_on_disk(f, 2 * PARSE_LOOK_FAULTS_MAX);
    disk_fails = true;
    assert_null(look(f, now));
    assert_int_equal(f->queue.trouble_count, PARSE_LOOK_FAULTS_MAX);
    assert_int_equal(parse_queue_next_ms(&f->queue), now + PARSE_LOOK_MS);
    now += PARSE_LOOK_MS;
    parse_queue_expire(&f->queue, now);
    assert_null(look(f, now)); /* those behind */
    assert_int_equal(f->queue.trouble_count, 2 * PARSE_LOOK_FAULTS_MAX);
}

/* ---- many that are hopeless ---------------------------------------------------------------------
 */

static void a_look_ends_when_it_has_found_all_that_it_may(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_boot_ms();
    uint64_t first = add_contents(f, PARSE_HOPELESS_MAX + 10);
    lose_contents(f, first, PARSE_HOPELESS_MAX + 9);
    assert_null(look(f, now));
    assert_int_equal(f->queue.hopeless_count, PARSE_HOPELESS_MAX);
    assert_int_equal(parse_queue_next_ms(&f->queue), now + 1);
    for (uint64_t i = 0; i < PARSE_HOPELESS_MAX; i++)
        assert_int_equal(views_give_up(f->views, first + i, "?", &f->ix->err), STATUS_OK);
    look_for(f, first + PARSE_HOPELESS_MAX + 9, now);
    assert_int_equal(f->queue.hopeless_count, 9);
}

static void a_call_gets_what_is_behind_a_thousand_that_are_hopeless(void **state)
{
    struct fixture *f = *state;
    struct indexserver *ix = f->ix;
    uint64_t first = add_contents(f, NAMES);
    lose_contents(f, first, NAMES - 1);
    close_stores(f);
    start_with_settings(ix);
    int64_t began = clock_boot_ms();
    const Wire__LeaseReply *reply = lease(ix, 1, 15000);
    assert_int_equal(reply->n_leases, 1);
    assert_int_equal(reply->leases[0]->urls[0]->sequence, first + NAMES - 1);
    assert_true(clock_boot_ms() - began < 10000);
    stop(ix);
    open_stores(f);
}

/* ---- what is reported ---------------------------------------------------------------------------
 */

static Wire__Fetched *parse(struct indexserver *ix, const Wire__HostLease *lease)
{
    return fetch(ix, lease, lease->urls[0]);
}

static void downloaders_of_another_version_hide_no_page(void **state)
{
    struct fixture *f = *state;
    struct indexserver *ix = f->ix;
    Wire__Fetched *right = NULL;
    add_contents(f, 1);
    close_stores(f);
    start_with_settings(ix);
    for (int i = 0; i < 2 * PARSE_TRIES_MAX; i++) {
        const Wire__LeaseReply *reply = lease(ix, 1, 50);
        if (reply->n_leases == 0)
            continue;
        right = parse(ix, reply->leases[0]);
        Wire__Fetched *other = parse(ix, reply->leases[0]);
        other->page->parser_version++;
        report(ix, &other, 1, &reply->leases[0]->lease, 1);
    }
    assert_non_null(strstr(lookup(ix, HOST "/0", "content"), "to be parsed"));
    report(ix, &right, 1, NULL, 0);
    assert_string_equal(whole_feed(ix), "doc 0 version 0; ");
    stop(ix);
    open_stores(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(contents_that_are_given_back_wait_and_are_not_given_up),
        TEST(a_content_that_is_given_back_again_and_again_is_given_up),
        TEST(a_content_whose_leases_are_lost_is_given_up_and_no_other),
        TEST(what_is_sound_is_leased_beside_what_is_tried_alone),
        TEST(a_content_that_fails_three_times_is_given_up),
        TEST(a_page_of_another_version_is_no_try),
        TEST(what_is_remembered_is_bounded),
        TEST(a_disk_that_fails_for_a_moment_hides_no_page),
        TEST(a_disk_that_never_reads_a_content_does_not_stop_the_feed),
        TEST(a_look_at_a_disk_that_fails_is_short),
        TEST(a_look_ends_when_it_has_found_all_that_it_may),
        TEST(a_call_gets_what_is_behind_a_thousand_that_are_hopeless),
        TEST(downloaders_of_another_version_hide_no_page),
    };
    return cmocka_run_group_tests_name("indexserver/parse_queue", tests, NULL, NULL);
}
