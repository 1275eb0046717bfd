/*
 * A cursor of any text, and of any numbers: what is no cursor of ours is refused without harm, what
 * goes in comes out, and with any bit changed it is refused.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "gateway/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cluster_key key = {.bytes = {4, 5, 6}};

/* The next number; 0 at the end. */
static uint64_t take(const uint8_t **data, size_t *size)
{
    uint64_t number = 0;
    size_t count = *size < sizeof(number) ? *size : sizeof(number);
    if (count > 0)
        memcpy(&number, *data, count);
    *data += count;
    *size -= count;
    return number;
}

static void check_text(const uint8_t *data, size_t size, struct arena *arena)
{
    struct cursor cursor;
    char *text = strndup(size == 0 ? "" : (const char *)data, size);
    CHECK(text != NULL);
    CHECK(cursor_decode(&key, text, 1000, arena, &cursor, NULL) == STATUS_INVALID);
    free(text);
}

static void check_numbers(const uint8_t *data, size_t size, struct arena *arena)
{
    uint64_t frequencies[8], positions[4];
    struct cursor in = {.made_unix_s = 1000}, out;
    in.query_hash = take(&data, &size);
    in.documents = take(&data, &size);
    in.url_hash = take(&data, &size);
    for (in.term_count = 0; in.term_count < 8 && size > 0; in.term_count++)
        frequencies[in.term_count] = take(&data, &size);
    for (in.shard_count = 0; in.shard_count < 4 && size > 0; in.shard_count++)
        positions[in.shard_count] = take(&data, &size);
    in.document_frequencies = frequencies;
    in.positions = positions;
    char *text = (char *)cursor_encode(&key, &in, arena);
    CHECK(text != NULL);
    CHECK(cursor_decode(&key, text, 1000, arena, &out, NULL) == STATUS_OK);
    CHECK(out.query_hash == in.query_hash && out.documents == in.documents);
    CHECK(out.url_hash == in.url_hash);
    CHECK(out.term_count == in.term_count && out.shard_count == in.shard_count);
    CHECK(memcmp(out.document_frequencies, frequencies, in.term_count * sizeof(uint64_t)) == 0);
    CHECK(memcmp(out.positions, positions, in.shard_count * sizeof(uint64_t)) == 0);
    text[in.query_hash % strlen(text)] ^= 1;
    CHECK(cursor_decode(&key, text, 1000, arena, &out, NULL) == STATUS_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    check_text(data, size, &arena);
    check_numbers(data, size, &arena);
    arena_release(&arena);
    return 0;
}
