#include "gateway/cursor.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

enum {
    VERSION = 3,
    MAC_BYTES = 16,
    SKEW_S = 60, /* by which the clocks of two machines may differ */
    VARINT_BYTES = 10,
    FIXED_NUMBERS = 10 + ROUTING_FIELDS + 2,
};

static const char label[] = "tierce cursor 1";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- base64url, without padding ---- */

static size_t base64_encode(const uint8_t *bytes, size_t size, char *ret)
{
    char *out = ret;
    for (size_t i = 0; i < size; i += 3) {
        unsigned left = size - i < 3 ? (unsigned)(size - i) : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        for (unsigned j = 0; j <= left; j++)
            *out++ = alphabet[group >> (18 - 6 * j) & 63];
    }
    *out = '\0';
    return (size_t)(out - ret);
}

/* Bytes written, or SIZE_MAX where the text is not base64url. */
static size_t base64_decode(const char *text, size_t size, uint8_t *ret)
{
    uint32_t group = 0;
    unsigned bits = 0;
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        const char *digit = text[i] == '\0' ? NULL : strchr(alphabet, text[i]);
        if (digit == NULL)
            return SIZE_MAX;
        group = group << 6 | (uint32_t)(digit - alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            ret[used++] = (uint8_t)(group >> bits);
        }
    }
    return used;
}

/* ---- numbers ---- */

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static uint64_t get_varint(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    reader->failed = true;
    return 0;
}

static void sign(const struct cluster_key *key, const uint8_t *bytes, size_t size,
                 uint8_t ret_mac[MAC_BYTES])
{
    uint8_t derived[32], mac[32];
    unsigned mac_size = sizeof(mac);
    CHECK(HMAC(EVP_sha256(), key->bytes, sizeof(key->bytes), (const uint8_t *)label,
               sizeof(label) - 1, derived, &mac_size) != NULL);
    CHECK(HMAC(EVP_sha256(), derived, sizeof(derived), bytes, size, mac, &mac_size) != NULL);
    memcpy(ret_mac, mac, MAC_BYTES);
}

/* ---- the whole ---- */

const char *cursor_encode(const struct cluster_key *key, const struct cursor *cursor,
                          struct arena *arena)
{
    size_t numbers = FIXED_NUMBERS + cursor->term_count + cursor->split_count + cursor->shard_count;
    size_t room = 1 + numbers * VARINT_BYTES + 2 * sizeof(uint64_t) + MAC_BYTES;
    uint8_t *bytes = arena_alloc(arena, room);
    char *text = arena_alloc(arena, room * 4 / 3 + 4);
    if (bytes == NULL || text == NULL)
        return NULL;
    uint8_t *out = bytes;
    *out++ = VERSION;
    out = put_varint(out, (uint64_t)cursor->made_unix_s);
    out = put_varint(out, cursor->query_hash);
    out = put_varint(out, cursor->depth);
    out = put_varint(out, cursor->languages);
    out = put_varint(out, cursor->part);
    out = put_varint(out, cursor->epoch);
    out = put_varint(out, cursor->documents);
    for (unsigned i = 0; i < ROUTING_FIELDS; i++)
        out = put_varint(out, cursor->field_lengths[i]);
    out = put_varint(out, (uint64_t)cursor->now_us);
    out = put_varint(out, cursor->term_count);
    for (uint32_t i = 0; i < cursor->term_count; i++)
        out = put_varint(out, cursor->document_frequencies[i]);
    out = put_varint(out, cursor->split_count);
    for (uint32_t i = 0; i < cursor->split_count; i++)
        out = put_varint(out, cursor->splits[i]);
    out = put_varint(out, cursor->shard_count);
    for (uint32_t i = 0; i < cursor->shard_count; i++)
        out = put_varint(out, cursor->positions[i]);
    uint64_t score_bits;
    memcpy(&score_bits, &cursor->score, sizeof(score_bits));
    put_be64(out, score_bits);
    put_be64(out + 8, cursor->url_hash);
    out += 16;
    sign(key, bytes, (size_t)(out - bytes), out);
    out += MAC_BYTES;
    base64_encode(bytes, (size_t)(out - bytes), text);
    return text;
}

