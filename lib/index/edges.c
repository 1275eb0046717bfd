#include "index/edges.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "index/builder.h"
#include "index/varint.h"

#define EDGE_KEY_BYTES    17
#define INLINKS_KEY_BYTES 9
#define WRITE_OPERATIONS  4096
#define EDGE_PRIVATE      1u
#define ANCHORS_VISITED   2000 /* links looked at for the anchor text of one document */

/* ---- one link ---- */

static void edge_key(uint64_t target, uint64_t source, uint8_t key[EDGE_KEY_BYTES])
{
    key[0] = KEY_EDGE;
    put_be64(key + 1, target);
    put_be64(key + 9, source);
}

static void inlinks_key(uint64_t target, uint8_t key[INLINKS_KEY_BYTES])
{
    key[0] = KEY_INLINKS;
    put_be64(key + 1, target);
}

/* flags | hash of the source's site, where it is private | size of the source | source | anchor */
static struct storage_slice encode_edge(struct arena *arena, const struct index_edge *edge)
{
    struct text_slice anchor = text_cut(edge->anchor, INDEX_ANCHOR_MAX);
    uint8_t *out = arena_alloc(arena, 1 + 8 + VARINT_MAX + edge->source.size + anchor.size);
    if (out == NULL)
        return (struct storage_slice){0};
    size_t used = 1;
    out[0] = edge->source_is_private ? EDGE_PRIVATE : 0;
    if (edge->source_is_private) {
        put_be64(out + used, site_hash_of(edge->source_site));
        used += 8;
    }
    used += varint_put(out + used, edge->source.size);
    memcpy(out + used, edge->source.bytes, edge->source.size);
    used += edge->source.size;
    if (anchor.size > 0)
        memcpy(out + used, anchor.bytes, anchor.size);
    return (struct storage_slice){out, used + anchor.size};
}

static bool decode_edge(struct storage_slice value, struct stored_edge *ret_edge)
{
    const uint8_t *at = value.bytes;
    uint64_t size;
    if (value.size == 0)
        return false;
    const uint8_t *end = at + value.size;
    struct stored_edge edge = {.is_private = (*at++ & EDGE_PRIVATE) != 0};
    if (edge.is_private) {
        if (end - at < 8)
            return false;
        edge.source_site = get_be64(at);
        at += 8;
    }
    if (!varint_get(&at, end, &size) || size > (uint64_t)(end - at))
        return false;
    edge.source = (struct text_slice){(const char *)at, size};
    at += size;
    edge.anchor = (struct text_slice){(const char *)at, (size_t)(end - at)};
    *ret_edge = edge;
    return true;
}

bool edge_is_shown(const struct visibility *shown, const struct stored_edge *edge)
{
    return !edge->is_private || visibility_shows(shown, edge->source_site, edge->source);
}

/* ---- counts ---- */

static bool decode_count(struct storage_slice value, struct inlinks *ret_inlinks)
{
    const uint8_t *at = value.bytes;
    const uint8_t *end = value.size > 0 ? at + value.size : at;
    return varint_get(&at, end, &ret_inlinks->count) &&
           varint_get(&at, end, &ret_inlinks->private_count) &&
           varint_get(&at, end, &ret_inlinks->hidden_count);
}

enum status edges_count(struct storage storage, uint64_t target, struct inlinks *ret_inlinks,
                        struct error *err)
{
    uint8_t key[INLINKS_KEY_BYTES];
    struct buffer value = {0};
    inlinks_key(target, key);
    enum status status =
        storage.ops->get(storage.self, (struct storage_slice){key, sizeof(key)}, &value, err);
    struct inlinks inlinks = {0};
    if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
    } else if (status == STATUS_OK &&
               !decode_count((struct storage_slice){value.data, value.size}, &inlinks)) {
        status = error_set(err, STATUS_CORRUPT, "a count of links");
    }
    buffer_release(&value);
    if (status == STATUS_OK)
        *ret_inlinks = inlinks;
    return status;
}

/* ---- applying ---- */

struct edge_change {
    uint64_t target;
    uint64_t source;
    size_t number; /* among the changes */
};

/* Operations on their way to the storage. */
struct edge_writer {
    struct storage storage;
    const struct visibility *shown;
    struct arena arena;
    struct storage_operation operations[WRITE_OPERATIONS];
    size_t count;
    struct error *err;
};

