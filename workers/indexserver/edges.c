#include "indexserver/edges.h"

#include <string.h>

#include "indexserver/feed.h"
#include "indexserver/feed_key.h"
#include "indexserver/scope.h"

enum { EDGE_HEAD_BYTES = 9 };

/* A link of the new version. */
struct new_edge {
    const char *target;
    const char *anchor;
    bool nofollow;
    bool known; /* was there before, just so */
    struct new_edge *next;
};

struct replacing {
    struct change *change;
    const char *source;
    bool is_private;
    struct table by_target;
    struct new_edge *first, **last;
    size_t bytes; /* of the new version's edges */
    size_t *item_bytes;
    struct buffer key;
    struct buffer value;
};

/* ---- the new version's links ------------------------------------------------------------------
 */

/* The page that a link means, in the spelling in which it is fetched: links with and without what
 * only tracks count for one page. */
static const char *target_of(struct replacing *r, const char *link)
{
    struct arena *arena = &r->change->arena;
    struct url url;
    if (link[strcspn(link, "?;")] == '\0' ||
        url_parse(link, strlen(link), NULL, arena, &url, NULL) != STATUS_OK)
        return link;
    scope_source_for(r->change->views->scope, &url, arena);
    return url.text;
}

static enum status add_link(struct replacing *r, const Page__Link *link, const char *target,
                            struct error *err)
{
    struct new_edge *edge = table_get(&r->by_target, target);
    if (edge != NULL) { /* the first anchor that says something; followed if any of them is */
        if (edge->anchor[0] == '\0')
            edge->anchor = link->anchor;
        edge->nofollow = edge->nofollow && link->nofollow;
        return STATUS_OK;
    }
    edge = arena_zalloc(&r->change->arena, sizeof(*edge));
    if (edge == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    edge->target = target;
    edge->anchor = link->anchor;
    edge->nofollow = link->nofollow;
    *r->last = edge;
    r->last = &edge->next;
    table_put(&r->by_target, edge->target, edge);
    return STATUS_OK;
}

static enum status gather_links(struct replacing *r, const Page__Page *page, struct error *err)
{
    enum status status = STATUS_OK;
    size_t source_size = strlen(r->source);
    for (size_t i = 0; page != NULL && i < page->n_links && status == STATUS_OK; i++) {
        const Page__Link *link = page->links[i];
        const char *target = target_of(r, link->url);
        size_t bytes = source_size + strlen(target) + strlen(link->anchor);
        if (target[0] == '\0' || strcmp(target, r->source) == 0)
            continue; /* a page that points to itself says nothing */
        if (r->bytes + bytes > FEED_EDGE_BYTES_MAX)
            break;
        r->bytes += bytes;
        status = add_link(r, link, target, err);
    }
    return status;
}

/* ---- items
 * ---------------------------------------------------------------------------------------- */

static void item_key(struct replacing *r, uint64_t sequence, const char *target)
{
    feed_key(&r->key, sequence, feed_slot_of(target), FEED_EDGE);
    buffer_append(&r->key, target, strlen(target) + 1);
    buffer_append_string(&r->key, r->source);
}

static void put_item(struct replacing *r, const char *target, const char *anchor, uint8_t flags)
{
    item_key(r, r->change->sequence, target);
    buffer_clear(&r->value);
    buffer_append_byte(&r->value, flags);
    buffer_append_string(&r->value, anchor);
    change_put(r->change, COLUMN_FEED, r->key.data, r->key.size, r->value.data, r->value.size);
    *r->item_bytes += r->key.size + r->value.size;
}

static void delete_item(struct replacing *r, uint64_t sequence, const char *target)
{
    item_key(r, sequence, target);
    change_delete(r->change, COLUMN_FEED, r->key.data, r->key.size);
}

static void edge_key(struct replacing *r, const char *target)
{
    buffer_clear(&r->key);
    buffer_append(&r->key, r->source, strlen(r->source) + 1);
    buffer_append_string(&r->key, target);
}

/* source, 0, target -> u64 LE sequence of its item, u8 flags, anchor */
static void put_edge(struct replacing *r, const char *target, const char *anchor, uint8_t flags)
{
    uint8_t head[EDGE_HEAD_BYTES];
    put_le64(head, r->change->sequence);
    head[8] = flags;
    edge_key(r, target);
    buffer_clear(&r->value);
    buffer_append(&r->value, head, sizeof(head));
    buffer_append_string(&r->value, anchor);
    change_put(r->change, COLUMN_EDGES, r->key.data, r->key.size, r->value.data, r->value.size);
}

static uint8_t flags_of(const struct replacing *r, const struct new_edge *edge)
{
    return (uint8_t)((edge->nofollow ? EDGE_NOFOLLOW : 0) | (r->is_private ? EDGE_PRIVATE : 0));
}

/* ---- the difference
 * --------------------------------------------------------------------------------- */

/* A drop that every reader has seen need not be kept. Readers that nobody counts any more and that
 * have not seen it begin at the start (feed_floor). */
static void forget_dropped(struct replacing *r, uint64_t sequence, const char *target)
{
    struct views *views = r->change->views;
    if (sequence > views->feed_read)
        return;
    delete_item(r, sequence, target);
    edge_key(r, target);
    change_delete(r->change, COLUMN_EDGES, r->key.data, r->key.size);
    if (sequence > views->feed_floor)
        views->feed_floor = sequence;
}

static void compare_old(struct replacing *r, const char *target, struct kv_slice value)
{
    const uint8_t *head = value.data;
    uint64_t sequence = get_le64(head);
    uint8_t flags = head[8];
    bool dropped = (flags & EDGE_DROPPED) != 0;
    struct new_edge *edge = table_get(&r->by_target, target);
    if (edge == NULL && dropped) {
        forget_dropped(r, sequence, target);
        return;
    }
    if (edge == NULL) {
        delete_item(r, sequence, target);
        put_item(r, target, "", EDGE_DROPPED);
        put_edge(r, target, "", EDGE_DROPPED);
        return;
    }
    size_t anchor_size = value.size - EDGE_HEAD_BYTES;
    bool same = flags == flags_of(r, edge) && strlen(edge->anchor) == anchor_size &&
                memcmp(edge->anchor, head + EDGE_HEAD_BYTES, anchor_size) == 0;
    edge->known = same;
    if (!same)
        delete_item(r, sequence, target); /* the new one comes with the additions */
}

static enum status compare_with_old(struct replacing *r, struct error *err)
{
    struct buffer prefix = {0}, target = {0};
    buffer_append(&prefix, r->source, strlen(r->source) + 1);
    struct kv_iterator *it = kv_iterator_open(r->change->views->kv, COLUMN_EDGES);
    bool more = kv_iterator_seek(it, kv_slice(prefix.data, prefix.size));
    for (; more; more = kv_iterator_next(it)) {
        struct kv_slice key = kv_iterator_key(it), value = kv_iterator_value(it);
        if (key.size <= prefix.size || memcmp(key.data, prefix.data, prefix.size) != 0)
            break;
        if (value.size < EDGE_HEAD_BYTES)
            continue;
        buffer_clear(&target);
        buffer_append(&target, (const char *)key.data + prefix.size, key.size - prefix.size);
        compare_old(r, buffer_string(&target), value);
    }
    enum status status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    buffer_release(&prefix);
    buffer_release(&target);
    return status;
}

static void add_new(struct replacing *r)
{
    for (const struct new_edge *edge = r->first; edge != NULL; edge = edge->next) {
        uint8_t flags = flags_of(r, edge);
        if (edge->known)
            continue;
        put_item(r, edge->target, edge->anchor, flags);
        put_edge(r, edge->target, edge->anchor, flags);
    }
}

enum status edges_replace(struct change *change, const char *source, const Page__Page *page,
                          bool is_private, size_t *ret_bytes, struct error *err)
{
    struct replacing r = {
        .change = change, .source = source, .is_private = is_private, .item_bytes = ret_bytes};
    r.last = &r.first;
    enum status status = gather_links(&r, page, err);
    if (status == STATUS_OK)
        status = compare_with_old(&r, err);
    if (status == STATUS_OK)
        add_new(&r);
    table_release(&r.by_target);
    buffer_release(&r.key);
    buffer_release(&r.value);
    return status;
}
