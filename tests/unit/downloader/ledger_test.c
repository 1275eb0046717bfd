#include "downloader/ledger.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"

enum { LONG_MS = 60000, SHORT_MS = 200 };

static struct ledger *ledger;
static unsigned wakes;

static void count_wake(void *context)
{
    (void)context;
    wakes++;
}

static int open_ledger(void **state)
{
    (void)state;
    wakes = 0;
    return ledger_open(count_wake, NULL, &ledger, NULL) == STATUS_OK ? 0 : -1;
}

static int close_ledger(void **state)
{
    (void)state;
    ledger_close(ledger);
    return 0;
}

static struct job *begin(uint64_t lease, size_t body_size)
{
    struct job *job = job_new(lease, "http://example.org/");
    assert_non_null(job);
    ledger_begin(ledger, job);
    if (body_size > 0)
        assert_non_null(buffer_reserve(&job->body, body_size));
    ledger_weigh(ledger, job);
    return job;
}

static void add(uint64_t lease)
{
    assert_true(ledger_add(ledger, lease, LONG_MS, clock_boot_ms()));
}

static void a_lease_ends_with_its_last_report(void **state)
{
    (void)state;
    struct ledger_batch batch;
    add(1);
    struct job *first = begin(1, 0), *second = begin(1, 0);
    ledger_finish(ledger, 1);
    ledger_report(ledger, first);
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.job_count, 1);
    assert_int_equal(batch.finished_count, 0);
    ledger_settle(ledger, &batch);
    ledger_report(ledger, second);
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.job_count, 1);
    assert_int_equal(batch.finished_count, 1);
    assert_int_equal(batch.finished[0], 1);
    assert_true(ledger_holds(ledger, 1));
    ledger_settle(ledger, &batch);
    assert_false(ledger_holds(ledger, 1));
}

static void a_report_says_which_of_its_leases_run_out_until_they_end(void **state)
{
    (void)state;
    struct ledger_batch batch;
    for (uint64_t lease = 1; lease <= 4; lease++)
        add(lease);
    ledger_note_left(ledger, 1, LEDGER_FEW_URLS);
    ledger_note_left(ledger, 2, LEDGER_FEW_URLS + 1);
    ledger_note_left(ledger, 3, 1);
    ledger_finish(ledger, 3);
    ledger_note_left(ledger, 4, 1); /* it has nothing to report */
    for (uint64_t lease = 1; lease <= 3; lease++)
        ledger_report(ledger, begin(lease, 0));
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.job_count, 3);
    assert_int_equal(batch.running_out_count, 1);
    assert_int_equal(batch.running_out[0], 1);
    ledger_settle(ledger, &batch);
    ledger_note_left(ledger, 1, LEDGER_FEW_URLS + 200); /* more came */
    ledger_report(ledger, begin(1, 0));
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.running_out_count, 0);
    ledger_settle(ledger, &batch);
}

static void a_lease_without_any_fetch_is_given_back(void **state)
{
    (void)state;
    struct ledger_batch batch;
    add(1);
    add(2);
    ledger_finish(ledger, 2);
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.job_count, 0);
    assert_int_equal(batch.finished_count, 1);
    assert_int_equal(batch.finished[0], 2);
    ledger_settle(ledger, &batch);
}

static void a_dropped_fetch_counts_for_the_end_of_its_lease(void **state)
{
    (void)state;
    struct ledger_batch batch;
    add(1);
    struct job *job = begin(1, 0);
    ledger_finish(ledger, 1);
    ledger_drop(ledger, job);
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.finished_count, 1);
    ledger_settle(ledger, &batch);
}

static void the_backlog_is_bounded_in_bytes_and_per_lease(void **state)
{
    (void)state;
    struct ledger_batch batch;
    add(1);
    add(2);
    for (int i = 0; i < LEDGER_UNREPORTED_MAX; i++) {
        assert_true(ledger_may_begin(ledger, 1));
        ledger_report(ledger, begin(1, 0));
    }
    assert_false(ledger_may_begin(ledger, 1));
    assert_true(ledger_may_begin(ledger, 2));
    ledger_report(ledger, begin(2, LEDGER_BACKLOG_BYTES));
    assert_false(ledger_may_begin(ledger, 2));
    assert_int_equal(ledger_wait_for_room(ledger, 0), 0);
    assert_false(ledger_may_begin(ledger, 99)); /* never leased */
    assert_int_equal(wakes, 1);                 /* by the report behind the first refusal */
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.job_count, LEDGER_UNREPORTED_MAX); /* the large one goes alone */
    ledger_settle(ledger, &batch);
    assert_int_equal(wakes, 2);
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.job_count, 1);
    ledger_settle(ledger, &batch);
    assert_true(ledger_may_begin(ledger, 2));
    assert_int_equal(ledger_wait_for_room(ledger, 0), LEDGER_LEASES_WANTED - 2);
}

