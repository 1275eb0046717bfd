/* What goes wrong below the index: it is told as what it was, and nothing is lost. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "index/posting_format.h"
#include "index/state.h"
#include "tests/unit/index/index_model.h"

static enum status ask(const char *text, struct search_result *ret_result)
{
    struct query query = parse(text);
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX] = {0};
    struct search_request request = {.k = 10, .count_exactly = 1};
    request.statistics.document_frequency_count = query_collect_terms(query.root, terms);
    request.statistics.document_frequencies = frequencies;
    return index_search(tested, query.root, &request, &arena, ret_result, NULL);
}

/* ---- wrong bytes behind right checksums ---- */

#define LISTED 300 /* documents: lists of three blocks */

static void put_many(void)
{
    for (uint32_t i = 0; i < LISTED; i++) {
        char url[32];
        snprintf(url, sizeof(url), "http://a/%u", i);
        struct index_change change = {
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(url), .site = slice("a"), .text = slice("apple banana")}};
        apply(&change, 1);
    }
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
}

static struct chunk *directories(void)
{
    return &tested->current->entries[0].segment->parts[PART_DIRECTORIES].chunks[0];
}

/* In every directory, all of which have three rows, the second block ends before it begins. */
static void spoil(uint8_t *bytes, uint32_t size)
{
    for (uint32_t at = 0; at < size; at += DIRECTORY_HEAD_BYTES + 3u * bytes[at])
        put_le32(bytes + at + DIRECTORY_HEAD_BYTES + bytes[at] + ROW_LAST, 0);
}

static void a_wrong_directory_is_told_as_corrupt(void **state)
{
    (void)state;
    struct search_result result;
    put_many();
    assert_int_equal(ask("apple OR banana", &result), STATUS_OK);
    assert_int_equal(result.total, LISTED);
    struct chunk *chunk = directories();
    const uint8_t *right = chunk->bytes;
    uint8_t *wrong = malloc(chunk->size);
    assert_non_null(wrong);
    memcpy(wrong, right, chunk->size);
    spoil(wrong, chunk->size);
    chunk->bytes = wrong;
    assert_int_equal(ask("apple", &result), STATUS_CORRUPT);
    assert_int_equal(ask("apple OR banana", &result), STATUS_CORRUPT);
    assert_true(index_is_corrupt(tested));
    chunk->bytes = right;
    free(wrong);
}

/* ---- no memory ---- */

/* Sanitizers have allocators of their own. */
#define ALLOCATOR_IS_OURS 1
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef ALLOCATOR_IS_OURS
#define ALLOCATOR_IS_OURS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef ALLOCATOR_IS_OURS
#define ALLOCATOR_IS_OURS 0
#endif
#endif

static unsigned allocations_left = UINT_MAX; /* that work; UINT_MAX: all do */

#if ALLOCATOR_IS_OURS
/* glibc's, under the names that it keeps for whoever puts others in front of them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static bool may_allocate(void)
{
    if (allocations_left != UINT_MAX && allocations_left > 0)
        allocations_left--;
    return allocations_left > 0;
}

void *malloc(size_t size)
{
    return may_allocate() ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size)
{
    return may_allocate() ? __libc_calloc(count, size) : NULL;
}

void *realloc(void *old, size_t size)
{
    return may_allocate() ? __libc_realloc(old, size) : NULL;
}
#endif

#define BATCH 20

/* Replaces every page, so that there is something to delete, too. */
static void put_batch(const char *text)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        char url[32];
        snprintf(url, sizeof(url), "http://a/%u", i);
        struct index_change change = {
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(url), .site = slice("a"), .text = slice(text)}};
        apply(&change, 1);
    }
}

/* What runs and what a restart would find are the same, but for what was not flushed. */
static void expect_whole(const char *text)
{
    struct search_result result;
    struct index *running = tested;
    assert_int_equal(ask(text, &result), STATUS_OK);
    assert_int_equal(result.total, BATCH);
    uint64_t flushed = index_flushed_position(running);
    assert_int_equal(index_open(storage_memory_storage(memory), NULL, &tested, NULL), STATUS_OK);
    assert_int_equal(index_applied_position(tested), flushed);
    struct index_size size;
    index_measure(tested, &size);
    assert_int_equal(size.documents, flushed == 0 ? 0 : BATCH);
    index_close(tested);
    tested = running;
}

/* Runs it with one allocation more each time, until there are enough. */
static void run_short_of_memory(enum status (*run)(struct index *index, struct error *err),
                                const char *text)
{
    enum status status = STATUS_NO_MEMORY;
    if (!ALLOCATOR_IS_OURS)
        skip();
    for (unsigned allocations = 1; status != STATUS_OK; allocations++) {
        allocations_left = allocations;
        status = run(tested, NULL);
        allocations_left = UINT_MAX;
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
        expect_whole(text);
    }
    assert_false(index_is_corrupt(tested));
}

