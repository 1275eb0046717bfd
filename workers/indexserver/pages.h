/* The view of parsed pages, by the sequence of the content that they were made of. */
#ifndef TIERCE_INDEXSERVER_PAGES_H
#define TIERCE_INDEXSERVER_PAGES_H

#include "indexserver/views.h"

/* Counts what waits for a page. */
enum status pages_open(struct views *views, struct error *err);

void pages_apply(struct change *change, const Log__Entry *entry, const Page__Page *page);

/* Stores the page of change->sequence, which waited for it. */
void pages_take(struct change *change, const char *url, const Page__Page *page);

/* The page that an older parser made of change->sequence stays: no newer one will come. */
void pages_keep_old(struct change *change);

/* Puts the deletion of all that is kept of a content into the batch. */
void pages_forget(struct change *change, uint64_t sequence);

/* The page without its links. STATUS_NOT_FOUND. Any thread. */
enum status pages_get(struct views *views, uint64_t sequence, struct arena *arena,
                      Page__Page **ret_page, struct error *err);
/* With its links. */
enum status pages_get_whole(struct views *views, uint64_t sequence, struct arena *arena,
                            Page__Page **ret_page, struct error *err);

/*
 * URLs of other pages whose fingerprint is this one (page.Page), those fetched first in front: some
 * of them, where there are many. In the arena. None for 0. Any thread.
 */
enum { PAGES_SAME_TEXT_MAX = 20 };
enum status pages_same_text(struct views *views, uint64_t fingerprint, const char *url,
                            struct arena *arena, const char *ret_urls[PAGES_SAME_TEXT_MAX],
                            size_t *ret_count, struct error *err);

/* Whether the content of that sequence waits for its first page, or for a newer parser's. */
enum status pages_is_unparsed(struct views *views, uint64_t sequence, bool *ret, struct error *err);
enum status pages_is_old(struct views *views, uint64_t sequence, bool *ret, struct error *err);

/* Visits the contents that wait for a page, in the log's order: those without any first. Return
 * false to stop. */
typedef bool pages_visitor(void *context, uint64_t sequence, const char *url);
enum status pages_waiting(struct views *views, pages_visitor *visit, void *context,
                          struct error *err);
/* Those without any only. */
enum status pages_unparsed(struct views *views, pages_visitor *visit, void *context,
                           struct error *err);

/* Sequence of the first content without a page; 0: none. */
uint64_t pages_first_unparsed(struct views *views);

#endif