static void what_belongs_to_a_lease_that_is_over_is_taken_out(void **state)
{
    (void)state;
    struct ledger_batch batch;
    int64_t now_ms = clock_boot_ms();
    assert_true(ledger_add(ledger, 1, 50, now_ms - 100));
    add(2);
    ledger_report(ledger, begin(1, 0));
    ledger_report(ledger, begin(2, 0));
    ledger_finish(ledger, 1);
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.job_count, 2);
    ledger_prune(ledger, &batch);
    assert_int_equal(batch.job_count, 1);
    assert_int_equal(batch.jobs[0]->lease, 2);
    assert_int_equal(batch.finished_count, 0);
    ledger_settle(ledger, &batch);
}

static void prolonging_lasts_from_the_question_on_and_revives_nothing(void **state)
{
    (void)state;
    int64_t now_ms = clock_boot_ms();
    uint64_t leases[2] = {1, 2};
    assert_true(ledger_add(ledger, 1, 1000, now_ms - 900));
    assert_true(ledger_add(ledger, 2, 1000, now_ms - 1900));
    ledger_prolong(ledger, leases, 2, now_ms);
    assert_true(ledger_holds(ledger, 1));
    assert_false(ledger_holds(ledger, 2));
    ledger_finish(ledger, 2);
    struct ledger_batch batch;
    ledger_stop(ledger, now_ms); /* only to have no waiting */
    assert_false(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(ledger_first_end_ms(ledger), now_ms - 900);
}

static void what_is_put_back_comes_first_again(void **state)
{
    (void)state;
    struct ledger_batch batch;
    struct job *jobs[3];
    add(1);
    for (int i = 0; i < 3; i++)
        jobs[i] = begin(1, 0);
    ledger_report(ledger, jobs[0]);
    ledger_report(ledger, jobs[1]);
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    ledger_report(ledger, jobs[2]);
    ledger_put_back(ledger, &batch);
    for (int i = 0; i < 3; i++) {
        assert_true(ledger_take(ledger, 1, &batch));
        assert_int_equal(batch.job_count, 1);
        assert_ptr_equal(batch.jobs[0], jobs[i]);
        ledger_settle(ledger, &batch);
    }
    ledger_report(ledger, begin(1, 0));
    assert_true(ledger_take(ledger, 1, &batch));
    ledger_put_back(ledger, &batch); /* into an empty queue */
    ledger_report(ledger, begin(1, 0));
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    assert_int_equal(batch.job_count, 2);
    ledger_settle(ledger, &batch);
}

static void no_more_leases_than_there_are_places_and_none_twice(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= LEDGER_LEASES_MAX; i++)
        add(i);
    assert_false(ledger_add(ledger, 1000, LONG_MS, clock_boot_ms()));
    uint64_t held[LEDGER_LEASES_MAX];
    assert_int_equal(ledger_held(ledger, held), LEDGER_LEASES_MAX);
    ledger_finish(ledger, 5);
    struct ledger_batch batch;
    assert_true(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    ledger_settle(ledger, &batch);
    assert_false(ledger_add(ledger, 1, LONG_MS, clock_boot_ms()));
    assert_true(ledger_add(ledger, 1000, LONG_MS, clock_boot_ms()));
}

static void *stop_soon(void *context)
{
    (void)context;
    ledger_stop(ledger, clock_boot_ms() + SHORT_MS);
    return NULL;
}

static void stopping_ends_every_wait_and_the_last_report_ends_the_taking(void **state)
{
    (void)state;
    pthread_t thread;
    struct ledger_batch batch;
    int64_t began_ms = clock_boot_ms();
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
    ledger_pause(ledger,
                 LONG_MS); /* ended by the stop; or, where that was quicker, by its deadline */
    pthread_join(thread, NULL);
    assert_true(clock_boot_ms() - began_ms < LONG_MS / 2);
    assert_false(ledger_take(ledger, LEDGER_BATCH_JOBS, &batch));
    ledger_pause(ledger, LONG_MS);
    assert_true(ledger_is_over(ledger));
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, open_ledger, close_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_lease_ends_with_its_last_report),
        LEDGER_TEST(a_report_says_which_of_its_leases_run_out_until_they_end),
        LEDGER_TEST(a_lease_without_any_fetch_is_given_back),
        LEDGER_TEST(a_dropped_fetch_counts_for_the_end_of_its_lease),
        LEDGER_TEST(the_backlog_is_bounded_in_bytes_and_per_lease),
        LEDGER_TEST(what_belongs_to_a_lease_that_is_over_is_taken_out),
        LEDGER_TEST(prolonging_lasts_from_the_question_on_and_revives_nothing),
        LEDGER_TEST(what_is_put_back_comes_first_again),
        LEDGER_TEST(no_more_leases_than_there_are_places_and_none_twice),
        LEDGER_TEST(stopping_ends_every_wait_and_the_last_report_ends_the_taking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