static void a_flush_without_memory_costs_nothing_but_the_flush(void **state)
{
    (void)state;
    put_batch("apple");
    run_short_of_memory(index_flush, "apple");
    put_batch("banana");
    run_short_of_memory(index_flush, "banana");
    assert_int_equal(index_flushed_position(tested), position);
}

static void a_merge_without_memory_costs_nothing_but_the_merge(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        put_batch("apple");
        assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    }
    put_batch("banana"); /* which the merge flushes */
    run_short_of_memory(index_merge, "banana");
}

/* ---- crashes, writes that fail, and what was not written right ---- */

/* A crash between adding a segment and naming it leaves chunks that no manifest names. */
static void what_a_crash_left_behind_is_deleted(void **state)
{
    (void)state;
    struct storage storage = storage_memory_storage(memory);
    for (int round = 0; round < 3; round++) {
        uint8_t orphan[13] = {STORAGE_BULK_PREFIX, 0, 0, 0, 0, 0, 0, (uint8_t)round, 200};
        struct storage_slice key = {orphan, sizeof(orphan)};
        void *bulk;
        assert_int_equal(storage.ops->bulk_open(storage.self, &bulk, NULL), STATUS_OK);
        assert_int_equal(storage.ops->bulk_add(storage.self, bulk, key, key, NULL), STATUS_OK);
        assert_int_equal(storage.ops->bulk_finish(storage.self, bulk, NULL), STATUS_OK);
        size_t keys = storage_memory_keys(memory);
        struct index *index = open_index(NULL);
        assert_int_equal(storage_memory_keys(memory), keys - 1);
        random_batch(index, 20);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
        expect_all_like_model(index, 5);
        index_close(index);
    }
}

static void a_failed_write_costs_nothing(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    random_batch(index, 50);
    storage_memory_fail_writes(memory, STATUS_NO_SPACE);
    assert_int_equal(index_flush(index, NULL), STATUS_NO_SPACE);
    expect_all_like_model(index, 20);
    random_batch(index, 50);
    assert_int_equal(index_flush(index, NULL), STATUS_NO_SPACE);
    expect_all_like_model(index, 20);
    assert_int_equal(index_flushed_position(index), 0);
    storage_memory_fail_writes(memory, STATUS_OK);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    index_close(index);
    index = open_index(NULL);
    assert_int_equal(index_applied_position(index), position);
    expect_all_like_model(index, 20);
    index_close(index);
}

/* The disk is full after so many writes of a merge, each in its turn: a chunk, the end of the new
 * file, the manifest, what is deleted then. */
static void a_full_disk_in_the_middle_of_a_merge_costs_nothing_but_the_merge(void **state)
{
    (void)state;
    struct index *index = open_index(NULL);
    unsigned failures = 0;
    for (unsigned writes = 0;; writes++) {
        for (int i = 0; i < 8; i++) { /* so many that some are worth merging */
            random_batch(index, 20);
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
        }
        random_batch(index, 5); /* not flushed: the merge does that, too */
        storage_memory_fail_later(memory, writes, STATUS_NO_SPACE);
        enum status status = index_merge(index, NULL);
        expect_all_like_model(index, 5);
        storage_memory_fail_writes(memory, STATUS_OK);
        if (status == STATUS_OK)
            break;
        assert_int_equal(status, STATUS_NO_SPACE);
        failures++;
        if (writes % 2 == 0) { /* as if the process had ended then */
            assert_int_equal(index_flush(index, NULL), STATUS_OK);
            index_close(index);
            index = open_index(NULL);
            assert_int_equal(index_applied_position(index), position);
            expect_all_like_model(index, 5);
        }
        while ((status = index_merge(index, NULL)) == STATUS_OK) /* there is room again */
            expect_all_like_model(index, 2);
        assert_int_equal(status, STATUS_END);
    }
    assert_true(failures > 10);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    index_close(index);
    index = open_index(NULL);
    expect_all_like_model(index, 20);
    index_close(index);
}

