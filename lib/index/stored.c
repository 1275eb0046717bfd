#include "index/stored.h"

#include <string.h>

#include "base/bytes.h"
#include "index/document_keys.h"
#include "index/varint.h"

/* The numbers that lead. */
enum {
    SIZE_URL,
    SITE_IN_URL,
    SIZE_SITE,
    SIZE_TITLE,
    SIZE_LANGUAGE,
    SIZE_TYPE,
    SIZE_HEADINGS,
    SIZE_TEXT,
    TIME_FETCHED,
    TIME_MODIFIED
};
#define NUMBERS (TIME_MODIFIED + 1)

/* What stands in front of the blocks: the builder's limits are no larger. */
#define HEAD_BYTES_MAX                                                                             \
    (NUMBERS * VARINT_MAX + INDEX_URL_MAX + QUERY_SITE_MAX + INDEX_TITLE_MAX +                     \
     INDEX_LANGUAGE_MAX + INDEX_TYPE_MAX)

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t number)
{
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

/* Where the site stands in the URL, plus one; 0: it does not. */
static size_t find_site(struct text_slice url, struct text_slice site)
{
    const char *found = site.size == 0 ? NULL : memmem(url.bytes, url.size, site.bytes, site.size);
    return found == NULL ? 0 : (size_t)(found - url.bytes) + 1;
}

enum status stored_encode(const struct index_document *document, const uint8_t *cells,
                          struct text_packer *packer, struct buffer *out, struct error *err)
{
    char type[INDEX_TYPE_MAX];
    const uint64_t numbers[NUMBERS] = {
        [SIZE_URL] = document->url.size,
        [SITE_IN_URL] = find_site(document->url, document->site),
        [SIZE_SITE] = document->site.size,
        [SIZE_TITLE] = document->title.size,
        [SIZE_LANGUAGE] = document->language.size,
        [SIZE_TYPE] = content_type_name(document->content_type, type),
        [SIZE_HEADINGS] = document->headings.size,
        [SIZE_TEXT] = document->text.size,
        [TIME_FETCHED] = zigzag(document->fetched_unix_us),
        [TIME_MODIFIED] = zigzag(document->modified_unix_us),
    };
    for (size_t i = 0; i < NUMBERS; i++) {
        uint8_t number[VARINT_MAX];
        buffer_append(out, number, varint_put(number, numbers[i]));
    }
    buffer_append(out, document->url.bytes, document->url.size);
    if (numbers[SITE_IN_URL] == 0)
        buffer_append(out, document->site.bytes, document->site.size);
    buffer_append(out, document->title.bytes, document->title.size);
    buffer_append(out, document->language.bytes, document->language.size);
    buffer_append(out, type, numbers[SIZE_TYPE]);
    if (out->failed)
        return error_set(err, STATUS_NO_MEMORY, "stored document");
    return text_blocks_write(packer, document->headings, document->text, cells, out, err);
}

/* Takes `size` bytes from the front of what lies between `*at` and `end`; false where there are
 * fewer. */
static bool slice_take(const uint8_t **at, const uint8_t *end, uint64_t size,
                       struct text_slice *ret_slice)
{
    if (size > (uint64_t)(end - *at))
        return false;
    *ret_slice = (struct text_slice){(const char *)*at, size};
    *at += size;
    return true;
}

static bool take_site(const uint8_t **at, const uint8_t *end, const uint64_t numbers[NUMBERS],
                      struct stored_fields *fields)
{
    if (numbers[SITE_IN_URL] == 0)
        return slice_take(at, end, numbers[SIZE_SITE], &fields->site);
    uint64_t offset = numbers[SITE_IN_URL] - 1;
    if (offset > fields->url.size || numbers[SIZE_SITE] > fields->url.size - offset)
        return false;
    fields->site = (struct text_slice){fields->url.bytes + offset, numbers[SIZE_SITE]};
    return true;
}

bool stored_decode(const struct part *part, uint64_t address, uint32_t size,
                   struct stored_fields *ret_fields)
{
    const uint8_t *end;
    const uint8_t *start =
        size == 0 ? NULL
                  : part_up_to(part, address, size < HEAD_BYTES_MAX ? size : HEAD_BYTES_MAX, &end);
    if (start == NULL)
        return false;
    const uint8_t *at = start;
    uint64_t numbers[NUMBERS];
    for (size_t i = 0; i < NUMBERS; i++) {
        if (!varint_get(&at, end, &numbers[i]))
            return false;
    }
    struct stored_fields fields = {
        .blocks.headings_size = numbers[SIZE_HEADINGS],
        .blocks.text_size = numbers[SIZE_TEXT],
        .fetched_unix_us = unzigzag(numbers[TIME_FETCHED]),
        .modified_unix_us = unzigzag(numbers[TIME_MODIFIED]),
    };
    if (numbers[SIZE_HEADINGS] > INDEX_HEADINGS_MAX || numbers[SIZE_TEXT] > INDEX_TEXT_MAX ||
        !slice_take(&at, end, numbers[SIZE_URL], &fields.url) ||
        !take_site(&at, end, numbers, &fields) ||
        !slice_take(&at, end, numbers[SIZE_TITLE], &fields.title) ||
        !slice_take(&at, end, numbers[SIZE_LANGUAGE], &fields.language) ||
        !slice_take(&at, end, numbers[SIZE_TYPE], &fields.content_type))
        return false;
    uint32_t head = (uint32_t)(at - start);
    fields.blocks.part = part;
    fields.blocks.address = address + head;
    fields.blocks.size = size - head;
    *ret_fields = fields;
    return true;
}