static int compare_changes(const void *a_pointer, const void *b_pointer)
{
    const struct edge_change *a = a_pointer;
    const struct edge_change *b = b_pointer;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static bool is_usable(const struct index_change *change)
{
    if (change->kind != INDEX_PUT_EDGE && change->kind != INDEX_DROP_EDGE)
        return false;
    const struct text_slice *source = &change->edge.source;
    const struct text_slice *target = &change->edge.target;
    if (source->size == 0 || source->size > INDEX_URL_MAX || target->size == 0 ||
        target->size > INDEX_URL_MAX)
        return false;
    return source->size != target->size ||
           memcmp(source->bytes, target->bytes, source->size) != 0; /* a page links to itself */
}

/* The last change of each link, by target and source. */
static size_t sort_changes(const struct index_change *changes, size_t count,
                           struct edge_change *sorted)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_usable(&changes[i]))
            continue;
        const struct index_edge *edge = &changes[i].edge;
        sorted[used++] = (struct edge_change){url_hash(edge->target.bytes, edge->target.size),
                                              url_hash(edge->source.bytes, edge->source.size), i};
    }
    if (used > 0)
        qsort(sorted, used, sizeof(*sorted), compare_changes);
    size_t last = 0;
    for (size_t i = 0; i < used; i++) {
        if (i + 1 < used && sorted[i].target == sorted[i + 1].target &&
            sorted[i].source == sorted[i + 1].source)
            continue;
        sorted[last++] = sorted[i];
    }
    return last;
}

static enum status write_out(struct edge_writer *writer)
{
    enum status status = STATUS_OK;
    if (writer->count > 0)
        status = writer->storage.ops->write(writer->storage.self, writer->operations, writer->count,
                                            false, writer->err);
    writer->count = 0;
    arena_reset(&writer->arena);
    return status;
}

static enum status add_operation(struct edge_writer *writer, enum storage_operation_kind kind,
                                 const uint8_t *key, size_t key_size, struct storage_slice value)
{
    uint8_t *copy = arena_copy(&writer->arena, key, key_size);
    if (copy == NULL || (kind == STORAGE_PUT && value.bytes == NULL))
        return error_set(writer->err, STATUS_NO_MEMORY, "links");
    writer->operations[writer->count++] = (struct storage_operation){kind, {copy, key_size}, value};
    return STATUS_OK;
}

/* Takes the link out of the counts, if it is there now. */
static enum status count_out(struct edge_writer *writer, const uint8_t key[EDGE_KEY_BYTES],
                             struct inlinks *inlinks, bool *ret_existed)
{
    struct buffer value = {0};
    struct stored_edge edge = {0};
    enum status status = writer->storage.ops->get(
        writer->storage.self, (struct storage_slice){key, EDGE_KEY_BYTES}, &value, writer->err);
    *ret_existed = status == STATUS_OK;
    if (status == STATUS_OK && !decode_edge((struct storage_slice){value.data, value.size}, &edge))
        status = error_set(writer->err, STATUS_CORRUPT, "a link");
    if (status == STATUS_OK && inlinks->count > 0) {
        inlinks->count--;
        inlinks->private_count -= edge.is_private && inlinks->private_count > 0;
        inlinks->hidden_count -= !edge_is_shown(writer->shown, &edge) && inlinks->hidden_count > 0;
    }
    buffer_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status apply_edge(struct edge_writer *writer, const struct edge_change *sorted,
                              const struct index_change *change, struct inlinks *inlinks)
{
    uint8_t key[EDGE_KEY_BYTES];
    bool existed;
    edge_key(sorted->target, sorted->source, key);
    enum status status = count_out(writer, key, inlinks, &existed);
    if (status != STATUS_OK)
        return status;
    if (change->kind == INDEX_DROP_EDGE)
        return existed ? add_operation(writer, STORAGE_DELETE, key, sizeof(key),
                                       (struct storage_slice){0})
                       : STATUS_OK;
    inlinks->count++;
    inlinks->private_count += change->edge.source_is_private;
    inlinks->hidden_count +=
        change->edge.source_is_private &&
        !visibility_shows(writer->shown, site_hash_of(change->edge.source_site),
                          change->edge.source);
    return add_operation(writer, STORAGE_PUT, key, sizeof(key),
                         encode_edge(&writer->arena, &change->edge));
}

static enum status put_count(struct edge_writer *writer, const struct edge_target *target)
{
    uint8_t key[INLINKS_KEY_BYTES];
    inlinks_key(target->hash, key);
    if (target->inlinks.count == 0)
        return add_operation(writer, STORAGE_DELETE, key, sizeof(key), (struct storage_slice){0});
    uint8_t *out = arena_alloc(&writer->arena, 3 * VARINT_MAX);
    if (out == NULL)
        return error_set(writer->err, STATUS_NO_MEMORY, "links");
    size_t size = varint_put(out, target->inlinks.count);
    size += varint_put(out + size, target->inlinks.private_count);
    size += varint_put(out + size, target->inlinks.hidden_count);
    return add_operation(writer, STORAGE_PUT, key, sizeof(key), (struct storage_slice){out, size});
}

/* Links and their count are written together. The count goes out with every few thousand links of
 * a target, too, so that the writes stay small and each leaves both in agreement. */
static enum status apply_sorted(struct edge_writer *writer, const struct edge_change *sorted,
                                size_t count, const struct index_change *changes,
                                struct edge_target *targets, size_t *ret_target_count)
{
    enum status status = STATUS_OK;
    size_t target_count = 0;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (i == 0 || sorted[i].target != sorted[i - 1].target) {
            targets[target_count] = (struct edge_target){.hash = sorted[i].target};
            status = edges_count(writer->storage, sorted[i].target,
                                 &targets[target_count++].inlinks, writer->err);
        }
        struct edge_target *target = &targets[target_count - 1];
        if (status == STATUS_OK)
            status = apply_edge(writer, &sorted[i], &changes[sorted[i].number], &target->inlinks);
        bool last = i + 1 == count || sorted[i + 1].target != target->hash;
        bool full = writer->count + 2 >= WRITE_OPERATIONS;
        if (status == STATUS_OK && (last || full))
            status = put_count(writer, target);
        if (status == STATUS_OK && full)
            status = write_out(writer);
    }
    *ret_target_count = target_count;
    return status == STATUS_OK ? write_out(writer) : status;
}