static const uint64_t *get_list(struct reader *reader, uint32_t max, struct arena *arena,
                                uint32_t *ret_count)
{
    uint64_t count = get_varint(reader);
    if (count > max)
        reader->failed = true;
    uint64_t *list = reader->failed ? NULL : arena_alloc(arena, count * sizeof(*list) + 1);
    if (list == NULL) {
        reader->failed = true;
        return NULL;
    }
    for (uint64_t i = 0; i < count; i++)
        list[i] = get_varint(reader);
    *ret_count = (uint32_t)count;
    return list;
}

static void get_numbers(struct reader *reader, struct arena *arena, struct cursor *cursor)
{
    cursor->made_unix_s = (int64_t)get_varint(reader);
    cursor->query_hash = get_varint(reader);
    cursor->depth = get_varint(reader);
    cursor->languages = get_varint(reader);
    uint64_t part = get_varint(reader);
    reader->failed = reader->failed || part >= CURSOR_PART_COUNT;
    cursor->part = reader->failed ? CURSOR_ALONE : (enum cursor_part)part;
    cursor->epoch = get_varint(reader);
    cursor->documents = get_varint(reader);
    for (unsigned i = 0; i < ROUTING_FIELDS; i++)
        cursor->field_lengths[i] = get_varint(reader);
    cursor->now_us = (int64_t)get_varint(reader);
    cursor->document_frequencies = get_list(reader, CURSOR_TERMS_MAX, arena, &cursor->term_count);
    cursor->splits = get_list(reader, CURSOR_SPLITS_MAX, arena, &cursor->split_count);
    cursor->positions = get_list(reader, SLOT_COUNT, arena, &cursor->shard_count);
    if (reader->failed || reader->end - reader->at != 16) {
        reader->failed = true;
        return;
    }
    uint64_t score_bits = get_be64(reader->at);
    memcpy(&cursor->score, &score_bits, sizeof(cursor->score));
    cursor->url_hash = get_be64(reader->at + 8);
}

/* The signed bytes; 0 where the text is none of ours. */
static size_t open_text(const struct cluster_key *key, const char *text, struct arena *arena,
                        const uint8_t **ret_bytes)
{
    size_t text_size = strnlen(text, CURSOR_TEXT_MAX + 1);
    uint8_t *bytes = text_size > CURSOR_TEXT_MAX ? NULL : arena_alloc(arena, text_size + 1);
    if (bytes == NULL)
        return 0;
    size_t size = base64_decode(text, text_size, bytes);
    if (size == SIZE_MAX || size <= MAC_BYTES)
        return 0;
    size -= MAC_BYTES;
    uint8_t mac[MAC_BYTES];
    sign(key, bytes, size, mac);
    if (!equal_secret(mac, bytes + size, MAC_BYTES) || bytes[0] != VERSION)
        return 0;
    *ret_bytes = bytes;
    return size;
}

enum status cursor_decode(const struct cluster_key *key, const char *text, int64_t now_unix_s,
                          struct arena *arena, struct cursor *ret_cursor, struct error *err)
{
    const uint8_t *bytes;
    size_t size = open_text(key, text, arena, &bytes);
    struct cursor cursor = {0};
    if (size == 0)
        return error_set(err, STATUS_INVALID, "the cursor is not one that this server made");
    struct reader reader = {.at = bytes + 1, .end = bytes + size};
    get_numbers(&reader, arena, &cursor);
    if (reader.failed)
        return error_set(err, STATUS_INVALID, "the cursor is not one that this server made");
    if (now_unix_s - cursor.made_unix_s > CURSOR_VALID_S ||
        cursor.made_unix_s - now_unix_s > SKEW_S)
        return error_set(err, STATUS_INVALID,
                         "the cursor is older than five minutes: search again");
    *ret_cursor = cursor;
    return STATUS_OK;
}
