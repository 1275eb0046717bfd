#include "base/bytes.h"

#include <errno.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/check.h"

static uint32_t crc32c_table[256];

static void crc32c_fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
        crc32c_table[i] = crc;
    }
}

static uint32_t crc32c_scalar(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        crc = (crc >> 8) ^ crc32c_table[(crc ^ bytes[i]) & 0xff];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *bytes,
                                                               size_t size)
{
    uint64_t state = crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        state = __builtin_ia32_crc32di(state, word);
    }
    crc = (uint32_t)state;
    for (; size > 0; size--, bytes++)
        crc = __builtin_ia32_crc32qi(crc, *bytes);
    return crc;
}
#endif

typedef uint32_t crc32c_function(uint32_t crc, const uint8_t *bytes, size_t size);
static crc32c_function *crc32c_best = crc32c_scalar;

__attribute__((constructor)) static void crc32c_choose(void)
{
    crc32c_fill_table();
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        crc32c_best = crc32c_sse42;
#endif
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
    return ~crc32c_best(~crc, bytes, size);
}

uint64_t hash64(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}

uint64_t url_hash(const char *url, size_t size)
{
    return hash64(url, size);
}

char *hex_encode(const uint8_t *bytes, size_t size, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * size] = '\0';
    return ret;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *text, uint8_t *ret, size_t size)
{
    if (strnlen(text, 2 * size + 1) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void random_bytes(void *ret, size_t size)
{
    uint8_t *out = ret;
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        CHECK(got > 0);
        out += got;
        size -= (size_t)got;
    }
}

bool equal_secret(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *left = a, *right = b;
    uint8_t different = 0;
    for (size_t i = 0; i < size; i++)
        different |= left[i] ^ right[i];
    return different == 0;
}
