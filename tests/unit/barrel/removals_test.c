/* What a barrel without room takes from the feed. */
#include "barrel/removals.h"

#include <string.h>

#include "base/check.h"
#include "tests/unit/unit.h"

static Wire__FeedItem items[5];
static Wire__FeedItem *list[ARRAY_COUNT(items)];

static Wire__FeedReply reply_up_to(uint64_t next)
{
    static const Wire__FeedItem__KindCase kinds[ARRAY_COUNT(items)] = {
        WIRE__FEED_ITEM__KIND_DOCUMENT, WIRE__FEED_ITEM__KIND_REMOVED, WIRE__FEED_ITEM__KIND_EDGE,
        WIRE__FEED_ITEM__KIND_SITES, WIRE__FEED_ITEM__KIND_REMOVED};
    Wire__FeedReply reply = WIRE__FEED_REPLY__INIT;
    for (size_t i = 0; i < ARRAY_COUNT(items); i++) {
        wire__feed_item__init(&items[i]);
        items[i].sequence = 10 + i;
        items[i].kind_case = kinds[i];
        list[i] = &items[i];
    }
    reply.items = list;
    reply.n_items = ARRAY_COUNT(items);
    reply.next = next;
    return reply;
}

static void removals_and_public_sites_are_kept(void **state)
{
    (void)state;
    Wire__FeedReply reply = reply_up_to(7);
    assert_int_equal(removals_keep(&reply, 7, NULL), STATUS_OK);
    assert_int_equal(reply.n_items, 3);
    assert_int_equal(reply.items[0]->sequence, 11);
    assert_int_equal(reply.items[1]->sequence, 13);
    assert_int_equal(reply.items[2]->sequence, 14);
    reply = reply_up_to(1);
    assert_int_equal(removals_keep(&reply, 0, NULL), STATUS_OK); /* of one that has read nothing */
    assert_int_equal(reply.n_items, 3);
}

static void a_reply_that_goes_on_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t from, next;
    } older[] = {{0, 2}, {1, 15}, {7, 8}, {7, UINT64_MAX}, {7, 6}, {7, 0}, {0, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(older); i++) {
        struct error err;
        Wire__FeedReply reply = reply_up_to(older[i].next);
        assert_int_equal(removals_keep(&reply, older[i].from, &err), STATUS_UNSUPPORTED);
        assert_non_null(strstr(err.text, "older"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removals_and_public_sites_are_kept),
        cmocka_unit_test(a_reply_that_goes_on_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
