/* Where the next page goes on, and where this one does. */
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "gateway/gateway_parts.h"
#include "gateway/service_search_parts.h"

static uint64_t query_hash(const struct query *query)
{
    return hash64(query->read_as, strlen(query->read_as));
}

void searching_note_place(struct searching *search)
{
    struct cache_place *place = &search->place;
    uint64_t depth = search->has_after
                         ? search->basis.depth
                         : (uint64_t)(search->question->page - 1) * search->question->size;
    place->cursor = search->basis;
    place->cursor.query_hash = query_hash(&search->query);
    place->cursor.languages = search->languages;
    place->cursor.part = search->ends_in;
    place->cursor.depth = depth + search->page_count;
    place->cursor.positions = search->positions;
    place->cursor.shard_count = search->routing->shard_count;
    place->is_last =
        !search->has_next || place->cursor.depth + search->question->size > SEARCH_DEPTH_MAX;
    if (search->page_count > 0) {
        place->cursor.score = search->page_end.score;
        place->cursor.url_hash = search->page_end.url_hash;
    }
}

enum status searching_write_cursor(const struct searching *search, struct search_answer *answer,
                                   struct error *err)
{
    answer->cursor = "";
    if (search->place.is_last)
        return STATUS_OK;
    struct cursor cursor = search->place.cursor;
    cursor.made_unix_s = clock_unix_s();
    answer->cursor = cursor_encode(gateway_key(search->service->gateway), &cursor, search->arena);
    return answer->cursor == NULL ? error_set(err, STATUS_NO_MEMORY, "search") : STATUS_OK;
}

enum status searching_read_cursor(struct searching *search, struct error *err)
{
    const char *text = search->question->cursor;
    if (text == NULL || text[0] == '\0')
        return STATUS_OK;
    enum status status = cursor_decode(gateway_key(search->service->gateway), text, clock_unix_s(),
                                       search->arena, &search->basis, err);
    search->has_after = status == STATUS_OK;
    search->languages = search->basis.languages;
    return status;
}

/* Whether the cursor's statistics are those of what is asked. */
static bool has_terms_of_cursor(const struct searching *search)
{
    struct query_term terms[QUERY_TERMS_MAX];
    if (search->basis.part == CURSOR_ALONE)
        return search->basis.term_count == search->term_count;
    return search->relaxed != NULL &&
           search->basis.term_count == query_collect_terms(search->relaxed, terms);
}

enum status searching_take_up_cursor(struct searching *search, struct error *err)
{
    if (!search->has_after)
        return STATUS_OK;
    bool is_of_query = search->basis.query_hash == query_hash(&search->query);
    if (is_of_query && search->basis.part != CURSOR_ALONE)
        searching_relax(search);
    if (!is_of_query || !has_terms_of_cursor(search))
        return error_set(err, STATUS_INVALID, "the cursor belongs to another query");
    return STATUS_OK;
}
