/*
 * What barrels read: documents, removals, edges and public sites in the order of the log. Edges are
 * the differences between a page's links and those of its previous version.
 */
#ifndef TIERCE_INDEXSERVER_FEED_H
#define TIERCE_INDEXSERVER_FEED_H

#include "indexserver/views.h"
#include "wire.pb-c.h"

enum {
    FEED_EDGE_BYTES_MAX = 8 * 1024 * 1024,   /* of one page's edges; links behind are left out */
    FEED_REMOVE_BYTES_MAX = 4 * 1024 * 1024, /* of one REMOVE's items; then it is appended again */
    FEED_REPLY_BYTES_MAX = 24 * 1024 * 1024,
    FEED_REPLY_BYTES_DEFAULT = 4 * 1024 * 1024,
};

enum status feed_apply(struct change *change, const Log__Entry *entry, const Page__Page *page,
                       struct error *err);
/* The page of the content at change->sequence came later. */
enum status feed_take_page(struct change *change, const char *url, const Page__Page *page,
                           struct error *err);

/* A reader, as far as the feed must remember: whether it has been followed since it began. */
enum feed_reader_kind { FEED_READER_KNOWN, FEED_READER_NEW };

/*
 * Fills the reply with items from request->from on, in the arena. Any thread.
 *
 * The feed ends before the first content that has no page yet. A reader that is there gets what
 * takes away from behind it at once: removals, edges that are dropped, the newest public sites. It
 * gets them again in their turn; until then nothing that it is told can bring back what was taken
 * away, because of each URL, edge and set of sites the feed holds one item only, the newest. A
 * reader without room asks for that alone, and stays where it is.
 *
 * ret_news  whether the reply says anything; false: ret_reply->ahead alone may have moved.
 */
enum status feed_read(struct views *views, const Wire__FeedRequest *request,
                      enum feed_reader_kind kind, struct arena *arena, Wire__FeedReply *ret_reply,
                      bool *ret_news, struct error *err);

/* Whether the URL has a document in the feed, and at which sequence. Any thread. */
enum status feed_document_of(struct views *views, const char *url, uint64_t *ret_sequence,
                             struct error *err);

#endif
