/* Calls that wait, calls at the same time, limits. */
#include "tests/unit/indexserver/harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define HOST "http://127.0.0.1:8080"

static struct site_page pair[] = {{.url = HOST "/", .links = {HOST "/a"}}, {.url = HOST "/a"}};

static int set_up(void **state)
{
    struct indexserver *ix = indexserver_new();
    start_with_settings(ix);
    ix->site = pair;
    ix->site_count = 2;
    *state = ix;
    return 0;
}

static int tear_down(void **state)
{
    indexserver_free(*state);
    return 0;
}

/* A call of its own connection, made by another thread. */
struct waiter {
    struct indexserver *ix;
    pthread_t thread;
    int method;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *descriptor;
    struct arena arena;
    void *reply;
    enum status status;
    atomic_bool is_connected;
    int64_t answered_us;
};

static void *run_waiter(void *context)
{
    struct waiter *w = context;
    struct rpc_client *client = NULL;
    Wire__Empty nothing = WIRE__EMPTY__INIT;
    rpc_client_open(rpc_server_address(w->ix->server), &w->ix->key, &client, NULL);
    rpc_call(client, WIRE__METHOD__INDEXSERVER_STATUS, &nothing.base,
             &wire__indexserver_status__descriptor, &w->arena, 20000, &w->reply, NULL);
    atomic_store(&w->is_connected, true);
    w->status = rpc_call(client, (uint16_t)w->method, w->request, w->descriptor, &w->arena, 20000,
                         &w->reply, NULL);
    w->answered_us = clock_boot_us();
    rpc_client_close(client);
    return NULL;
}

static void begin(struct waiter *w)
{
    assert_int_equal(pthread_create(&w->thread, NULL, run_waiter, w), 0);
    while (!atomic_load(&w->is_connected))
        sched_yield();
}

static void end(struct waiter *w)
{
    pthread_join(w->thread, NULL);
}

static void a_waiting_reader_is_told_of_an_append_at_once(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
    request.from = get_status(ix)->head + 1;
    request.slot_last = 255;
    request.wait_ms = 10000;
    struct waiter reader = {.ix = ix,
                            .method = WIRE__METHOD__READ_FEED,
                            .request = &request.base,
                            .descriptor = &wire__feed_reply__descriptor};
    begin(&reader);
    usleep(100 * 1000);
    remove_url(ix, LOG__REMOVE_SCOPE__REMOVE_PAGE, HOST "/a");
    int64_t removed_us = clock_boot_us();
    end(&reader);
    const Wire__FeedReply *reply = reader.reply;
    assert_int_equal(reader.status, STATUS_OK);
    assert_int_equal(reply->n_items, 1);
    assert_string_equal(reply->items[0]->removed, HOST "/a");
    assert_int_equal(reply->next, request.from + 1);
    assert_true(reader.answered_us - removed_us < 5000 * 1000);
    arena_release(&reader.arena);
}

static void a_reader_that_waits_in_vain_is_answered_when_its_time_is_over(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    uint64_t head = get_status(ix)->head;
    int64_t began = clock_boot_ms();
    const Wire__FeedReply *reply = read_feed(ix, head + 1, 200);
    assert_true(clock_boot_ms() - began >= 199);
    assert_int_equal(reply->n_items, 0);
    assert_int_equal(reply->next, head + 1);
    assert_int_equal(reply->head, head);
}

static void a_waiting_downloader_gets_work_as_soon_as_there_is_some(void **state)
{
    struct indexserver *ix = *state;
    Wire__LeaseRequest request = WIRE__LEASE_REQUEST__INIT;
    request.max_hosts = 1;
    request.wait_ms = 10000;
    struct waiter downloader = {.ix = ix,
                                .method = WIRE__METHOD__LEASE,
                                .request = &request.base,
                                .descriptor = &wire__lease_reply__descriptor};
    begin(&downloader);
    usleep(100 * 1000);
    submit(ix, HOST "/");
    int64_t submitted_us = clock_boot_us();
    end(&downloader);
    const Wire__LeaseReply *reply = downloader.reply;
    assert_int_equal(downloader.status, STATUS_OK);
    assert_int_equal(reply->n_leases, 1);
    assert_true(downloader.answered_us - submitted_us < 5000 * 1000);
    arena_release(&downloader.arena);
}

