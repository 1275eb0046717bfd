#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "indexserver/url_state.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)

static struct revisit at(int64_t time_us)
{
    return (struct revisit){.time_us = time_us, .sequence = 9, .spread = 512, .recrawl_s = 86400};
}

static Log__Hop hop;
static Log__Hop *hops[] = {&hop};

static Log__Outcome outcome_of(Log__Reason reason, unsigned status)
{
    Log__Outcome outcome = LOG__OUTCOME__INIT;
    log__hop__init(&hop);
    hop.status = status;
    outcome.reason = reason;
    outcome.hops = hops;
    outcome.n_hops = status == 0 ? 0 : 1;
    return outcome;
}

static struct url_state queued(void)
{
    return (struct url_state){.kind = URL_QUEUED, .due_ms = URL_DUE_FOUND};
}

static struct url_state held(void)
{
    return (struct url_state){.kind = URL_HELD, .content = 3, .bytes = 10, .due_ms = 77};
}

static void a_state_reads_back(void **state)
{
    (void)state;
    struct url_state before = {.content = 1ull << 63,
                               .outcome = 2,
                               .found_at = 3,
                               .found_index = 4,
                               .source = 5,
                               .due_ms = URL_DUE_NEVER,
                               .fetched_us = -6,
                               .first_gone_us = 7,
                               .bytes = 8,
                               .fetch_ms = 9,
                               .status = 599,
                               .depth = 65535,
                               .kind = URL_REMOVED,
                               .reason = 17,
                               .redirects = 10,
                               .failures = 255,
                               .origin = 4,
                               .private_address = true,
                               .interval_s = 11,
                               .unavailable_s = UINT32_MAX,
                               .flags = URL_COUNTED | URL_DOCUMENT};
    struct url_state after;
    uint8_t bytes[URL_RECORD_BYTES];
    memset(&after, 0, sizeof(after));
    url_state_encode(&before, bytes);
    assert_true(url_state_decode(bytes, sizeof(bytes), &after));
    uint8_t again[URL_RECORD_BYTES];
    url_state_encode(&after, again);
    assert_memory_equal(bytes, again, sizeof(bytes));
    assert_int_equal(after.content, before.content);
    assert_int_equal(after.private_address, true);
    assert_int_equal(after.interval_s, before.interval_s);
    assert_int_equal(after.unavailable_s, before.unavailable_s);
    assert_int_equal(after.flags, before.flags);
}

static void bytes_that_are_no_state_are_refused(void **state)
{
    (void)state;
    struct url_state before = queued(), after;
    uint8_t bytes[URL_RECORD_BYTES];
    url_state_encode(&before, bytes);
    for (size_t size = 0; size < URL_RECORD_BYTES; size++) {
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, bytes, size);
        assert_false(url_state_decode(exact, size, &after));
        free(exact);
    }
    memset(bytes, 0, sizeof(bytes));
    assert_false(url_state_decode(bytes, sizeof(bytes), &after));
    memset(bytes, 0xff, sizeof(bytes));
    assert_false(url_state_decode(bytes, sizeof(bytes), &after));
}

static void content_is_due_again_after_the_time_to_recrawl_more_or_less(void **state)
{
    (void)state;
    Log__Content content = LOG__CONTENT__INIT;
    int64_t earliest = INT64_MAX, latest = 0;
    for (uint64_t spread = 0; spread < 1024; spread++) {
        struct url_state s = queued();
        struct revisit revisit = at(0);
        revisit.spread = spread;
        url_state_take_content(&s, &content, &revisit);
        assert_int_equal(s.kind, URL_HELD);
        assert_int_equal(s.content, 9);
        earliest = s.due_ms < earliest ? s.due_ms : earliest;
        latest = s.due_ms > latest ? s.due_ms : latest;
    }
    assert_int_equal(earliest, 86400 * 900);
    assert_true(latest > 86400 * 1050 && latest <= 86400 * 1100);
}

