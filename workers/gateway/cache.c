#include "gateway/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

/* An answer and all that it points to, in one piece of memory. */
struct cached {
    struct search_answer answer;
    struct cache_place place;
};

struct entry {
    struct entry *next; /* of the same bucket */
    struct entry *newer, *older;
    uint64_t hash;
    size_t size; /* of `bytes` */
    struct cache_key key;
    struct cached *cached; /* these two lie in `bytes` */
    max_align_t bytes[];
};

struct cache {
    pthread_mutex_t mutex;
    uint32_t limit;
    size_t bytes;
    uint32_t count;
    uint32_t bucket_count; /* a power of two, or 0 */
    struct entry **buckets;
    struct entry *newest, *oldest;
    /* the state of the index that all of it belongs to */
    uint64_t routing_version;
    uint64_t epoch;
    unsigned shard_count;
    uint64_t positions[SLOT_COUNT];
    int64_t heard_ms;   /* when all shards last told these positions; 0: never */
    int64_t emptied_ms; /* what shards were asked for until then is not kept */
};

struct cache *cache_new(void)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    if (cache != NULL)
        pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

/* ---- the list and the table ---- */

static void list_remove(struct cache *cache, struct entry *entry)
{
    if (entry->newer == NULL)
        cache->newest = entry->older;
    else
        entry->newer->older = entry->older;
    if (entry->older == NULL)
        cache->oldest = entry->newer;
    else
        entry->older->newer = entry->newer;
}

static void list_add(struct cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    if (cache->newest == NULL)
        cache->oldest = entry;
    else
        cache->newest->newer = entry;
    cache->newest = entry;
}

static void drop(struct cache *cache, struct entry *entry)
{
    struct entry **at = &cache->buckets[entry->hash & (cache->bucket_count - 1)];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    list_remove(cache, entry);
    cache->count--;
    cache->bytes -= entry->size;
    free(entry);
}

static void drop_oldest(struct cache *cache)
{
    CHECK(cache->oldest->older == NULL);
    drop(cache, cache->oldest);
}

