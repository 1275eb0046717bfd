#include "gateway/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "gateway/gateway_parts.h"

/*
 * The file: a header, then SETS sets of WAYS words. A word is a tag of its address and the
 * theoretical arrival time of its next request, in ticks of 1/16 ms since boot. Times that no
 * allowance can have reached are from before a reboot and count as none.
 */
enum {
    SETS = 8192,
    WAYS = 8, /* one cache line */
    HEADER_BYTES = 4096,
    SEED_BYTES = 16,
    KEY_BYTES_MAX = 64,
    TIME_BITS = 42, /* eight years */
    TICKS_PER_SECOND = 16000,
    ATTEMPTS_MAX = 32,
};

static const char magic[8] = "tierceL1";

struct header {
    char magic[8];
    uint8_t seed[SEED_BYTES]; /* so that a stranger cannot choose addresses that share a set */
};

struct table {
    union {
        struct header header;
        uint8_t bytes[HEADER_BYTES];
    };
    _Atomic uint64_t words[SETS][WAYS];
};

struct limits {
    struct table *table; /* mapped */
};

/* ---- the file ---- */

static enum status map_table(int fd, int flags, struct limits *limits, struct error *err)
{
    void *memory = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, flags, fd, 0);
    if (memory == MAP_FAILED)
        return error_set_errno(err, errno, "the table of limits");
    limits->table = memory;
    return STATUS_OK;
}

/* An empty file gets its blocks (a full disk must not be met while writing to the mapping) and a
 * header. The caller holds the lock. */
static enum status prepare(int fd, const char *path, struct error *err)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return error_set_errno(err, errno, "%s", path);
    struct header header;
    if (stat.st_size == (off_t)sizeof(struct table) &&
        pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
        memcmp(header.magic, magic, sizeof(magic)) == 0)
        return STATUS_OK;
    if (stat.st_size != 0)
        return error_set(err, STATUS_CORRUPT, "%s is no table of limits", path);
    memcpy(header.magic, magic, sizeof(magic));
    random_bytes(header.seed, sizeof(header.seed));
    int code = posix_fallocate(fd, 0, sizeof(struct table));
    if (code == 0 && pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
        code = errno;
    return code == 0 ? STATUS_OK : error_set_errno(err, code, "%s", path);
}

static enum status open_file(const char *path, struct limits *limits, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    enum status status = STATUS_OK;
    if (flock(fd, LOCK_EX) != 0)
        status = error_set_errno(err, errno, "%s", path);
    if (status == STATUS_OK)
        status = prepare(fd, path, err);
    if (status == STATUS_OK)
        status = map_table(fd, MAP_SHARED, limits, err);
    flock(fd, LOCK_UN); /* closing would not do: the mapping keeps the file open */
    fd_close(fd);
    return status;
}

enum status limits_open(const char *path, struct limits **ret_limits, struct error *err)
{
    struct limits *limits = calloc(1, sizeof(*limits));
    if (limits == NULL)
        return error_set(err, STATUS_NO_MEMORY, "the table of limits");
    enum status status;
    if (path[0] == '\0') {
        status = map_table(-1, MAP_PRIVATE | MAP_ANONYMOUS, limits, err);
        if (status == STATUS_OK)
            random_bytes(limits->table->header.seed, SEED_BYTES);
    } else {
        status = open_file(path, limits, err);
        if (status == STATUS_CORRUPT && unlink(path) == 0) /* of another version, or cut short */
            status = open_file(path, limits, err);
    }
    if (status != STATUS_OK) {
        limits_close(limits);
        return status;
    }
    *ret_limits = limits;
    return STATUS_OK;
}

void limits_close(struct limits *limits)
{
    if (limits == NULL)
        return;
    if (limits->table != NULL)
        munmap(limits->table, sizeof(*limits->table));
    free(limits);
}

/* ---- addresses ---- */

