#include "gateway/service_terms.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/query.h"

enum {
    TABLE_BYTES = 4 * 1024 * 1024,
    PLACES_MAX = 16384,
    PLACES_MIN = 256,
};

struct entry {
    uint64_t epoch; /* in which `sum` is whole */
    uint64_t sum;
    bool is_whole;
    uint32_t term_size;
    uint8_t term[TEXT_TERM_MAX];
    uint64_t documents[]; /* by shard: what it said last, or TERM_UNKNOWN */
};

struct term_table {
    pthread_mutex_t mutex;
    uint64_t layout; /* of the shards that the entries belong to */
    unsigned shard_count;
    size_t place_count; /* a power of two */
    struct entry **places;
};

struct term_table *term_table_new(void)
{
    struct term_table *table = calloc(1, sizeof(*table));
    if (table != NULL)
        pthread_mutex_init(&table->mutex, NULL);
    return table;
}

static void forget_all(struct term_table *table)
{
    for (size_t i = 0; table->places != NULL && i < table->place_count; i++)
        free(table->places[i]);
    free(table->places);
    table->places = NULL;
    table->place_count = 0;
}

void term_table_free(struct term_table *table)
{
    if (table == NULL)
        return;
    forget_all(table);
    pthread_mutex_destroy(&table->mutex);
    free(table);
}

static uint64_t layout_of(const struct routing *routing)
{
    uint64_t layout = routing->shard_count;
    for (unsigned i = 0; i < routing->shard_count; i++) {
        uint64_t parts[] = {layout, routing->shards[i].slot_first, routing->shards[i].slot_last};
        layout = hash64(parts, sizeof(parts));
    }
    return layout;
}

/* Begins anew where the slots were dealt anew: no shard's word means the same any more. */
static bool prepare(struct term_table *table, const struct routing *routing)
{
    uint64_t layout = layout_of(routing);
    if (table->places != NULL && table->layout == layout)
        return true;
    forget_all(table);
    size_t entry_bytes = sizeof(struct entry) + routing->shard_count * sizeof(uint64_t);
    size_t places = PLACES_MAX;
    while (places > PLACES_MIN && places * entry_bytes > TABLE_BYTES)
        places /= 2;
    table->places = calloc(places, sizeof(*table->places));
    if (table->places == NULL)
        return false;
    table->place_count = places;
    table->layout = layout;
    table->shard_count = routing->shard_count;
    return true;
}

/* Where the term's entry is or would be. */
static struct entry **place_of(struct term_table *table, const struct query_term *term)
{
    return &table->places[hash64(term->bytes, term->size) & (table->place_count - 1)];
}

static bool is_of(const struct entry *entry, const struct query_term *term)
{
    return entry != NULL && entry->term_size == term->size &&
           memcmp(entry->term, term->bytes, term->size) == 0;
}

bool term_table_get(struct term_table *table, const struct routing *routing,
                    const struct query_term *term, uint64_t *ret_documents)
{
    bool found = false;
    pthread_mutex_lock(&table->mutex);
    if (prepare(table, routing)) {
        const struct entry *entry = *place_of(table, term);
        found = is_of(entry, term) && entry->is_whole && entry->epoch == routing->corpus.epoch;
        if (found)
            *ret_documents = entry->sum;
    }
    pthread_mutex_unlock(&table->mutex);
    return found;
}

static struct entry *make_entry(const struct term_table *table, const struct query_term *term)
{
    struct entry *entry =
        calloc(1, sizeof(*entry) + table->shard_count * sizeof(entry->documents[0]));
    if (entry == NULL || term->size > sizeof(entry->term)) {
        free(entry);
        return NULL;
    }
    entry->term_size = term->size;
    memcpy(entry->term, term->bytes, term->size);
    for (unsigned i = 0; i < table->shard_count; i++)
        entry->documents[i] = TERM_UNKNOWN;
    return entry;
}

static uint64_t known(const struct term_word *word)
{
    return word->documents == TERM_UNKNOWN ? 0 : word->documents;
}

static uint64_t note(struct entry *entry, uint64_t epoch, unsigned shard_count,
                     const struct term_word *words)
{
    entry->sum = 0;
    entry->is_whole = true;
    entry->epoch = epoch;
    for (unsigned i = 0; i < shard_count; i++) {
        if (words[i].documents != TERM_UNKNOWN && !words[i].is_part)
            entry->documents[i] = words[i].documents;
        bool was_whole = entry->documents[i] != TERM_UNKNOWN;
        entry->is_whole &= was_whole;
        entry->sum += was_whole ? entry->documents[i] : known(&words[i]);
    }
    return entry->sum;
}

static uint64_t plain_sum(unsigned shard_count, const struct term_word *words)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < shard_count; i++)
        sum += known(&words[i]);
    return sum;
}

uint64_t term_table_put(struct term_table *table, const struct routing *routing,
                        const struct query_term *term, const struct term_word *words)
{
    pthread_mutex_lock(&table->mutex);
    struct entry *entry = NULL;
    if (prepare(table, routing)) {
        struct entry **place = place_of(table, term);
        if (!is_of(*place, term)) {
            struct entry *fresh = make_entry(table, term);
            if (fresh != NULL) {
                free(*place);
                *place = fresh;
            }
        }
        if (is_of(*place, term))
            entry = *place;
    }
    uint64_t sum;
    if (entry != NULL && entry->is_whole && entry->epoch == routing->corpus.epoch)
        sum = entry->sum; /* another thread was first: its sum holds for this epoch */
    else if (entry != NULL)
        sum = note(entry, routing->corpus.epoch, routing->shard_count, words);
    else
        sum = plain_sum(routing->shard_count, words);
    pthread_mutex_unlock(&table->mutex);
    return sum;
}