static void calls_that_wait_are_answered_when_the_service_drains(void **state)
{
    struct indexserver *ix = *state;
    Wire__LeaseRequest lease_request = WIRE__LEASE_REQUEST__INIT;
    Wire__FeedRequest feed_request = WIRE__FEED_REQUEST__INIT;
    lease_request.max_hosts = 1;
    lease_request.wait_ms = feed_request.wait_ms = 15000;
    feed_request.from = get_status(ix)->head + 1;
    struct waiter downloader = {.ix = ix,
                                .method = WIRE__METHOD__LEASE,
                                .request = &lease_request.base,
                                .descriptor = &wire__lease_reply__descriptor};
    struct waiter reader = {.ix = ix,
                            .method = WIRE__METHOD__READ_FEED,
                            .request = &feed_request.base,
                            .descriptor = &wire__feed_reply__descriptor};
    begin(&downloader);
    begin(&reader);
    usleep(100 * 1000);
    int64_t began = clock_boot_ms();
    stop(ix);
    assert_true(clock_boot_ms() - began < 10000);
    end(&downloader);
    end(&reader);
    assert_int_equal(downloader.status, STATUS_OK);
    assert_int_equal(reader.status, STATUS_OK);
    arena_release(&downloader.arena);
    arena_release(&reader.arena);
    start(ix);
}

enum { SUBMITTERS = 8, SUBMITS_EACH = 20 };

struct submitter {
    struct indexserver *ix;
    pthread_t thread;
    int number;
    uint64_t sequences[SUBMITS_EACH];
};

static void *run_submitter(void *context)
{
    struct submitter *s = context;
    struct rpc_client *client = NULL;
    struct arena arena = {0};
    rpc_client_open(rpc_server_address(s->ix->server), &s->ix->key, &client, NULL);
    for (int i = 0; i < SUBMITS_EACH; i++) {
        char url[64];
        char *urls[] = {url};
        void *reply = NULL;
        snprintf(url, sizeof(url), HOST "/%d-%d", s->number, i);
        Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
        request.urls = urls;
        request.n_urls = 1;
        if (rpc_call(client, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor,
                     &arena, 20000, &reply, NULL) == STATUS_OK)
            s->sequences[i] = ((Wire__SubmitReply *)reply)->sequence;
    }
    rpc_client_close(client);
    arena_release(&arena);
    return NULL;
}

static void callers_at_the_same_time_each_get_a_sequence_of_their_own(void **state)
{
    struct indexserver *ix = *state;
    struct submitter submitters[SUBMITTERS];
    static bool seen[SUBMITTERS * SUBMITS_EACH + 100];
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < SUBMITTERS; i++) {
        submitters[i] = (struct submitter){.ix = ix, .number = i};
        assert_int_equal(pthread_create(&submitters[i].thread, NULL, run_submitter, &submitters[i]),
                         0);
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        pthread_join(submitters[i].thread, NULL);
        for (int j = 0; j < SUBMITS_EACH; j++) {
            uint64_t sequence = submitters[i].sequences[j];
            assert_in_range(sequence, 1, sizeof(seen) - 1);
            assert_false(seen[sequence]);
            seen[sequence] = true;
            if (j > 0)
                assert_true(sequence > submitters[i].sequences[j - 1]);
        }
    }
    assert_int_equal(get_status(ix)->urls_known, SUBMITTERS * SUBMITS_EACH);
}

