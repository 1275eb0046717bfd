/*
 * How many pages of one pattern are fetched. Every pattern (trap_pattern()) of a source has a
 * budget: 50 pages, and two more for each that had a text of its own, numbers aside; twenty times
 * that where the pages do not lead to new ones of their own pattern. So ten thousand articles are
 * fetched whole; a calendar, or a list that can be sorted in any way, ends.
 *
 * Counted when a page is first taken, so that a replay of the log comes to the same.
 */
#ifndef TIERCE_INDEXSERVER_TRAPS_H
#define TIERCE_INDEXSERVER_TRAPS_H

#include "crawl/url.h"
#include "indexserver/scope.h"
#include "indexserver/urls.h"

enum {
    TRAP_PAGES_FREE = 50,
    TRAP_PAGES_EACH = 2,
    TRAP_BREED_SHARE = 4, /* of those that bring more of their like at least a quarter does */
    TRAP_FACTOR = 20,     /* the budget of others, in that of those that breed */
};

/* Of one pattern, so far. */
struct trap_counts {
    uint32_t taken;
    uint32_t fresh;    /* with a text that no other of its pattern had */
    uint32_t breeding; /* that brought new URLs of the pattern */
};

/* Whether no more of them are wanted. */
bool trap_is_spent(const struct trap_counts *counts);

/* A page is taken for the first time. `breeds`: it brought URLs of its pattern that were new. */
enum status traps_take_page(struct change *change, const struct url *url, uint32_t source,
                            const Page__Page *page, bool breeds, struct error *err);

/* Whether both have one pattern, which is not their own alone. */
bool traps_are_alike(const struct url *a, const struct url *b);

/* Why a URL that a link led to is not to be fetched, in words; NULL: it may be. In the arena. Any
 * thread that may read the views. */
const char *traps_refusal(struct views *views, const struct url *url, uint32_t source,
                          struct arena *arena);

#endif