/* Several segments come of one flush; the disk is full after so many writes of it. */
static void a_flush_that_failed_leaves_nothing_for_long(void **state)
{
    (void)state;
    struct index_options options = {.memory_bytes = 64 << 20, .segment_bytes = 64 << 10};
    struct error err;
    index_close(tested);
    assert_int_equal(index_open(storage_memory_storage(memory), &options, &tested, &err),
                     STATUS_OK);
    for (uint32_t i = 0; i < 12; i++) {
        static char text[30000];
        char url[32];
        size_t size = 0;
        snprintf(url, sizeof(url), "http://a/%u", i);
        while (size + 16 < sizeof(text))
            size += (size_t)snprintf(text + size, 16, "w%u ", random_below(1000000));
        struct index_change change = {
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(url), .site = slice("a"), .text = {text, size}}};
        apply(&change, 1);
    }
    size_t left = 0;
    for (int i = 0; i < 5; i++) {
        storage_memory_fail_later(memory, 40, STATUS_NO_SPACE);
        assert_int_equal(index_flush(tested, NULL), STATUS_NO_SPACE);
        storage_memory_fail_writes(memory, STATUS_OK);
        left = i == 0 ? storage_memory_keys(memory) : left;
        assert_int_equal(storage_memory_keys(memory), left);
    }
    assert_true(left > 0); /* some of it was written each time */
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    size_t whole = storage_memory_keys(memory);
    index_close(tested);
    assert_int_equal(index_open(storage_memory_storage(memory), &options, &tested, NULL),
                     STATUS_OK);
    assert_int_equal(storage_memory_keys(memory), whole);
}

/* Pages of two million times one word would have more positions than a chunk holds. */
static void a_word_that_is_repeated_without_end_is_flushed(void **state)
{
    (void)state;
    enum { REPEATED = 40000, PAGES = 130 };
    static char text[2 * REPEATED + 8];
    struct search_result result;
    memcpy(text, "last", 4);
    for (int i = 0; i < REPEATED; i++)
        memcpy(text + 4 + 2 * i, " a", 2);
    for (uint32_t i = 0; i < PAGES; i++) {
        char url[32];
        snprintf(url, sizeof(url), "http://a/%u", i);
        struct index_change change = {
            .kind = INDEX_PUT_DOCUMENT,
            .document = {.url = slice(url), .site = slice("a"), .text = slice(text)}};
        apply(&change, 1);
    }
    assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    assert_int_equal(ask("\"last a a\"", &result), STATUS_OK);
    assert_int_equal(result.hit_count, 10);
}

static const struct storage_ops *right_ops;
static uint8_t spoilt; /* chunks of this part, or of all, get a wrong bit on their way; 0: none */

static enum status add_spoilt(void *self, void *bulk, struct storage_slice key,
                              struct storage_slice value, struct error *err)
{
    uint8_t *bytes = malloc(value.size);
    assert_non_null(bytes);
    memcpy(bytes, value.bytes, value.size);
    if (spoilt == PART_END || spoilt == chunk_part(bytes, value.size))
        bytes[value.size / 3] ^= 4;
    enum status status =
        right_ops->bulk_add(self, bulk, key, (struct storage_slice){bytes, value.size}, err);
    free(bytes);
    return status;
}

/* Of what was written its footer is read back; whoever needs the rest first finds out. */
static void a_segment_that_was_not_written_right_is_not_served(void **state)
{
    (void)state;
    struct index *index;
    struct storage storage = storage_memory_storage(memory);
    right_ops = storage.ops;
    struct storage_ops spoiling = *storage.ops;
    spoiling.bulk_add = add_spoilt;
    assert_int_equal(index_open((struct storage){&spoiling, storage.self}, NULL, &index, NULL),
                     STATUS_OK);
    for (int i = 0; i < 8; i++) {
        random_batch(index, 20);
        assert_int_equal(index_flush(index, NULL), STATUS_OK);
    }
    expect_all_like_model(index, 20);
    spoilt = PART_END;
    assert_int_equal(index_merge(index, NULL), STATUS_IO);
    assert_false(index_is_corrupt(index));
    expect_all_like_model(index, 20);
    spoilt = PART_POSITIONS;
    assert_int_equal(index_merge(index, NULL), STATUS_OK);
    struct index_scrub scrub = {0};
    assert_int_equal(index_scrub(index, &scrub, UINT64_MAX, NULL), STATUS_CORRUPT);
    index_scrub_release(&scrub);
    assert_true(index_is_corrupt(index));
    spoilt = 0;
    index_close(index);
}