static void too_many_urls_at_once_are_refused(void **state)
{
    struct indexserver *ix = *state;
    static char *urls[10001];
    void *reply;
    for (size_t i = 0; i < 10001; i++)
        urls[i] = (char *)HOST "/";
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    request.urls = urls;
    request.n_urls = 10001;
    assert_int_equal(
        try_call(ix, WIRE__METHOD__SUBMIT, &request.base, &wire__submit_reply__descriptor, &reply),
        STATUS_TOO_LARGE);
}

static void at_the_disk_limit_the_crawl_pauses_and_the_feed_goes_on(void **state)
{
    struct indexserver *ix = *state;
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    Wire__IndexserverSettings indexserver = WIRE__INDEXSERVER_SETTINGS__INIT;
    settings.version = 1000000;
    settings.indexserver = &indexserver;
    submit(ix, HOST "/");
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    work_on(ix, lease(ix, 1, 1000)->leases[0]);
    indexserver.disk_limit = 1;
    assert_int_equal(service_take_settings(ix->service, &settings, &ix->err), STATUS_OK);
    assert_int_equal(lease(ix, 1, 100)->n_leases, 0);
    assert_non_null(strstr(get_status(ix)->paused, "disk_limit is reached"));
    assert_non_null(strstr(whole_feed(ix), "doc / "));
    indexserver.disk_limit = 0;
    assert_int_equal(service_take_settings(ix->service, &settings, &ix->err), STATUS_OK);
    assert_int_equal(lease(ix, 1, 1000)->n_leases, 1);
    assert_string_equal(get_status(ix)->paused, "");
}

static void a_reader_gets_only_its_slots(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    size_t items = read_feed(ix, 0, 0)->n_items, sum = 0;
    for (uint32_t slot = 0; slot < 256; slot += 64) {
        Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
        request.slot_first = slot;
        request.slot_last = slot + 63;
        const Wire__FeedReply *reply =
            call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
        sum += reply->n_items;
        for (size_t i = 0; i < reply->n_items; i++)
            sum -= reply->items[i]->kind_case == WIRE__FEED_ITEM__KIND_SITES;
    }
    assert_int_equal(sum, items - 1); /* public sites go to all */
}

static void a_small_reply_ends_between_two_entries_and_is_continued(void **state)
{
    struct indexserver *ix = *state;
    submit(ix, HOST "/");
    crawl_all(ix, 50);
    size_t items = read_feed(ix, 0, 0)->n_items, sum = 0;
    uint64_t head = get_status(ix)->head;
    unsigned replies = 0;
    for (uint64_t from = 0; from <= head; replies++) {
        Wire__FeedRequest request = WIRE__FEED_REQUEST__INIT;
        request.from = from;
        request.slot_last = 255;
        request.max_bytes = 1;
        const Wire__FeedReply *reply =
            call(ix, WIRE__METHOD__READ_FEED, &request.base, &wire__feed_reply__descriptor);
        assert_true(reply->next > from);
        for (size_t i = 0; i < reply->n_items; i++) {
            assert_true(reply->items[i]->sequence >= from);
            assert_true(reply->items[i]->sequence < reply->next);
        }
        from = reply->next;
        sum += reply->n_items;
    }
    assert_int_equal(sum, items);
    assert_true(replies >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_waiting_reader_is_told_of_an_append_at_once),
        TEST(a_reader_that_waits_in_vain_is_answered_when_its_time_is_over),
        TEST(a_waiting_downloader_gets_work_as_soon_as_there_is_some),
        TEST(calls_that_wait_are_answered_when_the_service_drains),
        TEST(callers_at_the_same_time_each_get_a_sequence_of_their_own),
        TEST(too_many_urls_at_once_are_refused),
        TEST(at_the_disk_limit_the_crawl_pauses_and_the_feed_goes_on),
        TEST(a_reader_gets_only_its_slots),
        TEST(a_small_reply_ends_between_two_entries_and_is_continued),
    };
    return cmocka_run_group_tests_name("indexserver/service", tests, NULL, NULL);
}
