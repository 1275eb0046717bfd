/* Documents as a page of results shows them: looked up together, segment by segment. */
#include <stdlib.h>

#include "index/document.h"
#include "index/passage.h"
#include "index/snippet.h"
#include "index/state.h"

/* What is read of a text in front of the first word that is shown, and from there on. A character
 * has up to four bytes; most texts have one for most of theirs, and then less is decoded. */
#define LEAD_BYTES        192
#define TRAIL_BYTES       420
#define TRAIL_BYTES_WIDE  1200
#define WINDOW_CHARACTERS 240
#define SHOW_STEPS        1024 /* of a limit, for a document: its text is decoded and read */

struct snippet_maker {
    struct text_analyzer *analyzer;
    ZSTD_DCtx *decompressor;
};

struct snippet_maker *snippet_maker_new(void)
{
    struct snippet_maker *maker = calloc(1, sizeof(*maker));
    if (maker == NULL)
        return NULL;
    maker->analyzer = text_analyzer_new();
    maker->decompressor = ZSTD_createDCtx();
    if (maker->analyzer == NULL || maker->decompressor == NULL) {
        snippet_maker_free(maker);
        return NULL;
    }
    return maker;
}

void snippet_maker_free(struct snippet_maker *maker)
{
    if (maker == NULL)
        return;
    text_analyzer_free(maker->analyzer);
    ZSTD_freeDCtx(maker->decompressor);
    free(maker);
}

struct text_analyzer *snippet_maker_analyzer(struct snippet_maker *maker)
{
    return maker->analyzer;
}

/* ---- one document ---- */

struct showing {
    struct snapshot *snapshot;
    struct snippet_maker *maker;
    const struct query_node *query; /* NULL: no snippets */
    struct limit_watch watch;
    struct arena *arena;
    struct passage_finder finder;
    struct error *err;
};

/* What the tokens of a text are like, by its sizes alone. */
struct measure {
    uint32_t window; /* positions that are about as wide as a snippet */
    size_t trail;
};

static struct measure measure_text(const struct segment *segment, uint32_t docid, size_t text_size)
{
    const uint8_t *lengths = segment_column(segment, FIELD_BODY);
    uint32_t tokens = lengths == NULL ? 0 : length_of_code(lengths[docid]);
    size_t each = tokens == 0 ? 1 : text_size / tokens;
    if (each < 4) /* most likely a position for each character */
        return (struct measure){WINDOW_CHARACTERS, TRAIL_BYTES_WIDE};
    if (each > 9) /* most likely several bytes for each */
        return (struct measure){WINDOW_CHARACTERS / 10, TRAIL_BYTES_WIDE};
    return (struct measure){WINDOW_CHARACTERS / (uint32_t)each, TRAIL_BYTES};
}

static enum status make_snippet(struct showing *showing, struct place place,
                                const struct stored_fields *fields, struct shown_document *shown)
{
    const struct segment *segment = showing->snapshot->entries[place.entry].segment;
    struct snippet_maker *maker = showing->maker;
    struct measure measure = measure_text(segment, place.docid, fields->blocks.text_size);
    struct passage passage;
    uint32_t position = 0; /* the beginning, where nothing of the query is in the text */
    enum status status =
        passage_finder_find(&showing->finder, place.docid, measure.window, &position, showing->err);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    status = text_blocks_passage(&fields->blocks, maker->decompressor, position, LEAD_BYTES,
                                 measure.trail, showing->arena, &passage, showing->err);
    if (status == STATUS_CORRUPT)
        return segment_corrupt(segment, showing->err);
    if (status != STATUS_OK)
        return status;
    enum text_language language = text_language_of(fields->language.bytes, fields->language.size);
    return snippet_cut(maker->analyzer, &passage, language, showing->query, showing->arena,
                       &shown->snippet, showing->err);
}

/* What the page allows to be shown of its text; false: nothing. */
static bool may_show(const struct segment *segment, uint32_t docid,
                     struct index_document *ret_wishes)
{
    const uint8_t *flags = segment_column(segment, NORM_FLAGS);
    snippet_take_flags(ret_wishes, flags == NULL ? 0 : flags[docid]);
    return flags != NULL && !ret_wishes->no_snippet;
}

static enum status show_one(struct showing *showing, struct place place,
                            struct shown_document *shown)
{
    struct stored_fields fields;
    enum status status = document_read(showing->snapshot, place, showing->arena, &shown->document,
                                       &fields, showing->err);
    struct index_document wishes = {.snippet_max = 0};
    if (status == STATUS_OK && showing->query != NULL &&
        may_show(showing->snapshot->entries[place.entry].segment, place.docid, &wishes))
        status = make_snippet(showing, place, &fields, shown);
    if (status == STATUS_OK)
        status = snippet_shorten(&shown->snippet, wishes.snippet_max, showing->arena, showing->err);
    shown->found = status == STATUS_OK;
    return status;
}

/* ---- all of them ---- */

struct found {
    struct place place;
    size_t number; /* in the order asked for */
};

static int compare_places(const void *a_pointer, const void *b_pointer)
{
    const struct found *a = a_pointer;
    const struct found *b = b_pointer;
    if (a->place.entry != b->place.entry)
        return a->place.entry < b->place.entry ? -1 : 1;
    return (a->place.docid > b->place.docid) - (a->place.docid < b->place.docid);
}

static enum status show_found(struct showing *showing, const struct found *found, size_t count,
                              struct shown_document *ret_documents)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct place place = found[i].place;
        if (limit_watch_stops(&showing->watch, SHOW_STEPS))
            return limit_watch_status(&showing->watch, showing->err);
        if (showing->query != NULL && (i == 0 || place.entry != found[i - 1].place.entry))
            status = passage_finder_enter(
                &showing->finder, showing->snapshot->entries[place.entry].segment, showing->err);
        if (status == STATUS_OK)
            status = show_one(showing, place, &ret_documents[found[i].number]);
    }
    return status;
}

enum status index_show(struct index *index, struct snippet_maker *maker, const uint64_t *url_hashes,
                       size_t count, const struct query_node *query,
                       const struct search_limit *limit, struct arena *arena,
                       struct shown_document *ret_documents, struct error *err)
{
    struct found *found = arena_alloc(arena, (count + 1) * sizeof(*found));
    if (found == NULL)
        return error_set(err, STATUS_NO_MEMORY, "documents");
    struct showing showing = {.snapshot = index_hold_snapshot(index),
                              .maker = maker,
                              .query = query,
                              .watch = {.limit = limit},
                              .arena = arena,
                              .err = err};
    size_t found_count = 0;
    for (size_t i = 0; i < count; i++) {
        ret_documents[i] = (struct shown_document){0};
        if (entries_find(showing.snapshot->entries, showing.snapshot->count, url_hashes[i],
                         (struct text_slice){0}, &found[found_count].place))
            found[found_count++].number = i;
    }
    enum status status = STATUS_OK;
    if (found_count < count && index_is_corrupt(index)) /* it may be among what cannot be read */
        status = error_set(err, STATUS_CORRUPT, "a segment holds wrong bytes");
    qsort(found, found_count, sizeof(*found), compare_places);
    passage_finder_init(&showing.finder, query, arena);
    if (status == STATUS_OK)
        status = show_found(&showing, found, found_count, ret_documents);
    passage_finder_release(&showing.finder);
    snapshot_release(showing.snapshot);
    return status;
}
