#include "barrel/removals.h"

enum status removals_keep(Wire__FeedReply *reply, uint64_t from, struct error *err)
{
    size_t kept = 0;
    if (reply->next != (from == 0 ? 1 : from))
        return error_set(err, STATUS_UNSUPPORTED,
                         "the indexserver is an older one, which tells no removals while there is "
                         "no room: install the same version, or make room");
    for (size_t i = 0; i < reply->n_items; i++) {
        if (reply->items[i]->kind_case == WIRE__FEED_ITEM__KIND_REMOVED ||
            reply->items[i]->kind_case == WIRE__FEED_ITEM__KIND_SITES)
            reply->items[kept++] = reply->items[i];
    }
    reply->n_items = kept;
    return STATUS_OK;
}

void removals_only_withhold(struct index_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind == INDEX_SET_SCOPES)
            changes[i].kind = INDEX_WITHHOLD_SCOPES;
    }
}
