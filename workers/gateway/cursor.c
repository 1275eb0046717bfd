#include "gateway/cursor.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

enum {
    VERSION = 4,
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    HEAD_BYTES = 1 + NONCE_BYTES,
    KEY_BYTES = 32,
    SKEW_S = 60, /* by which the clocks of two machines may differ */
    VARINT_BYTES = 10,
    FIXED_NUMBERS = 11 + ROUTING_FIELDS,
    SPLIT_NUMBERS = 3,
    END_BYTES = 16, /* score and hash */
};

static const char label[] = "tierce cursor 2";
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

/* Bytes written, or SIZE_MAX where the text is not base64url as it is written above: no bytes have
 * two texts. */
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
    if (bits == 6 || (group & ((1U << bits) - 1)) != 0)
        return SIZE_MAX;
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

/* ---- sealing: AES-256 in GCM (NIST SP 800-38D) ---- */

static void derive_key(const struct cluster_key *key, uint8_t ret_derived[KEY_BYTES])
{
    unsigned size = KEY_BYTES;
    CHECK(HMAC(EVP_sha256(), key->bytes, sizeof(key->bytes), (const uint8_t *)label,
               sizeof(label) - 1, ret_derived, &size) != NULL);
}

/* Encrypts `size` bytes behind the head, where they stand, and puts the tag behind them. False: no
 * memory. */
static bool seal(const struct cluster_key *key, uint8_t *bytes, size_t size)
{
    uint8_t derived[KEY_BYTES];
    uint8_t *sealed = bytes + HEAD_BYTES;
    int done = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    derive_key(key, derived);
    bytes[0] = VERSION;
    random_bytes(bytes + 1, NONCE_BYTES);
    bool is_good = cipher != NULL &&
                   EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, derived, bytes + 1) == 1 &&
                   EVP_EncryptUpdate(cipher, NULL, &done, bytes, 1) == 1 &&
                   EVP_EncryptUpdate(cipher, sealed, &done, sealed, (int)size) == 1 &&
                   EVP_EncryptFinal_ex(cipher, sealed + size, &done) == 1 &&
                   EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, sealed + size) == 1;
    EVP_CIPHER_CTX_free(cipher);
    OPENSSL_cleanse(derived, sizeof(derived));
    return is_good;
}

/* Takes back what seal() did with `size` bytes. False: it did not make these bytes. */
static bool unseal(const struct cluster_key *key, uint8_t *bytes, size_t size)
{
    uint8_t derived[KEY_BYTES];
    uint8_t *sealed = bytes + HEAD_BYTES;
    int done = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    derive_key(key, derived);
    bool is_good =
        cipher != NULL &&
        EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, derived, bytes + 1) == 1 &&
        EVP_DecryptUpdate(cipher, NULL, &done, bytes, 1) == 1 &&
        EVP_DecryptUpdate(cipher, sealed, &done, sealed, (int)size) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, sealed + size) == 1 &&
        EVP_DecryptFinal_ex(cipher, sealed + size, &done) == 1;
    EVP_CIPHER_CTX_free(cipher);
    OPENSSL_cleanse(derived, sizeof(derived));
    return is_good;
}

/* ---- the whole ---- */

static size_t numbers_bytes_max(const struct cursor *cursor)
{
    size_t varints =
        FIXED_NUMBERS + (size_t)SPLIT_NUMBERS * cursor->split_count + cursor->shard_count;
    return varints * VARINT_BYTES + cursor->term_count * sizeof(uint64_t) + END_BYTES;
}

/* Returns the end. */
static uint8_t *put_numbers(uint8_t *out, const struct cursor *cursor)
{
    uint64_t score_bits;
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
    for (uint32_t i = 0; i < cursor->term_count; i++, out += sizeof(uint64_t))
        put_be64(out, cursor->document_frequencies[i]);
    out = put_varint(out, cursor->split_count);
    for (uint32_t i = 0; i < cursor->split_count; i++) {
        out = put_varint(out, cursor->splits[i].word);
        out = put_varint(out, cursor->splits[i].at);
        out = put_varint(out, cursor->splits[i].language);
    }
    out = put_varint(out, cursor->shard_count);
    for (uint32_t i = 0; i < cursor->shard_count; i++)
        out = put_varint(out, cursor->positions[i]);
    memcpy(&score_bits, &cursor->score, sizeof(score_bits));
    put_be64(out, score_bits);
    put_be64(out + sizeof(score_bits), cursor->url_hash);
    return out + END_BYTES;
}

