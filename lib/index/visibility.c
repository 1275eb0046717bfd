#include "index/visibility.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "index/varint.h"

#define SCOPE_PUBLIC     1u
#define SCOPE_HEAD_BYTES (8 + 1)

struct scope {
    uint64_t site_hash;
    struct text_slice prefix; /* empty: the whole site */
    bool is_public;
};

struct visibility {
    atomic_uint references;
    struct visibility *also; /* what is shown must be shown by this one, too; NULL: none */
    char *prefixes;          /* what the scopes borrow from */
    uint32_t count;
    struct scope scopes[]; /* by rising hash of the site */
};

uint64_t site_hash_of(struct text_slice site)
{
    return hash64(site.size > 0 ? site.bytes : "", site.size);
}

/* ---- making ---- */

static int compare_scopes(const void *a_pointer, const void *b_pointer)
{
    const struct scope *a = a_pointer;
    const struct scope *b = b_pointer;
    if (a->site_hash != b->site_hash)
        return a->site_hash < b->site_hash ? -1 : 1;
    if (a->prefix.size != b->prefix.size)
        return a->prefix.size < b->prefix.size ? -1 : 1;
    int order = a->prefix.size == 0 ? 0 : memcmp(a->prefix.bytes, b->prefix.bytes, a->prefix.size);
    return order != 0 ? order : a->is_public - b->is_public;
}

/* Takes the prefixes, which the scopes lie on, also on failure. Copies the scopes. */
static struct visibility *make(const struct scope *scopes, size_t count, char *prefixes)
{
    struct visibility *visibility = malloc(sizeof(*visibility) + count * sizeof(scopes[0]));
    if (visibility == NULL) {
        free(prefixes);
        return NULL;
    }
    atomic_init(&visibility->references, 1);
    visibility->also = NULL;
    visibility->prefixes = prefixes;
    visibility->count = (uint32_t)count;
    if (count > 0) {
        memcpy(visibility->scopes, scopes, count * sizeof(scopes[0]));
        qsort(visibility->scopes, count, sizeof(scopes[0]), compare_scopes);
    }
    return visibility;
}

/* Of all prefixes; SIZE_MAX where the scopes are too many. */
static size_t measure(const struct index_scope *scopes, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += scopes[i].prefix.size;
        if (size + (i + 1) * (SCOPE_HEAD_BYTES + VARINT32_MAX) > INDEX_SCOPES_BYTES_MAX)
            return SIZE_MAX;
    }
    return size;
}

struct visibility *visibility_new(const struct index_scope *scopes, size_t count)
{
    size_t size = measure(scopes, count);
    if (size == SIZE_MAX)
        size = count = 0;
    char *prefixes = malloc(size + 1);
    struct scope *copies = calloc(count + 1, sizeof(*copies));
    if (prefixes == NULL || copies == NULL) {
        free(prefixes);
        free(copies);
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        struct text_slice prefix = scopes[i].prefix;
        if (prefix.size > 0)
            memcpy(prefixes + used, prefix.bytes, prefix.size);
        copies[i] = (struct scope){.site_hash = site_hash_of(scopes[i].site),
                                   .prefix = {prefixes + used, prefix.size},
                                   .is_public = scopes[i].is_public};
        used += prefix.size;
    }
    struct visibility *visibility = make(copies, count, prefixes);
    free(copies);
    return visibility;
}

struct visibility *visibility_both(const struct visibility *visibility, struct visibility *also)
{
    struct buffer bytes = {0};
    struct visibility *both = NULL;
    visibility_encode(visibility, &bytes);
    if (!bytes.failed)
        visibility_decode(bytes.data, bytes.size, &both, NULL);
    buffer_release(&bytes);
    if (both != NULL)
        both->also = visibility_hold(also);
    return both;
}

bool visibility_is_both(const struct visibility *visibility)
{
    return visibility != NULL && visibility->also != NULL;
}

struct visibility *visibility_hold(struct visibility *visibility)
{
    if (visibility != NULL)
        atomic_fetch_add_explicit(&visibility->references, 1, memory_order_relaxed);
    return visibility;
}

static bool drop_reference(struct visibility *visibility)
{
    return visibility != NULL &&
           atomic_fetch_sub_explicit(&visibility->references, 1, memory_order_acq_rel) == 1;
}

void visibility_release(struct visibility *visibility)
{
    while (drop_reference(visibility)) {
        struct visibility *also = visibility->also;
        free(visibility->prefixes);
        free(visibility);
        visibility = also;
    }
}

