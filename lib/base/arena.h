/*
 * Memory that is freed all at once: a request's, a query's. Objects come from chunks and are never
 * freed one by one. Not for several threads at a time.
 */
#ifndef TIERCE_BASE_ARENA_H
#define TIERCE_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used_bytes;          /* handed out since the last reset */
    size_t limit_bytes;         /* 0: none */
};

/* A zeroed struct is an empty arena; this sets a limit. */
void arena_init(struct arena *arena, size_t limit_bytes);
void arena_release(struct arena *arena); /* frees everything; the arena is empty again */
void arena_reset(struct arena *arena);   /* as release, but keeps one chunk for the next use */

/* Aligned for any type, not zeroed; NULL when memory or the limit runs out. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
char *arena_string(struct arena *arena, const char *text); /* a copy */
char *arena_string_of(struct arena *arena, const char *text,
                      size_t size); /* a copy with a zero behind */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
