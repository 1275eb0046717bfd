/*
 * A growable run of bytes. A zeroed struct is an empty buffer. Appending never fails half-way: when
 * memory or the limit runs out, `failed` is set, the bytes stay as they were, and every later
 * append does nothing, so that a caller may append many times and look once.
 */
#ifndef TIERCE_BASE_BUFFER_H
#define TIERCE_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data; /* the buffer's own; moves when it grows */
    size_t size;   /* bytes in use */
    size_t capacity;
    size_t limit; /* most bytes allowed; 0: no limit */
    bool failed;
};

void buffer_release(struct buffer *buffer); /* frees, and zeroes the struct */
void buffer_clear(struct buffer *buffer);   /* empties, keeps the memory and the limit */

/* Room for `extra` more bytes; NULL when there is none. The caller fills it and adds to `size`. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t extra);

void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
void buffer_append_byte(struct buffer *buffer, uint8_t byte);
void buffer_append_string(struct buffer *buffer, const char *text); /* without its zero */
void buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_append_formatv(struct buffer *buffer, const char *format, va_list arguments);

/* Removes the first `size` bytes. */
void buffer_consume(struct buffer *buffer, size_t size);

/* A zero byte behind the last one, not counted; "" when that fails. Borrowed from the buffer. */
const char *buffer_string(struct buffer *buffer);

#endif
