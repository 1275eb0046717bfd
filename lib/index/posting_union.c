#include "index/posting_union.h"

/* ---- cursors ---- */

/* Moves on to a document in which the key is in a field that is wanted. */
static void settle(struct posting_union *any, struct posting_cursor *cursor)
{
    if (any->fields != FIELD_MASK_ALL) {
        while (cursor->docid != DOCID_END && (posting_cursor_fields(cursor) & any->fields) == 0)
            posting_cursor_next(cursor);
    }
    any->corrupt = any->corrupt || cursor->corrupt;
}

static void sift_down(struct posting_union *any, uint32_t at)
{
    struct posting_cursor *moved = any->cursors[at];
    for (uint32_t child = 2 * at + 1; child < any->cursor_count; child = 2 * at + 1) {
        if (child + 1 < any->cursor_count &&
            any->cursors[child + 1]->docid < any->cursors[child]->docid)
            child++;
        if (any->cursors[child]->docid >= moved->docid)
            break;
        any->cursors[at] = any->cursors[child];
        at = child;
    }
    any->cursors[at] = moved;
}

/* ---- opening ---- */

static void read_into_bits(struct posting_union *any, const struct dictionary_entry *entry)
{
    if (any->bits == NULL) {
        size_t words = ((size_t)any->segment->document_count + 63) / 64;
        any->bits = arena_zalloc(any->arena, words * sizeof(any->bits[0]));
        any->scratch = arena_alloc(any->arena, sizeof(*any->scratch));
    }
    if (any->bits == NULL || any->scratch == NULL) {
        any->no_memory = true;
        return;
    }
    struct posting_cursor *cursor = any->scratch;
    posting_cursor_open(cursor, any->segment, entry->address, entry->document_count);
    settle(any, cursor);
    while (cursor->docid != DOCID_END) {
        any->bits[cursor->docid / 64] |= UINT64_C(1) << cursor->docid % 64;
        posting_cursor_next(cursor);
        settle(any, cursor);
    }
}

static void find_shortest(struct posting_union *any)
{
    any->shortest = 0;
    for (uint32_t i = 1; i < UNION_CURSORS_MAX; i++) {
        if (any->longest[i].document_count < any->longest[any->shortest].document_count)
            any->shortest = i;
    }
}

static void add_list(struct posting_union *any, const struct dictionary_entry *entry)
{
    any->document_count += entry->document_count;
    if (any->cursor_count < UNION_CURSORS_MAX) {
        any->longest[any->cursor_count++] = *entry;
        if (any->cursor_count == UNION_CURSORS_MAX)
            find_shortest(any);
        return;
    }
    struct dictionary_entry out = *entry;
    if (out.document_count > any->longest[any->shortest].document_count) {
        out = any->longest[any->shortest];
        any->longest[any->shortest] = *entry;
        find_shortest(any);
    }
    read_into_bits(any, &out);
}

/* Most of a list is stepped over block by block, or read into bits. */
static bool stops(struct posting_union *any, const struct dictionary_entry *entry)
{
    return limit_watch_stops(any->watch, 4 + entry->document_count / 16);
}

/* All lists are known: opens the cursors of the longest. */
static void begin(struct posting_union *any)
{
    uint32_t count = any->cursor_count;
    any->cursor_count = 0;
    for (uint32_t i = 0; i < count && !any->no_memory; i++) {
        struct posting_cursor *cursor = arena_alloc(any->arena, sizeof(*cursor));
        if (cursor == NULL) {
            any->no_memory = true;
            return;
        }
        posting_cursor_open(cursor, any->segment, any->longest[i].address,
                            any->longest[i].document_count);
        settle(any, cursor);
        if (cursor->docid != DOCID_END)
            any->cursors[any->cursor_count++] = cursor;
    }
    for (uint32_t i = any->cursor_count / 2; i > 0; i--)
        sift_down(any, i - 1);
    posting_union_seek(any, 0);
}

void posting_union_open_prefix(struct posting_union *any, const struct segment *segment,
                               const struct query_term *prefix, uint32_t fields,
                               struct limit_watch *watch, struct arena *arena)
{
    struct prefix_cursor terms;
    *any = (struct posting_union){
        .segment = segment, .arena = arena, .watch = watch, .fields = fields};
    for (bool more = prefix_cursor_open(&terms, segment, prefix);
         more && !any->no_memory && !stops(any, &terms.keys.entry);
         more = prefix_cursor_next(&terms))
        add_list(any, &terms.keys.entry);
    any->corrupt = any->corrupt || terms.keys.corrupt;
    any->is_cut = terms.is_cut;
    begin(any);
}

static void add_run(struct posting_union *any, const struct date_run *run)
{
    struct dictionary_cursor keys;
    dictionary_cursor_seek(&keys, any->segment, run->first, run->key_size);
    while (keys.key_size > 0 &&
           key_compare(keys.key, keys.key_size, run->last, run->key_size) <= 0 &&
           !stops(any, &keys.entry)) {
        add_list(any, &keys.entry);
        dictionary_cursor_next(&keys);
    }
    any->corrupt = any->corrupt || keys.corrupt;
}

void posting_union_open_dates(struct posting_union *any, const struct segment *segment,
                              uint32_t begin_day, uint32_t end_day, struct limit_watch *watch,
                              struct arena *arena)
{
    struct date_run runs[DATE_RUNS_MAX];
    *any = (struct posting_union){
        .segment = segment, .arena = arena, .watch = watch, .fields = FIELD_MASK_ALL};
    uint32_t count = date_runs(begin_day, end_day, runs);
    for (uint32_t i = 0; i < count; i++)
        add_run(any, &runs[i]);
    begin(any);
}

/* ---- walking ---- */

static uint32_t next_bit(const struct posting_union *any, uint32_t target)
{
    uint32_t words = (any->segment->document_count + 63) / 64;
    uint32_t word = target / 64;
    if (any->bits == NULL || word >= words)
        return DOCID_END;
    uint64_t bits = any->bits[word] & UINT64_MAX << target % 64;
    while (bits == 0 && ++word < words)
        bits = any->bits[word];
    return bits == 0 ? DOCID_END : word * 64 + (uint32_t)__builtin_ctzll(bits);
}

uint32_t posting_union_seek(struct posting_union *any, uint32_t target)
{
    while (any->cursor_count > 0 && any->cursors[0]->docid < target) {
        struct posting_cursor *cursor = any->cursors[0];
        posting_cursor_seek(cursor, target);
        settle(any, cursor);
        if (cursor->docid == DOCID_END)
            any->cursors[0] = any->cursors[--any->cursor_count];
        if (any->cursor_count > 0)
            sift_down(any, 0);
    }
    uint32_t first = any->cursor_count > 0 ? any->cursors[0]->docid : DOCID_END;
    uint32_t bit = next_bit(any, target);
    any->docid = bit < first ? bit : first;
    return any->docid;
}
