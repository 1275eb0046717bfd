#include "page/fingerprint.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "crawl/utf8.h"
#include "text/character.h"

/* ---- the normalised text ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void append_normal(struct buffer *out, const char *text, size_t size)
{
    uint8_t *room = buffer_reserve(out, size + 1);
    uint8_t *to = room;
    bool in_space = true; /* none leads */
    for (size_t i = 0; room != NULL && i < size; i++) {
        uint8_t c = (uint8_t)text[i];
        bool space = is_space(c);
        if (!space || !in_space)
            *to++ = space ? ' ' : c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
        in_space = space;
    }
    if (room == NULL)
        return;
    if (to > room && to[-1] == ' ')
        to--;
    out->size += (size_t)(to - room);
}

/* ---- words ---- */

static bool is_ascii_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum { PART_OF_WORD, WORD_OF_ITS_OWN, NO_WORD };

/* What the character at *at is, which moves behind it. */
static int read_character(const uint8_t **at, const uint8_t *end)
{
    if (**at < 0x80)
        return is_ascii_word(*(*at)++) ? PART_OF_WORD : NO_WORD;
    switch (character_class(utf8_next(at, end))) {
    case CHARACTER_OTHER:
        return NO_WORD;
    case CHARACTER_PAIRED: /* written without spaces */
        return WORD_OF_ITS_OWN;
    default:
        return PART_OF_WORD;
    }
}

/* The hash of the next word; false at the end. */
static bool next_word(const uint8_t **at, const uint8_t *end, uint64_t *ret_hash)
{
    const uint8_t *start = NULL;
    while (*at < end) {
        const uint8_t *here = *at;
        int kind = read_character(at, end);
        if (kind != PART_OF_WORD && start != NULL) {
            *at = kind == NO_WORD ? *at : here;
            *ret_hash = hash64(start, (size_t)(here - start));
            return true;
        }
        if (kind == WORD_OF_ITS_OWN) {
            *ret_hash = hash64(here, (size_t)(*at - here));
            return true;
        }
        if (kind == PART_OF_WORD && start == NULL)
            start = here;
    }
    if (start != NULL)
        *ret_hash = hash64(start, (size_t)(end - start));
    return start != NULL;
}

/* ---- bits ---- */

enum { HASH_BITS = 64, PLANES = 22 }; /* a text of 2 MiB has fewer words than 2^22 */

/* How many of the hashes had each bit: bit b of plane p counts 2^p of bit b. */
struct bit_counts {
    uint64_t planes[PLANES];
    int64_t total;
};

static void count_bits(struct bit_counts *counts, uint64_t hash)
{
    for (unsigned p = 0; hash != 0 && p < PLANES; p++) {
        uint64_t carry = counts->planes[p] & hash;
        counts->planes[p] ^= hash;
        hash = carry;
    }
    counts->total++;
}

/* By how much those that have a bit outweigh those that have not. */
static void sum_bits(const struct bit_counts *counts, int64_t sums[HASH_BITS])
{
    for (unsigned b = 0; b < HASH_BITS; b++) {
        int64_t ones = 0;
        for (unsigned p = 0; p < PLANES; p++)
            ones += (int64_t)(counts->planes[p] >> b & 1) << p;
        sums[b] = 2 * ones - counts->total;
    }
}

static void add_feature(int64_t sums[HASH_BITS], uint64_t hash, int64_t weight)
{
    for (unsigned b = 0; b < HASH_BITS; b++)
        sums[b] += (hash >> b & 1) != 0 ? weight : -weight;
}

/* The three in their order; finished as MurmurHash3 does. */
static uint64_t shingle_hash(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t hash = a;
    hash = (hash << 23 | hash >> 41) * UINT64_C(0x9E3779B97F4A7C15) + b;
    hash = (hash << 23 | hash >> 41) * UINT64_C(0x9E3779B97F4A7C15) + c;
    hash = (hash ^ hash >> 33) * UINT64_C(0xFF51AFD7ED558CCD);
    hash = (hash ^ hash >> 33) * UINT64_C(0xC4CEB9FE1A85EC53);
    return hash ^ hash >> 33;
}

static void count_shingles(const struct buffer *text, struct bit_counts *counts)
{
    uint64_t words[3] = {0};
    const uint8_t *at = text->data, *end = at + text->size;
    for (unsigned known = 0; next_word(&at, end, &words[2]);) {
        known += known < 3;
        if (known == 3)
            count_bits(counts, shingle_hash(words[0], words[1], words[2]));
        words[0] = words[1];
        words[1] = words[2];
    }
}

/* ---- the whole ---- */

/* The headings of the first level, one behind the other. */
static void append_names(struct buffer *out, const struct page *page)
{
    for (size_t i = 0; i < page->heading_count; i++) {
        const struct page_heading *heading = &page->headings[i];
        if (heading->level == 1)
            append_normal(out, heading->text, strlen(heading->text));
    }
}

static uint64_t never_zero(uint64_t hash)
{
    return hash == 0 ? 1 : hash;
}

static uint64_t simhash_of(const struct buffer *text, const struct buffer *title,
                           const struct buffer *names)
{
    struct bit_counts counts = {0};
    int64_t sums[HASH_BITS];
    uint64_t simhash = 0;
    count_shingles(text, &counts);
    if (counts.total + 2 < SIMHASH_WORDS_MIN)
        return 0;
    sum_bits(&counts, sums);
    /* Sums of n hashes are about as large as the root of n. */
    int64_t weight = (int64_t)sqrt((double)counts.total) + 1;
    if (title->size > 0)
        add_feature(sums, hash64(title->data, title->size), weight);
    if (names->size > 0)
        add_feature(sums, hash64(names->data, names->size), weight);
    for (unsigned b = 0; b < HASH_BITS; b++)
        simhash |= (uint64_t)(sums[b] > 0) << b;
    return never_zero(simhash);
}

enum status fingerprint_page(const struct page *page, struct fingerprint *ret, struct error *err)
{
    struct fingerprint found = {0};
    struct buffer text = {0}, names = {0}, title = {0};
    append_normal(&text, page->text, page->text_size);
    append_normal(&title, page->title, strlen(page->title));
    append_names(&names, page);
    bool failed = text.failed || title.failed || names.failed;
    if (!failed && text.size > 0) {
        uint64_t parts[] = {hash64(text.data, text.size), hash64(title.data, title.size)};
        found.exact = never_zero(hash64(parts, sizeof(parts)));
        found.simhash = simhash_of(&text, &title, &names);
    }
    buffer_release(&text);
    buffer_release(&title);
    buffer_release(&names);
    if (failed)
        return error_set(err, STATUS_NO_MEMORY, "fingerprint of a page");
    *ret = found;
    return STATUS_OK;
}