enum status edges_apply(struct storage storage, const struct visibility *shown,
                        const struct index_change *changes, size_t count,
                        struct edge_target **ret_targets, size_t *ret_target_count,
                        struct error *err)
{
    struct edge_writer *writer = calloc(1, sizeof(*writer));
    struct edge_change *sorted = calloc(count + 1, sizeof(*sorted));
    struct edge_target *targets = NULL;
    size_t target_count = 0;
    enum status status = STATUS_OK;
    if (writer == NULL || sorted == NULL) {
        status = error_set(err, STATUS_NO_MEMORY, "links");
        goto end;
    }
    writer->storage = storage;
    writer->shown = shown;
    writer->err = err;
    size_t sorted_count = sort_changes(changes, count, sorted);
    targets = calloc(sorted_count + 1, sizeof(*targets));
    if (targets == NULL) {
        status = error_set(err, STATUS_NO_MEMORY, "links");
        goto end;
    }
    status = apply_sorted(writer, sorted, sorted_count, changes, targets, &target_count);
    if (status == STATUS_OK) {
        *ret_targets = targets;
        *ret_target_count = target_count;
        targets = NULL;
    }

end:
    if (writer != NULL)
        arena_release(&writer->arena);
    free(writer);
    free(sorted);
    free(targets);
    return status;
}

/* ---- walking ---- */

struct walk {
    edge_visit visit;
    void *context;
};

static enum status visit_value(void *context, struct storage_slice key, struct storage_slice value)
{
    (void)key;
    struct walk *walk = context;
    struct stored_edge edge;
    return decode_edge(value, &edge) ? walk->visit(walk->context, &edge) : STATUS_CORRUPT;
}

enum status edges_visit(struct storage storage, uint64_t target, edge_visit visit, void *context,
                        struct error *err)
{
    uint8_t key[EDGE_KEY_BYTES];
    struct walk walk = {visit, context};
    edge_key(target, 0, key);
    return storage.ops->iterate(storage.self, (struct storage_slice){key, 9},
                                (struct storage_slice){0}, visit_value, &walk, err);
}

/* ---- counting anew ---- */

struct recounting {
    const struct visibility *before;
    const struct visibility *shown;
    struct recount *recount;
};

static enum status recount_edge(void *context, const struct stored_edge *edge)
{
    struct recounting *recounting = context;
    bool is_shown = edge_is_shown(recounting->shown, edge);
    recounting->recount->inlinks.hidden_count += !is_shown;
    if (is_shown != edge_is_shown(recounting->before, edge))
        recounting->recount->changed = true;
    return STATUS_OK;
}

