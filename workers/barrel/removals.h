/* What of the feed is applied where there is no room: pages that are removed or made private are at
 * least not found any more. They come again in their turn. */
#ifndef TIERCE_BARREL_REMOVALS_H
#define TIERCE_BARREL_REMOVALS_H

#include "base/error.h"
#include "index/index.h"
#include "wire.pb-c.h"

/*
 * Drops all else from a reply to a request for what comes ahead of its turn only: removals are
 * applied in memory, and so is what public sites withhold; edges would be written at once.
 *
 * from  where the reader is, and stays; 0: at the beginning
 *
 * STATUS_UNSUPPORTED: the reply goes on from there. An older indexserver does not know such a
 * request, and answered it with what comes in its turn: what is dropped would never come again.
 */
enum status removals_keep(Wire__FeedReply *reply, uint64_t from, struct error *err);
/* Of new public sites only what they withhold is to hold: nothing is written for it. */
void removals_only_withhold(struct index_change *changes, size_t count);

#endif