const char *cursor_encode(const struct cluster_key *key, const struct cursor *cursor,
                          struct arena *arena)
{
    size_t room = HEAD_BYTES + numbers_bytes_max(cursor) + TAG_BYTES;
    uint8_t *bytes = arena_alloc(arena, room);
    char *text = arena_alloc(arena, room * 4 / 3 + 4);
    if (bytes == NULL || text == NULL)
        return NULL;
    size_t size = (size_t)(put_numbers(bytes + HEAD_BYTES, cursor) - bytes) - HEAD_BYTES;
    if (!seal(key, bytes, size))
        return NULL;
    base64_encode(bytes, HEAD_BYTES + size + TAG_BYTES, text);
    return text;
}

/* How many follow, and room for them in the arena; NULL: too many, or no memory. */
static void *get_count(struct reader *reader, uint32_t max, size_t item_bytes, struct arena *arena,
                       uint32_t *ret_count)
{
    uint64_t count = get_varint(reader);
    void *list = reader->failed || count > max ? NULL : arena_alloc(arena, count * item_bytes + 1);
    reader->failed = list == NULL;
    *ret_count = list == NULL ? 0 : (uint32_t)count;
    return list;
}

static const uint64_t *get_frequencies(struct reader *reader, struct arena *arena,
                                       uint32_t *ret_count)
{
    uint64_t *list = get_count(reader, CURSOR_TERMS_MAX, sizeof(*list), arena, ret_count);
    if ((size_t)(reader->end - reader->at) < *ret_count * sizeof(*list)) {
        reader->failed = true;
        return list;
    }
    for (uint32_t i = 0; i < *ret_count; i++, reader->at += sizeof(*list))
        list[i] = get_be64(reader->at);
    return list;
}

static const struct compound_split *get_splits(struct reader *reader, struct arena *arena,
                                               uint32_t *ret_count)
{
    struct compound_split *list =
        get_count(reader, CURSOR_SPLITS_MAX, sizeof(*list), arena, ret_count);
    for (uint32_t i = 0; i < *ret_count; i++) {
        uint64_t word = get_varint(reader), at = get_varint(reader), language = get_varint(reader);
        reader->failed |= word > UINT32_MAX || at > UINT32_MAX || language >= TEXT_LANGUAGE_COUNT;
        list[i] = (struct compound_split){
            .word = (uint32_t)word, .at = (uint32_t)at, .language = (enum text_language)language};
    }
    return list;
}

static const uint64_t *get_positions(struct reader *reader, struct arena *arena,
                                     uint32_t *ret_count)
{
    uint64_t *list = get_count(reader, SLOT_COUNT, sizeof(*list), arena, ret_count);
    for (uint32_t i = 0; i < *ret_count; i++)
        list[i] = get_varint(reader);
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
    cursor->document_frequencies = get_frequencies(reader, arena, &cursor->term_count);
    cursor->splits = get_splits(reader, arena, &cursor->split_count);
    cursor->positions = get_positions(reader, arena, &cursor->shard_count);
    if (reader->failed || reader->end - reader->at != END_BYTES) {
        reader->failed = true;
        return;
    }
    uint64_t score_bits = get_be64(reader->at);
    memcpy(&cursor->score, &score_bits, sizeof(cursor->score));
    cursor->url_hash = get_be64(reader->at + sizeof(score_bits));
}

/* What was sealed; 0 where the text is none of ours. */
static size_t open_text(const struct cluster_key *key, const char *text, struct arena *arena,
                        const uint8_t **ret_bytes)
{
    size_t text_size = strnlen(text, CURSOR_TEXT_MAX + 1);
    uint8_t *bytes = text_size > CURSOR_TEXT_MAX ? NULL : arena_alloc(arena, text_size + 1);
    if (bytes == NULL)
        return 0;
    size_t size = base64_decode(text, text_size, bytes);
    if (size == SIZE_MAX || size <= HEAD_BYTES + TAG_BYTES || bytes[0] != VERSION)
        return 0;
    size -= HEAD_BYTES + TAG_BYTES;
    *ret_bytes = bytes + HEAD_BYTES;
    return unseal(key, bytes, size) ? size : 0;
}

enum status cursor_decode(const struct cluster_key *key, const char *text, int64_t now_unix_s,
                          struct arena *arena, struct cursor *ret_cursor, struct error *err)
{
    const uint8_t *bytes;
    size_t size = open_text(key, text, arena, &bytes);
    struct cursor cursor = {0};
    if (size == 0)
        return error_set(err, STATUS_INVALID, "the cursor is not one that this server made");
    struct reader reader = {.at = bytes, .end = bytes + size};
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