static void a_404_takes_the_page_away_at_a_second_fetch_a_day_later(void **state)
{
    (void)state;
    struct url_state s = held();
    struct revisit first = at(1000), early = at(1000 + DAY_US - 1), late = at(1000 + DAY_US);
    Log__Outcome gone = outcome_of(LOG__REASON__REASON_HTTP_ERROR, 404);
    assert_false(url_state_outcome_removes(&s, &gone, first.time_us));
    url_state_take_outcome(&s, &gone, &first);
    assert_int_equal(s.content, 3);
    assert_int_equal(s.kind, URL_HELD);
    assert_true(s.due_ms >= DAY_US / 1000 && s.due_ms < DAY_US / 1000 * 11 / 10);
    assert_false(url_state_outcome_removes(&s, &gone, early.time_us));
    url_state_take_outcome(&s, &gone, &early);
    assert_int_equal(s.first_gone_us, 1000); /* the row goes on */
    assert_true(url_state_outcome_removes(&s, &gone, late.time_us));
    url_state_take_outcome(&s, &gone, &late);
    url_state_remove(&s, false);
    assert_int_equal(s.content, 0);
    assert_int_equal(s.bytes, 0);
    assert_int_equal(s.kind, URL_GONE);
}

static void
the_entry_says_since_when_a_page_is_gone_where_the_first_answer_was_forgotten(void **state)
{
    (void)state;
    struct url_state s = held();
    struct revisit second = at(5000);
    Log__Outcome gone = outcome_of(LOG__REASON__REASON_HTTP_ERROR, 404);
    gone.gone_since_us = 1000;
    url_state_take_outcome(&s, &gone, &second);
    assert_int_equal(s.first_gone_us, 1000);
}

static void content_between_two_404s_begins_the_count_again(void **state)
{
    (void)state;
    struct url_state s = held();
    struct revisit revisit = at(1000);
    Log__Content content = LOG__CONTENT__INIT;
    Log__Outcome gone = outcome_of(LOG__REASON__REASON_HTTP_ERROR, 404);
    url_state_take_outcome(&s, &gone, &revisit);
    url_state_take_content(&s, &content, &revisit);
    assert_false(url_state_outcome_removes(&s, &gone, 1000 + 2 * DAY_US));
}

