/* Keys of COLUMN_FEED: sequence (u64 BE), slot, kind, and what is unique behind it. */
#ifndef TIERCE_INDEXSERVER_FEED_KEY_H
#define TIERCE_INDEXSERVER_FEED_KEY_H

#include <string.h>

#include "base/buffer.h"
#include "base/bytes.h"

enum { FEED_KEY_HEAD_BYTES = 10 };

enum feed_kind {
    FEED_DOCUMENT = 'd', /* URL -> i64 LE time, u8 private */
    FEED_EDGE = 'e',     /* target, 0, source -> u8 flags, anchor */
    FEED_REMOVED = 'r',  /* URL -> nothing */
    FEED_SITES = 's',    /* nothing -> wire.PublicSites; of every slot */
};

static inline void feed_key(struct buffer *ret, uint64_t sequence, uint8_t slot,
                            enum feed_kind kind)
{
    uint8_t head[FEED_KEY_HEAD_BYTES];
    put_be64(head, sequence);
    head[8] = slot;
    head[9] = (uint8_t)kind;
    buffer_clear(ret);
    buffer_append(ret, head, sizeof(head));
}

static inline uint8_t feed_slot_of(const char *url)
{
    return (uint8_t)url_hash_slot(url_hash(url, strlen(url)));
}

/* The key of a document or a removal of the URL. */
static inline void feed_url_key(struct buffer *ret, uint64_t sequence, enum feed_kind kind,
                                const char *url)
{
    feed_key(ret, sequence, feed_slot_of(url), kind);
    buffer_append_string(ret, url);
}

#endif
