#include "index/inverter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

#define NONE UINT32_MAX

/* A place in a document as one number: whether a word is written there, field, position. */
#define FIELD_BITS    3
#define PLACE_BITS    (POSTING_POSITION_BITS + FIELD_BITS + 1)
#define PLACE_WRITTEN (1u << (POSTING_POSITION_BITS + FIELD_BITS))
_Static_assert(FIELD_COUNT <= 1u << FIELD_BITS, "a field fits");

struct inverter_term {
    const uint8_t *key; /* in the arena */
    uint64_t head;      /* key_head() */
    uint32_t key_size;
    uint32_t count; /* of its occurrences; then where the next one goes */
};

struct inverter_slot {
    uint32_t hash; /* the upper half; the lower one says where the slot is */
    uint32_t term; /* number plus one; 0: free */
};

struct inverter_occurrence {
    uint32_t term;
    uint32_t place;
};

void inverter_release(struct inverter *inverter)
{
    free(inverter->terms);
    free(inverter->table);
    free(inverter->occurrences);
    free(inverter->document_ends);
    numbers_release(&inverter->positions);
    arena_release(&inverter->keys);
    *inverter = (struct inverter){0};
}

/* Makes room for one more in a growing array. */
static bool grow(void *array_pointer, uint32_t count, uint32_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return true;
    uint32_t larger = *capacity < 256 ? 256 : *capacity * 2;
    void **array = array_pointer;
    void *grown = realloc(*array, larger * item_size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = larger;
    return true;
}

/* ---- terms ---- */

static bool grow_table(struct inverter *inverter)
{
    uint32_t size = inverter->table_size == 0 ? 1024 : inverter->table_size * 2;
    struct inverter_slot *table = calloc(size, sizeof(*table));
    if (table == NULL)
        return false;
    for (uint32_t i = 0; i < inverter->term_count; i++) {
        const struct inverter_term *term = &inverter->terms[i];
        uint64_t hash = hash64(term->key, term->key_size);
        uint32_t at = (uint32_t)hash & (size - 1);
        while (table[at].term != 0)
            at = (at + 1) & (size - 1);
        table[at] = (struct inverter_slot){(uint32_t)(hash >> 32), i + 1};
    }
    free(inverter->table);
    inverter->table = table;
    inverter->table_size = size;
    return true;
}

/* The term's number; NONE when out of memory. */
static uint32_t add_term(struct inverter *inverter, const uint8_t *key, uint32_t size)
{
    if (!grow(&inverter->terms, inverter->term_count, &inverter->term_capacity,
              sizeof(*inverter->terms)))
        return NONE;
    struct inverter_term *term = &inverter->terms[inverter->term_count];
    *term = (struct inverter_term){
        .key = arena_copy(&inverter->keys, key, size),
        .head = key_head(key, size),
        .key_size = size,
    };
    return term->key == NULL ? NONE : inverter->term_count++;
}

static bool is_key(const struct inverter_term *term, uint64_t head, const uint8_t *key,
                   uint32_t size)
{
    return term->head == head && term->key_size == size &&
           (size <= sizeof(head) ||
            memcmp(term->key + sizeof(head), key + sizeof(head), size - sizeof(head)) == 0);
}

static uint32_t find_term(struct inverter *inverter, const uint8_t *key, uint32_t size)
{
    if (inverter->term_count * 2 >= inverter->table_size && !grow_table(inverter))
        return NONE;
    uint64_t hash = hash64(key, size);
    uint64_t head = key_head(key, size);
    uint32_t mask = inverter->table_size - 1;
    uint32_t at = (uint32_t)hash & mask;
    for (; inverter->table[at].term != 0; at = (at + 1) & mask) {
        if (inverter->table[at].hash != (uint32_t)(hash >> 32))
            continue;
        uint32_t number = inverter->table[at].term - 1;
        if (is_key(&inverter->terms[number], head, key, size))
            return number;
    }
    uint32_t number = add_term(inverter, key, size);
    if (number != NONE)
        inverter->table[at] = (struct inverter_slot){(uint32_t)(hash >> 32), number + 1};
    return number;
}

/* ---- adding ---- */

void inverter_add(struct inverter *inverter, const uint8_t *key, uint32_t size,
                  enum query_field field, uint32_t position, bool is_written)
{
    CHECK(position < POSTING_FREQUENCY_MAX);
    uint32_t number = find_term(inverter, key, size);
    if (number == NONE || !grow(&inverter->occurrences, inverter->occurrence_count,
                                &inverter->occurrence_capacity, sizeof(*inverter->occurrences))) {
        inverter->failed = true;
        return;
    }
    inverter->terms[number].count++;
    inverter->occurrences[inverter->occurrence_count++] = (struct inverter_occurrence){
        number,
        (is_written ? PLACE_WRITTEN : 0) | (uint32_t)field << POSTING_POSITION_BITS | position};
}

void inverter_end_document(struct inverter *inverter)
{
    if (grow(&inverter->document_ends, inverter->document_count, &inverter->document_capacity,
             sizeof(*inverter->document_ends)))
        inverter->document_ends[inverter->document_count++] = inverter->occurrence_count;
    else
        inverter->failed = true;
}

/* ---- sorting ---- */

/* A term by the first bytes of its key, which mostly decide. */
struct sorted_term {
    uint64_t head;
    const struct inverter_term *term;
};

static int compare_terms(const void *a_pointer, const void *b_pointer)
{
    const struct sorted_term *a = a_pointer;
    const struct sorted_term *b = b_pointer;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    return key_compare(a->term->key, a->term->key_size, b->term->key, b->term->key_size);
}

/* The terms by rising key; malloc's. */
static struct sorted_term *sort_terms(const struct inverter *inverter)
{
    struct sorted_term *sorted = malloc((inverter->term_count + 1u) * sizeof(*sorted));
    if (sorted == NULL)
        return NULL;
    for (uint32_t i = 0; i < inverter->term_count; i++) {
        const struct inverter_term *term = &inverter->terms[i];
        sorted[i] = (struct sorted_term){term->head, term};
    }
    qsort(sorted, inverter->term_count, sizeof(*sorted), compare_terms);
    return sorted;
}

/* Docid and place of each occurrence, those of one term side by side; malloc's. Each term's count
 * becomes the end of its own. */
static uint64_t *sort_occurrences(struct inverter *inverter, const struct sorted_term *sorted)
{
    uint64_t *places = calloc(inverter->occurrence_count + 1u, sizeof(*places));
    if (places == NULL)
        return NULL;
    uint32_t start = 0;
    for (uint32_t i = 0; i < inverter->term_count; i++) {
        struct inverter_term *term = &inverter->terms[sorted[i].term - inverter->terms];
        uint32_t count = term->count;
        term->count = start;
        start += count;
    }
    uint32_t at = 0;
    for (uint32_t docid = 0; docid < inverter->document_count; docid++) {
        for (; at < inverter->document_ends[docid]; at++) {
            const struct inverter_occurrence *occurrence = &inverter->occurrences[at];
            places[inverter->terms[occurrence->term].count++] =
                (uint64_t)docid << PLACE_BITS | occurrence->place;
        }
    }
    return places;
}

/* ---- writing ---- */

static void count_written(const struct segment_writer *writer, uint32_t docid,
                          struct written *written)
{
    written->count++;
    written->openly |= (writer->norms[NORM_FLAGS].data[docid] & FLAG_PRIVATE) == 0;
}

/* Whether one more occurrence is kept: the positions of a block of documents must fit a chunk. */
static bool has_room(uint32_t field, uint32_t frequency, uint32_t count)
{
    static_assert(PATCHED_BYTES_MAX * POSTING_BLOCK * (POSTING_POSITIONS_MAX / PACK_COUNT) / 2 <
                      CHUNK_BYTES_MAX,
                  "numbers of so few bits take less than half of what any may");
    return count < POSTING_POSITIONS_MAX &&
           (field == FIELD_BODY || frequency < POSTING_FIELD_POSITIONS_MAX);
}

/* Writes the posting that begins at `at`; returns where the next one begins. */
static const uint64_t *write_posting(struct inverter *inverter, struct segment_writer *writer,
                                     const uint64_t *at, const uint64_t *end,
                                     struct written *written, enum status *ret_status,
                                     struct error *err)
{
    uint32_t docid = (uint32_t)(*at >> PLACE_BITS);
    uint32_t frequencies[FIELD_COUNT];
    uint32_t fields = 0;
    uint32_t field_count = 0;
    uint32_t *positions = inverter->positions.values;
    uint32_t count = 0;
    uint32_t previous = 0;
    bool is_written = false;
    while (at < end && (uint32_t)(*at >> PLACE_BITS) == docid) {
        const uint64_t here = *at & ~(uint64_t)PLACE_WRITTEN;
        uint32_t place = (uint32_t)here & (PLACE_WRITTEN - 1);
        uint32_t bit = 1u << (place >> POSTING_POSITION_BITS);
        uint32_t position = place & (POSTING_FREQUENCY_MAX - 1);
        if ((fields & bit) == 0) {
            fields |= bit;
            frequencies[field_count++] = 0;
            previous = 0;
        }
        if (has_room(place >> POSTING_POSITION_BITS, frequencies[field_count - 1], count)) {
            frequencies[field_count - 1]++;
            positions[count++] = position - previous;
            previous = position;
        }
        do { /* the same term twice at one place: a stem and an exact form */
            is_written |= (*at++ & PLACE_WRITTEN) != 0;
        } while (at < end && (*at & ~(uint64_t)PLACE_WRITTEN) == here);
    }
    if (is_written)
        count_written(writer, docid, written);
    *ret_status =
        posting_writer_add(&writer->postings, docid, fields, frequencies, positions, count, err);
    return at;
}

static enum status write_term(struct inverter *inverter, struct segment_writer *writer,
                              const struct inverter_term *term, const uint64_t *at,
                              const uint64_t *end, struct error *err)
{
    enum status status = STATUS_OK;
    struct written written = {0};
    inverter->positions.count = 0;
    if (numbers_reserve(&inverter->positions, (size_t)(end - at)) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "indexing documents");
    segment_writer_begin_term(writer);
    while (status == STATUS_OK && at < end)
        at = write_posting(inverter, writer, at, end, &written, &status, err);
    if (status == STATUS_OK)
        status = segment_writer_end_term(writer, term->key, term->key_size, written, err);
    return status;
}

enum status inverter_write(struct inverter *inverter, struct segment_writer *writer,
                           struct error *err)
{
    enum status status = STATUS_OK;
    struct sorted_term *sorted = inverter->failed ? NULL : sort_terms(inverter);
    uint64_t *places = sorted == NULL ? NULL : sort_occurrences(inverter, sorted);
    if (places == NULL)
        status = error_set(err, STATUS_NO_MEMORY, "indexing documents");
    const uint64_t *at = places;
    for (uint32_t i = 0; status == STATUS_OK && i < inverter->term_count; i++) {
        const struct inverter_term *term = sorted[i].term;
        const uint64_t *end = places + term->count;
        status = write_term(inverter, writer, term, at, end, err);
        at = end;
    }
    free(places);
    free(sorted);
    inverter_release(inverter);
    return status;
}