static void what_takes_a_held_page_away_at_once(void **state)
{
    (void)state;
    static const struct {
        Log__Reason reason;
        unsigned status;
        bool removes;
    } cases[] = {
        {LOG__REASON__REASON_HTTP_ERROR, 410, true},
        {LOG__REASON__REASON_REDIRECT, 301, true},
        {LOG__REASON__REASON_UNSUPPORTED_TYPE, 200, true},
        {LOG__REASON__REASON_ROBOTS_DENIED, 0, true},
        {LOG__REASON__REASON_HTTP_ERROR, 404, false},
        {LOG__REASON__REASON_HTTP_ERROR, 403, false},
        {LOG__REASON__REASON_HTTP_ERROR, 500, false},
        {LOG__REASON__REASON_HTTP_ERROR, 408, false},
        {LOG__REASON__REASON_RETRY_LATER, 503, false},
        {LOG__REASON__REASON_TIMEOUT, 0, false},
        {LOG__REASON__REASON_CONNECT, 0, false},
        {LOG__REASON__REASON_TLS, 0, false},
        {LOG__REASON__REASON_NOT_MODIFIED, 304, false},
        {LOG__REASON__REASON_ADDRESS_REFUSED, 0, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct url_state s = held(), none = queued();
        struct revisit revisit = at(1000);
        Log__Outcome outcome = outcome_of(cases[i].reason, cases[i].status);
        assert_int_equal(url_state_outcome_removes(&s, &outcome, 1000), cases[i].removes);
        assert_false(url_state_outcome_removes(&none, &outcome, 1000));
        url_state_take_outcome(&s, &outcome, &revisit);
        assert_int_equal(s.content, 3); /* a REMOVE takes it away, and nothing else */
        assert_int_equal(s.kind, URL_HELD);
        if (cases[i].removes)
            url_state_remove(&s, false);
        assert_int_equal(s.content, cases[i].removes ? 0 : 3);
        assert_int_equal(s.kind == URL_HELD, !cases[i].removes);
    }
}

static void a_page_that_may_not_be_shown_from_a_date_on_is_due_by_then(void **state)
{
    (void)state;
    struct url_state s = queued();
    struct revisit revisit = at(0);
    Log__Content content = LOG__CONTENT__INIT;
    Log__Outcome same = outcome_of(LOG__REASON__REASON_NOT_MODIFIED, 304);
    Page__Page page = PAGE__PAGE__INIT;
    page.unavailable_after_us = (int64_t)5000 * 1000000;
    url_state_take_content(&s, &content, &revisit);
    url_state_take_page(&s, "http://example.org/", &page);
    assert_true((s.flags & URL_DOCUMENT) != 0);
    assert_int_equal(s.due_ms, 5000 * 1000);
    url_state_take_outcome(&s, &same, &revisit);
    assert_int_equal(s.due_ms, 5000 * 1000);
    assert_true(url_state_is_document(&s, "http://example.org/", &page, 1));
    assert_false(
        url_state_is_document(&s, "http://example.org/", &page, page.unavailable_after_us));
}

static void errors_are_tried_again_ever_later_then_as_seldom_as_a_page(void **state)
{
    (void)state;
    struct url_state s = queued();
    struct revisit revisit = at(0);
    Log__Outcome timeout = outcome_of(LOG__REASON__REASON_TIMEOUT, 0);
    int64_t last = 0;
    for (int i = 1; i < URL_FAILURES_MAX; i++) {
        url_state_take_outcome(&s, &timeout, &revisit);
        assert_int_equal(s.kind, URL_QUEUED);
        assert_true(s.due_ms > last);
        last = s.due_ms;
    }
    assert_true(last < 86400 * 900);
    url_state_take_outcome(&s, &timeout, &revisit);
    assert_int_equal(s.kind, URL_FAILED);
    assert_true(s.due_ms >= 86400 * 900);
    url_state_take_outcome(&s, &timeout, &revisit); /* the next round */
    assert_int_equal(s.kind, URL_QUEUED);
}

static void a_retry_after_is_kept_up_to_a_day(void **state)
{
    (void)state;
    struct url_state s = queued();
    struct revisit revisit = at(0);
    Log__Outcome later = outcome_of(LOG__REASON__REASON_RETRY_LATER, 503);
    later.retry_after_s = 100;
    url_state_take_outcome(&s, &later, &revisit);
    assert_int_equal(s.due_ms, 100 * 1000);
    assert_int_equal(s.kind, URL_QUEUED);
    later.retry_after_s = UINT32_MAX;
    url_state_take_outcome(&s, &later, &revisit);
    assert_int_equal(s.due_ms, DAY_US / 1000);
}

static void a_log_in_that_fails_takes_no_page_away(void **state)
{
    (void)state;
    struct url_state s = queued();
    struct revisit revisit = at(0);
    Log__Outcome refused = outcome_of(LOG__REASON__REASON_LOGIN, 401);
    refused.retry_after_s = 600;
    url_state_take_outcome(&s, &refused, &revisit);
    assert_int_equal(s.due_ms, 600 * 1000);
    assert_int_equal(s.kind, URL_QUEUED);
    s.content = 7;
    refused.retry_after_s = 0;
    assert_false(url_state_outcome_removes(&s, &refused, 1000));
    url_state_take_outcome(&s, &refused, &revisit);
    assert_int_equal(s.kind, URL_HELD);
    assert_int_equal(s.content, 7);
    assert_true(s.due_ms > 0 && s.due_ms < DAY_US / 1000);
}

static void a_host_is_left_alone_longer_with_every_failure_up_to_some_hours(void **state)
{
    (void)state;
    int64_t last = 0;
    for (unsigned failures = 1; failures < 12; failures++) {
        int64_t wait = host_back_off_ms(failures, 77);
        assert_true(wait > last);
        last = wait;
    }
    assert_true(last >= 30 * 60 * 1000);
    assert_true(host_back_off_ms(100000, 77) < 2 * 3600 * 1000);
    assert_true(host_back_off_ms(0, 77) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_reads_back),
        cmocka_unit_test(bytes_that_are_no_state_are_refused),
        cmocka_unit_test(content_is_due_again_after_the_time_to_recrawl_more_or_less),
        cmocka_unit_test(a_404_takes_the_page_away_at_a_second_fetch_a_day_later),
        cmocka_unit_test(
            the_entry_says_since_when_a_page_is_gone_where_the_first_answer_was_forgotten),
        cmocka_unit_test(a_page_that_may_not_be_shown_from_a_date_on_is_due_by_then),
        cmocka_unit_test(content_between_two_404s_begins_the_count_again),
        cmocka_unit_test(what_takes_a_held_page_away_at_once),
        cmocka_unit_test(errors_are_tried_again_ever_later_then_as_seldom_as_a_page),
        cmocka_unit_test(a_retry_after_is_kept_up_to_a_day),
        cmocka_unit_test(a_log_in_that_fails_takes_no_page_away),
        cmocka_unit_test(a_host_is_left_alone_longer_with_every_failure_up_to_some_hours),
    };
    return cmocka_run_group_tests_name("indexserver/url_state", tests, NULL, NULL);
}