static void clear(struct cache *cache)
{
    while (cache->oldest != NULL)
        drop_oldest(cache);
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    clear(cache);
    free(cache->buckets);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

void cache_resize(struct cache *cache, uint32_t entries)
{
    enum { BUCKETS_MAX = 1 << 16 };
    pthread_mutex_lock(&cache->mutex);
    if (entries != cache->limit) {
        clear(cache);
        free(cache->buckets);
        cache->bucket_count = 1;
        while (cache->bucket_count < entries && cache->bucket_count < BUCKETS_MAX)
            cache->bucket_count *= 2;
        cache->buckets = calloc(cache->bucket_count, sizeof(*cache->buckets));
        cache->limit = cache->buckets == NULL ? 0 : entries;
    }
    pthread_mutex_unlock(&cache->mutex);
}

static uint64_t hash_key(const struct cache_key *key)
{
    uint64_t hash = hash64(key->read_as, strlen(key->read_as));
    uint64_t parts[] = {hash, key->page, key->size, key->is_admin, key->shows_duplicates};
    return hash64(parts, sizeof(parts));
}

static bool same_key(const struct cache_key *a, const struct cache_key *b)
{
    return a->page == b->page && a->size == b->size && a->is_admin == b->is_admin &&
           a->shows_duplicates == b->shows_duplicates && strcmp(a->read_as, b->read_as) == 0;
}

static struct entry *find(struct cache *cache, const struct cache_key *key, uint64_t hash)
{
    if (cache->limit == 0)
        return NULL;
    struct entry *entry = cache->buckets[hash & (cache->bucket_count - 1)];
    while (entry != NULL && (entry->hash != hash || !same_key(&entry->key, key)))
        entry = entry->next;
    return entry;
}

/* ---- the state of the index ---- */

static void begin_state(struct cache *cache, const struct routing *routing)
{
    clear(cache);
    cache->routing_version = routing->version;
    cache->epoch = routing->corpus.epoch;
    cache->shard_count = routing->shard_count < SLOT_COUNT ? routing->shard_count : SLOT_COUNT;
    memset(cache->positions, 0, sizeof(cache->positions));
    cache->heard_ms = 0;
}

static bool is_state(const struct cache *cache, const struct routing *routing)
{
    return cache->routing_version == routing->version && cache->epoch == routing->corpus.epoch &&
           cache->shard_count == routing->shard_count;
}

static void see_position(struct cache *cache, unsigned shard, uint64_t position)
{
    if (position <= cache->positions[shard])
        return;
    cache->positions[shard] = position;
    clear(cache);
}

void cache_see_routing(struct cache *cache, const struct routing *routing)
{
    pthread_mutex_lock(&cache->mutex);
    if (!is_state(cache, routing))
        begin_state(cache, routing);
    for (unsigned i = 0; i < cache->shard_count; i++) {
        for (unsigned j = 0; j < routing->shards[i].replica_count; j++)
            see_position(cache, i, routing->shards[i].replicas[j].position);
    }
    pthread_mutex_unlock(&cache->mutex);
}

void cache_empty(struct cache *cache, int64_t now_ms)
{
    pthread_mutex_lock(&cache->mutex);
    clear(cache);
    if (now_ms > cache->emptied_ms)
        cache->emptied_ms = now_ms;
    pthread_mutex_unlock(&cache->mutex);
}

/* ---- copies ---- */

/* Where a copy goes; with `bytes` NULL its size is reckoned only. */
struct space {
    uint8_t *bytes;
    size_t used;
};

static void *put(struct space *space, const void *bytes, size_t size)
{
    void *place = space->bytes == NULL ? NULL : space->bytes + space->used;
    if (place != NULL && size != 0)
        memcpy(place, bytes, size);
    space->used += (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    return place;
}

static const char *put_string(struct space *space, const char *text)
{
    return put(space, text, strlen(text) + 1);
}

static void put_result(struct space *space, const struct found_page *result,
                       struct found_page *copy)
{
    const char *url = put_string(space, result->url);
    const char *title = put_string(space, result->title);
    const char *snippet = put_string(space, result->snippet);
    const char *language = put_string(space, result->language);
    const char **duplicates =
        put(space, result->duplicates, result->duplicate_count * sizeof(*duplicates));
    for (unsigned i = 0; i < result->duplicate_count; i++) {
        const char *duplicate = put_string(space, result->duplicates[i]);
        if (duplicates != NULL)
            duplicates[i] = duplicate;
    }
    if (copy != NULL) {
        copy->url = url;
        copy->title = title;
        copy->snippet = snippet;
        copy->language = language;
        copy->duplicates = duplicates;
    }
}

/* The query, its notes and the cursor are not kept: they are those of whoever asks. */
static struct cached *put_answer(struct space *space, const struct search_answer *answer,
                                 const struct cache_place *place)
{
    struct cached head = {.answer = *answer, .place = *place};
    struct cached *cached = put(space, &head, sizeof(head));
    const struct cursor *cursor = &place->cursor;
    uint64_t *frequencies = put(space, cursor->document_frequencies,
                                cursor->term_count * sizeof(*cursor->document_frequencies));
    struct compound_split *splits =
        put(space, cursor->splits, cursor->split_count * sizeof(*cursor->splits));
    uint64_t *positions =
        put(space, cursor->positions, cursor->shard_count * sizeof(*cursor->positions));
    struct found_page *results =
        put(space, answer->results, answer->result_count * sizeof(*results));
    for (unsigned i = 0; i < answer->result_count; i++)
        put_result(space, &answer->results[i], results == NULL ? NULL : &results[i]);
    const char *did_you_mean =
        answer->did_you_mean == NULL ? NULL : put_string(space, answer->did_you_mean);
    if (cached != NULL) {
        cached->answer.results = results;
        cached->answer.did_you_mean = did_you_mean;
        cached->place.cursor.document_frequencies = frequencies;
        cached->place.cursor.splits = splits;
        cached->place.cursor.positions = positions;
        cached->answer.query = cached->answer.read_as = cached->answer.cursor = NULL;
        cached->answer.notes = NULL;
        cached->answer.note_count = 0;
    }
    return cached;
}

bool cache_get(struct cache *cache, const struct cache_key *key, int64_t now_ms,
               struct arena *arena, struct search_answer *ret_answer, struct cache_place *ret_place)
{
    bool found = false;
    pthread_mutex_lock(&cache->mutex);
    struct entry *entry = NULL;
    if (cache->heard_ms != 0 && now_ms - cache->heard_ms <= CACHE_FRESH_MS)
        entry = find(cache, key, hash_key(key));
    if (entry != NULL) {
        struct space space = {.bytes = arena_alloc(arena, entry->size)};
        if (space.bytes != NULL) {
            struct cached *copy = put_answer(&space, &entry->cached->answer, &entry->cached->place);
            *ret_answer = copy->answer;
            *ret_place = copy->place;
            found = true;
        }
        list_remove(cache, entry);
        list_add(cache, entry);
    }
    pthread_mutex_unlock(&cache->mutex);
    return found;
}

static struct entry *make_entry(const struct cache_key *key, const struct search_answer *answer,
                                const struct cache_place *place)
{
    struct space space = {0};
    put_answer(&space, answer, place);
    put_string(&space, key->read_as);
    struct entry *entry = malloc(sizeof(*entry) + space.used);
    if (entry == NULL)
        return NULL;
    space = (struct space){.bytes = (uint8_t *)entry->bytes};
    entry->hash = hash_key(key);
    entry->key = *key;
    entry->cached = put_answer(&space, answer, place);
    entry->key.read_as = put_string(&space, key->read_as);
    entry->size = space.used;
    return entry;
}

static void add(struct cache *cache, struct entry *entry)
{
    struct entry *old = find(cache, &entry->key, entry->hash);
    if (old != NULL)
        drop(cache, old);
    size_t bytes_max = (size_t)cache->limit * CACHE_BYTES_PER_ENTRY;
    if (entry->size > bytes_max) {
        free(entry);
        return;
    }
    while (cache->oldest != NULL &&
           (cache->count >= cache->limit || cache->bytes + entry->size > bytes_max))
        drop_oldest(cache);
    struct entry **bucket = &cache->buckets[entry->hash & (cache->bucket_count - 1)];
    entry->next = *bucket;
    *bucket = entry;
    list_add(cache, entry);
    cache->count++;
    cache->bytes += entry->size;
}

/* Takes notice of the positions. False: a newer one is known of some shard, so that this says
 * nothing of what it finds now. */
static bool see_positions(struct cache *cache, const uint64_t *positions)
{
    bool is_newest = true;
    for (unsigned i = 0; i < cache->shard_count; i++) {
        see_position(cache, i, positions[i]);
        is_newest = is_newest && positions[i] == cache->positions[i];
    }
    return is_newest;
}

void cache_put(struct cache *cache, const struct routing *routing, const struct cache_heard *heard,
               const struct cache_key *key, const struct search_answer *answer,
               const struct cache_place *place)
{
    pthread_mutex_lock(&cache->mutex);
    if (cache->limit != 0 && is_state(cache, routing) && see_positions(cache, heard->positions) &&
        heard->asked_ms > cache->emptied_ms) {
        if (heard->heard_ms > cache->heard_ms)
            cache->heard_ms = heard->heard_ms;
        struct entry *entry = make_entry(key, answer, place);
        if (entry != NULL)
            add(cache, entry);
    }
    pthread_mutex_unlock(&cache->mutex);
}