/* ---- asking ---- */

/* The first scope of the site; count where there is none. */
static uint32_t first_of(const struct visibility *visibility, uint64_t site_hash)
{
    uint32_t from = 0;
    uint32_t to = visibility->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (visibility->scopes[middle].site_hash < site_hash)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

bool visibility_needs_url(const struct visibility *visibility, uint64_t site_hash)
{
    for (; visibility != NULL; visibility = visibility->also) {
        for (uint32_t i = first_of(visibility, site_hash);
             i < visibility->count && visibility->scopes[i].site_hash == site_hash; i++) {
            if (visibility->scopes[i].prefix.size > 0)
                return true;
        }
    }
    return false;
}

static bool covers(const struct scope *scope, struct text_slice url)
{
    return scope->prefix.size == 0 ||
           (url.size >= scope->prefix.size &&
            memcmp(url.bytes, scope->prefix.bytes, scope->prefix.size) == 0);
}

static bool shows(const struct visibility *visibility, uint64_t site_hash, struct text_slice url)
{
    bool is_shown = false;
    for (uint32_t i = first_of(visibility, site_hash);
         i < visibility->count && visibility->scopes[i].site_hash == site_hash; i++) {
        const struct scope *scope = &visibility->scopes[i];
        if (!covers(scope, url))
            continue;
        if (!scope->is_public)
            return false;
        is_shown = true;
    }
    return is_shown;
}

bool visibility_shows(const struct visibility *visibility, uint64_t site_hash,
                      struct text_slice url)
{
    return visibility != NULL && shows(visibility, site_hash, url) &&
           (visibility->also == NULL || visibility_shows(visibility->also, site_hash, url));
}

/* ---- bytes ---- */

/* For each: hash of the site, flags, prefix. */
void visibility_encode(const struct visibility *visibility, struct buffer *ret_bytes)
{
    for (uint32_t i = 0; visibility != NULL && i < visibility->count; i++) {
        const struct scope *scope = &visibility->scopes[i];
        uint8_t head[SCOPE_HEAD_BYTES + VARINT_MAX];
        put_le64(head, scope->site_hash);
        head[8] = scope->is_public ? SCOPE_PUBLIC : 0;
        size_t size = SCOPE_HEAD_BYTES + varint_put(head + SCOPE_HEAD_BYTES, scope->prefix.size);
        buffer_append(ret_bytes, head, size);
        buffer_append(ret_bytes, scope->prefix.bytes, scope->prefix.size);
    }
}

/* Moves *at behind the scope; false where there is none. */
static bool read_scope(const uint8_t **at, const uint8_t *end, struct scope *ret_scope)
{
    const uint8_t *next = *at;
    uint64_t size;
    if (end - next < SCOPE_HEAD_BYTES || next[8] > SCOPE_PUBLIC)
        return false;
    *ret_scope = (struct scope){.site_hash = get_le64(next), .is_public = next[8] != 0};
    next += SCOPE_HEAD_BYTES;
    if (!varint_get(&next, end, &size) || size > (uint64_t)(end - next))
        return false;
    ret_scope->prefix = (struct text_slice){(const char *)next, size};
    *at = next + size;
    return true;
}

enum status visibility_decode(const uint8_t *bytes, size_t size, struct visibility **ret_visibility,
                              struct error *err)
{
    if (size > INDEX_SCOPES_BYTES_MAX)
        return error_set(err, STATUS_CORRUPT, "what everyone may see is too long");
    size_t count_max = size / (SCOPE_HEAD_BYTES + 1);
    uint8_t *copy = malloc(size + 1);
    struct scope *scopes = calloc(count_max + 1, sizeof(*scopes));
    if (copy == NULL || scopes == NULL) {
        free(copy);
        free(scopes);
        return error_set(err, STATUS_NO_MEMORY, "visibility");
    }
    if (size > 0)
        memcpy(copy, bytes, size);
    const uint8_t *at = copy;
    const uint8_t *end = copy + size;
    size_t count = 0;
    while (at < end && read_scope(&at, end, &scopes[count]))
        count++;
    if (at < end) {
        free(copy);
        free(scopes);
        return error_set(err, STATUS_CORRUPT, "what everyone may see makes no sense");
    }
    struct visibility *visibility = make(scopes, count, (char *)copy);
    free(scopes);
    if (visibility == NULL)
        return error_set(err, STATUS_NO_MEMORY, "visibility");
    *ret_visibility = visibility;
    return STATUS_OK;
}