/* What is counted together, as bytes: a letter for the kind, then the address. */
static size_t make_key(const char *address, uint8_t ret_key[KEY_BYTES_MAX])
{
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    size_t size = strcspn(address, "%"); /* without an IPv6 zone */
    if (size < sizeof(text)) {
        memcpy(text, address, size);
        text[size] = '\0';
        if (inet_pton(AF_INET, text, bytes) == 1) {
            ret_key[0] = '4';
            memcpy(ret_key + 1, bytes, 4);
            return 5;
        }
        if (inet_pton(AF_INET6, text, bytes) == 1) {
            bool is_v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)bytes);
            ret_key[0] = is_v4 ? '4' : '6';
            memcpy(ret_key + 1, is_v4 ? bytes + 12 : bytes, is_v4 ? 4 : 8);
            return is_v4 ? 5 : 9;
        }
    }
    size = strnlen(address, KEY_BYTES_MAX - 1);
    ret_key[0] = '?';
    memcpy(ret_key + 1, address, size);
    return size + 1;
}

/* ---- allowances ---- */

static uint64_t word_time(uint64_t word)
{
    return word & ((1ull << TIME_BITS) - 1);
}

struct rate {
    uint64_t now;
    uint64_t interval;  /* ticks that one request costs */
    uint64_t tolerance; /* how far ahead of now the next arrival may lie */
};

/* The theoretical arrival time that counts: never in the past, never beyond what can be reached. */
static uint64_t arrival(uint64_t word, const struct rate *rate)
{
    uint64_t time = word_time(word);
    if (word == 0 || time < rate->now || time > rate->now + rate->tolerance + rate->interval)
        return rate->now;
    return time;
}

/* The address's own word, or the one that it may take over. */
static _Atomic uint64_t *find_word(_Atomic uint64_t set[WAYS], uint64_t tag,
                                   const struct rate *rate, uint64_t *ret_word)
{
    _Atomic uint64_t *victim = NULL;
    uint64_t victim_word = 0, victim_time = UINT64_MAX;
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (word != 0 && word >> TIME_BITS == tag) {
            *ret_word = word;
            return &set[i];
        }
        if (arrival(word, rate) < victim_time) {
            victim = &set[i];
            victim_word = word;
            victim_time = arrival(word, rate);
        }
    }
    *ret_word = victim_word;
    return victim;
}

static unsigned seconds_until(uint64_t ticks)
{
    uint64_t seconds = (ticks + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND;
    return seconds < 1 ? 1 : seconds > 3600 ? 3600 : (unsigned)seconds;
}

unsigned limits_take(struct limits *limits, const char *address, uint32_t per_minute,
                     uint32_t burst, int64_t now_us)
{
    if (per_minute == 0)
        return 0;
    uint8_t key[SEED_BYTES + KEY_BYTES_MAX];
    memcpy(key, limits->table->header.seed, SEED_BYTES);
    uint64_t hash = hash64(key, SEED_BYTES + make_key(address, key + SEED_BYTES));
    uint64_t tag = hash >> TIME_BITS;
    tag = tag == 0 ? 1 : tag;
    _Atomic uint64_t *set = limits->table->words[hash % SETS];

    struct rate rate = {.now = (uint64_t)now_us * (TICKS_PER_SECOND / 1000) / 1000,
                        .interval = 60ull * TICKS_PER_SECOND / per_minute};
    rate.interval = rate.interval == 0 ? 1 : rate.interval;
    rate.tolerance = (burst <= 1 ? 0 : burst - 1) * rate.interval;
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        uint64_t word;
        _Atomic uint64_t *place = find_word(set, tag, &rate, &word);
        bool is_own = word != 0 && word >> TIME_BITS == tag;
        uint64_t time = is_own ? arrival(word, &rate) : rate.now;
        if (time > rate.now + rate.tolerance)
            return seconds_until(time - rate.tolerance - rate.now);
        uint64_t next = (tag << TIME_BITS) | word_time(time + rate.interval);
        if (atomic_compare_exchange_strong(place, &word, next))
            return 0;
    }
    return 1; /* many requests of one address at this very moment */
}

unsigned gateway_take_allowance(struct gateway *gateway, const char *address, unsigned parts)
{
    pthread_mutex_lock(&gateway->mutex);
    uint32_t per_minute = gateway->settings->message.requests_per_minute;
    uint32_t burst = gateway->settings->message.burst;
    struct limits *limits = gateway->limits; /* lives as long as the gateway */
    pthread_mutex_unlock(&gateway->mutex);
    /* At so many times the rate each costs a part of the time that one request does. */
    unsigned wait_s =
        limits_take(limits, address, per_minute * parts, burst * parts, clock_boot_us());
    if (wait_s != 0)
        gateway_count_limited(gateway);
    return wait_s;
}
