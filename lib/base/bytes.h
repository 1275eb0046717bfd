/* Integers in bytes, checksums and hashes. */
#ifndef TIERCE_BASE_BYTES_H
#define TIERCE_BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void put_be64(uint8_t *out, uint64_t value)
{
    value = htobe64(value);
    memcpy(out, &value, sizeof(value));
}

static inline uint64_t get_be64(const uint8_t *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof(value));
    return be64toh(value);
}

static inline void put_be32(uint8_t *out, uint32_t value)
{
    value = htobe32(value);
    memcpy(out, &value, sizeof(value));
}

static inline uint32_t get_be32(const uint8_t *in)
{
    uint32_t value;
    memcpy(&value, in, sizeof(value));
    return be32toh(value);
}

static inline void put_le32(uint8_t *out, uint32_t value)
{
    value = htole32(value);
    memcpy(out, &value, sizeof(value));
}

static inline uint32_t get_le32(const uint8_t *in)
{
    uint32_t value;
    memcpy(&value, in, sizeof(value));
    return le32toh(value);
}

static inline void put_le40(uint8_t *out, uint64_t value) /* below 2^40 */
{
    put_le32(out, (uint32_t)value);
    out[4] = (uint8_t)(value >> 32);
}

static inline uint64_t get_le40(const uint8_t *in)
{
    return get_le32(in) | (uint64_t)in[4] << 32;
}

static inline void put_le64(uint8_t *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof(value));
}

static inline uint64_t get_le64(const uint8_t *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof(value));
    return le64toh(value);
}

/* CRC-32C (Castagnoli), with the CPU's instruction where there is one. Start with `crc` 0. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

/* XXH3, 64 bits: stable across machines and versions, so it may be stored. Not for secrets. */
uint64_t hash64(const void *bytes, size_t size);

/* The hash that names a URL everywhere, of its normal form. The first byte is its slot. */
uint64_t url_hash(const char *url, size_t size);
static inline uint32_t url_hash_slot(uint64_t hash)
{
    return (uint32_t)(hash >> 56);
}

/* Lower-case hexadecimal of `size` bytes and a zero into `ret`, which holds 2 * size + 1. */
char *hex_encode(const uint8_t *bytes, size_t size, char *ret);
/* Reads exactly `size` bytes from 2 * size digits; false on anything else. */
bool hex_decode(const char *text, uint8_t *ret, size_t size);

/* Bytes from the kernel's generator; aborts when there are none. */
void random_bytes(void *ret, size_t size);

/* Compares in a time that does not tell where they differ. */
bool equal_secret(const void *a, const void *b, size_t size);

#endif