static enum status recount_target(struct edge_writer *writer, struct recounting *recounting)
{
    struct recount *recount = recounting->recount;
    enum status status =
        edges_count(writer->storage, recount->target, &recount->inlinks, writer->err);
    if (status != STATUS_OK)
        return status;
    recount->hidden_before = recount->inlinks.hidden_count;
    recount->inlinks.hidden_count = 0;
    status = edges_visit(writer->storage, recount->target, recount_edge, recounting, writer->err);
    if (status == STATUS_OK && recount->inlinks.hidden_count != recount->hidden_before)
        status = put_count(writer, &(struct edge_target){recount->target, recount->inlinks});
    if (status == STATUS_OK && writer->count == WRITE_OPERATIONS)
        status = write_out(writer);
    return status;
}

/* Gathers the targets that private pages link to. */
static enum status visit_count(void *context, struct storage_slice key, struct storage_slice value)
{
    struct buffer *recounts = context;
    struct inlinks inlinks;
    if (key.size != INLINKS_KEY_BYTES || !decode_count(value, &inlinks))
        return STATUS_CORRUPT;
    if (inlinks.private_count > 0) {
        struct recount recount = {.target = get_be64(key.bytes + 1)};
        buffer_append(recounts, &recount, sizeof(recount));
    }
    return recounts->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status edges_recount(struct storage storage, const struct visibility *before,
                          const struct visibility *shown, struct recount **ret_recounts,
                          size_t *ret_count, struct error *err)
{
    static const uint8_t kind = KEY_INLINKS;
    struct buffer recounts = {0};
    struct edge_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        return error_set(err, STATUS_NO_MEMORY, "links");
    *writer = (struct edge_writer){.storage = storage, .shown = shown, .err = err};
    enum status status =
        storage.ops->iterate(storage.self, (struct storage_slice){&kind, 1},
                             (struct storage_slice){0}, visit_count, &recounts, err);
    struct recount *list = (struct recount *)(void *)recounts.data;
    size_t count = recounts.size / sizeof(*list);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct recounting recounting = {before, shown, &list[i]};
        status = recount_target(writer, &recounting);
    }
    if (status == STATUS_OK)
        status = write_out(writer);
    if (status == STATUS_OK) {
        *ret_recounts = list; /* malloc's: the buffer's memory goes over */
        *ret_count = count;
    } else {
        buffer_release(&recounts);
    }
    arena_release(&writer->arena);
    free(writer);
    return status;
}

/* ---- texts ---- */

/* Gathers texts, each once. */
struct anchor_gathering {
    struct buffer *text;
    size_t start; /* of what is gathered, in text */
    const struct visibility *shown;
    bool include_hidden;
    uint32_t visited;
    uint32_t count;
    uint64_t hashes[1024];
};

static bool is_new_text(struct anchor_gathering *gathering, uint64_t hash)
{
    for (uint32_t i = 0; i < gathering->count; i++) {
        if (gathering->hashes[i] == hash)
            return false;
    }
    gathering->hashes[gathering->count++] = hash;
    return true;
}

static enum status gather_anchor(void *context, const struct stored_edge *edge)
{
    struct anchor_gathering *gathering = context;
    if (++gathering->visited > ANCHORS_VISITED || gathering->count == 1024)
        return STATUS_END;
    if (edge->anchor.size == 0 ||
        (!gathering->include_hidden && !edge_is_shown(gathering->shown, edge)) ||
        !is_new_text(gathering, hash64(edge->anchor.bytes, edge->anchor.size)))
        return STATUS_OK;
    struct buffer *text = gathering->text;
    if (text->size - gathering->start + edge->anchor.size + 1 > INDEX_ANCHORS_MAX)
        return STATUS_END;
    buffer_append(text, edge->anchor.bytes, edge->anchor.size);
    buffer_append_byte(text, '\n');
    return text->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status edges_anchors(struct storage storage, uint64_t target, const struct visibility *shown,
                          bool include_hidden, struct buffer *ret_text, struct error *err)
{
    struct anchor_gathering gathering = {.text = ret_text,
                                         .start = ret_text->size,
                                         .shown = shown,
                                         .include_hidden = include_hidden};
    return edges_visit(storage, target, gather_anchor, &gathering, err);
}
