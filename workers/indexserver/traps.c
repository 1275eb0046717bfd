#include "indexserver/traps.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "crawl/trap.h"

enum {
    KIND_COUNTS = 'c', /* u32 source, u64 pattern -> three u32: struct trap_counts */
    KIND_TEXT = 't',   /* u32 source, u64 pattern, u64 text -> nothing */
    KEY_BYTES = 21,
    COUNTS_KEY_BYTES = 13,
    COUNTS_BYTES = 12,
};

static void encode_key(uint8_t key[KEY_BYTES], uint8_t kind, uint32_t source, uint64_t pattern,
                       uint64_t text)
{
    key[0] = kind;
    put_be32(key + 1, source);
    put_be64(key + 5, pattern);
    put_be64(key + 13, text);
}

/* STATUS_NOT_FOUND: nothing was counted yet. */
static enum status get_counts(struct views *views, const uint8_t key[KEY_BYTES],
                              struct trap_counts *ret, struct error *err)
{
    struct buffer value = {0};
    *ret = (struct trap_counts){0};
    enum status status = views_get(views, COLUMN_TRAPS, key, COUNTS_KEY_BYTES, &value, err);
    if (status == STATUS_OK && value.size == COUNTS_BYTES)
        *ret = (struct trap_counts){get_le32(value.data), get_le32(value.data + 4),
                                    get_le32(value.data + 8)};
    buffer_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

bool trap_is_spent(const struct trap_counts *counts)
{
    uint64_t budget = TRAP_PAGES_FREE + (uint64_t)TRAP_PAGES_EACH * counts->fresh;
    if ((uint64_t)counts->breeding * TRAP_BREED_SHARE < counts->taken)
        budget *= TRAP_FACTOR;
    return counts->taken >= budget;
}

/* Its title and text with every number as 0: two months of a calendar say the same. */
static uint64_t hash_text(const Page__Page *page)
{
    struct buffer text = {0};
    const char *const parts[] = {page->title, page->text};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        bool in_number = false;
        for (const char *at = parts[i]; *at != '\0'; at++) {
            bool digit = *at >= '0' && *at <= '9';
            if (!digit || !in_number)
                buffer_append_byte(&text, digit ? '0' : (uint8_t)*at);
            in_number = digit;
        }
        buffer_append_byte(&text, '\n');
    }
    CHECK(!text.failed);
    uint64_t hash = hash64(text.data, text.size);
    buffer_release(&text);
    return hash;
}

/* false: the URL is its own pattern. */
static bool hash_pattern(const struct url *url, uint64_t *ret_hash)
{
    struct buffer pattern = {0};
    bool is_shared = trap_pattern(url, &pattern);
    CHECK(!pattern.failed);
    *ret_hash = hash64(pattern.data, pattern.size);
    buffer_release(&pattern);
    return is_shared;
}

bool traps_are_alike(const struct url *a, const struct url *b)
{
    uint64_t first, second;
    return hash_pattern(a, &first) && hash_pattern(b, &second) && first == second;
}

enum status traps_take_page(struct change *change, const struct url *url, uint32_t source,
                            const Page__Page *page, bool breeds, struct error *err)
{
    uint64_t pattern;
    uint8_t key[KEY_BYTES], text_key[KEY_BYTES], value[COUNTS_BYTES];
    struct trap_counts counts;
    struct buffer found = {0};
    if (!hash_pattern(url, &pattern))
        return STATUS_OK;
    encode_key(key, KIND_COUNTS, source, pattern, 0);
    encode_key(text_key, KIND_TEXT, source, pattern, hash_text(page));
    enum status status = get_counts(change->views, key, &counts, err);
    if (status != STATUS_OK)
        return status;
    status = views_get(change->views, COLUMN_TRAPS, text_key, sizeof(text_key), &found, err);
    buffer_release(&found);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (status == STATUS_NOT_FOUND)
        change_put(change, COLUMN_TRAPS, text_key, sizeof(text_key), "", 0);
    counts.taken++;
    counts.fresh += status == STATUS_NOT_FOUND;
    counts.breeding += breeds;
    put_le32(value, counts.taken);
    put_le32(value + 4, counts.fresh);
    put_le32(value + 8, counts.breeding);
    change_put(change, COLUMN_TRAPS, key, COUNTS_KEY_BYTES, value, sizeof(value));
    return STATUS_OK;
}

const char *traps_refusal(struct views *views, const struct url *url, uint32_t source,
                          struct arena *arena)
{
    uint64_t pattern;
    uint8_t key[KEY_BYTES];
    struct trap_counts counts;
    const char *shape = trap_shape(url);
    if (shape != NULL || !hash_pattern(url, &pattern))
        return shape;
    encode_key(key, KIND_COUNTS, source, pattern, 0);
    if (get_counts(views, key, &counts, NULL) != STATUS_OK || !trap_is_spent(&counts))
        return NULL;
    struct buffer text = {0};
    trap_pattern(url, &text);
    const char *words = check_alloc(arena_format(arena,
                                                 "of %u pages like %s (0 is any number) only %u "
                                                 "had a text of their own: it looks as if they "
                                                 "never ended",
                                                 counts.taken, buffer_string(&text), counts.fresh));
    buffer_release(&text);
    return words;
}