static void a_newer_or_broken_manifest_is_refused(void **state)
{
    (void)state;
    struct storage storage = storage_memory_storage(memory);
    struct index *index = open_index(NULL);
    random_batch(index, 20);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    index_close(index);

    struct buffer manifest = {0};
    struct storage_slice key = {(const uint8_t *)"M", 1};
    assert_int_equal(storage.ops->get(storage.self, key, &manifest, NULL), STATUS_OK);
    struct storage_operation operation = {STORAGE_PUT, key, {manifest.data, manifest.size}};
    for (size_t i = 0; i < manifest.size; i++) {
        manifest.data[i] ^= 0x10;
        assert_int_equal(storage.ops->write(storage.self, &operation, 1, true, NULL), STATUS_OK);
        assert_int_equal(index_open(storage, NULL, &index, NULL),
                         i == 0 ? STATUS_UNSUPPORTED : STATUS_CORRUPT);
        manifest.data[i] ^= 0x10;
    }
    for (size_t size = 0; size < manifest.size; size++) {
        operation.value.size = size;
        assert_int_equal(storage.ops->write(storage.self, &operation, 1, true, NULL), STATUS_OK);
        assert_int_equal(index_open(storage, NULL, &index, NULL), STATUS_CORRUPT);
    }
    buffer_release(&manifest);
    assert_int_equal(index_erase(storage, NULL), STATUS_OK);
    assert_int_equal(storage_memory_keys(memory), 0);
    index = open_index(NULL);
    assert_int_equal(index_applied_position(index), 0);
    index_close(index);
}

static enum status collect_chunk(void *context, struct storage_slice key,
                                 struct storage_slice value)
{
    struct buffer *keys = context;
    (void)value;
    buffer_append_byte(keys, (uint8_t)key.size);
    buffer_append(keys, key.bytes, key.size);
    return STATUS_OK;
}

static void a_flipped_bit_is_never_served(void **state)
{
    (void)state;
    struct storage storage = storage_memory_storage(memory);
    struct index *index = open_index(NULL);
    random_batch(index, 60);
    assert_int_equal(index_flush(index, NULL), STATUS_OK);
    index_close(index);
    struct buffer keys = {0};
    const uint8_t prefix = STORAGE_BULK_PREFIX;
    assert_int_equal(storage.ops->iterate(storage.self, (struct storage_slice){&prefix, 1},
                                          (struct storage_slice){0}, collect_chunk, &keys, NULL),
                     STATUS_OK);
    assert_true(keys.size > 0);
    uint32_t found = 0;
    uint32_t tried = 0;
    for (size_t at = 0; at < keys.size; at += 1u + keys.data[at]) {
        struct storage_slice key = {keys.data + at + 1, keys.data[at]};
        struct buffer value = {0};
        assert_int_equal(storage.ops->get(storage.self, key, &value, NULL), STATUS_OK);
        for (int flip = 0; flip < 30; flip++) {
            uint32_t byte = random_below((uint32_t)value.size);
            uint8_t bit = (uint8_t)(1u << random_below(8));
            struct storage_operation operation = {STORAGE_PUT, key, {value.data, value.size}};
            value.data[byte] ^= bit;
            assert_int_equal(storage.ops->write(storage.self, &operation, 1, true, NULL),
                             STATUS_OK);
            tried++;
            if (index_open(storage, NULL, &index, NULL) != STATUS_OK) {
                found++;
            } else {
                struct query query = parse("\"apple run\" OR banana OR the OR 日本語 OR walk");
                struct query_term terms[QUERY_TERMS_MAX];
                uint64_t frequencies[QUERY_TERMS_MAX] = {0};
                struct search_request request = {.k = 100};
                struct search_result result;
                struct stored_document stored;
                request.statistics.document_frequency_count =
                    query_collect_terms(query.root, terms);
                request.statistics.document_frequencies = frequencies;
                enum status status =
                    index_search(index, query.root, &request, &arena, &result, NULL);
                for (uint32_t i = 0; i < DOCUMENTS_MAX && status == STATUS_OK; i++) {
                    if (!model[i].live)
                        continue;
                    status = index_document_get(index, slice(model[i].url), &arena, &stored, NULL);
                }
                assert_int_equal(status, STATUS_CORRUPT);
                assert_true(index_is_corrupt(index));
                found++;
                index_close(index);
            }
            value.data[byte] ^= bit;
            assert_int_equal(storage.ops->write(storage.self, &operation, 1, true, NULL),
                             STATUS_OK);
            arena_reset(&arena);
        }
        buffer_release(&value);
    }
    assert_int_equal(found, tried);
    buffer_release(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_directory_is_told_as_corrupt),
        TEST(a_flush_without_memory_costs_nothing_but_the_flush),
        TEST(a_merge_without_memory_costs_nothing_but_the_merge),
        MODEL_TEST(what_a_crash_left_behind_is_deleted),
        MODEL_TEST(a_failed_write_costs_nothing),
        MODEL_TEST(a_full_disk_in_the_middle_of_a_merge_costs_nothing_but_the_merge),
        MODEL_TEST(a_segment_that_was_not_written_right_is_not_served),
        TEST(a_flush_that_failed_leaves_nothing_for_long),
        TEST(a_word_that_is_repeated_without_end_is_flushed),
        MODEL_TEST(a_newer_or_broken_manifest_is_refused),
        MODEL_TEST(a_flipped_bit_is_never_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
