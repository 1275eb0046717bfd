/*
 * JSON, written straight into a buffer: no tree is built. Commas and nesting are kept by the
 * writer; a string is always valid UTF-8 (other bytes become U+FFFD). Keys are literals of ours.
 */
#ifndef TIERCE_TEXT_JSON_H
#define TIERCE_TEXT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct json_writer {
    struct buffer *bytes; /* borrowed */
    bool is_indented;     /* a line for each value, as people read it */
    /* private */
    bool needs_comma;
    unsigned depth;
};

/* Values. `key` is NULL inside an array and at the top. */
void json_open_object(struct json_writer *json, const char *key);
void json_close_object(struct json_writer *json);
void json_open_array(struct json_writer *json, const char *key);
void json_close_array(struct json_writer *json);
void json_put_string(struct json_writer *json, const char *key, const char *value);
void json_put_unsigned(struct json_writer *json, const char *key, uint64_t value);
void json_put_boolean(struct json_writer *json, const char *key, bool value);
void json_put_real(struct json_writer *json, const char *key,
                   double value); /* NaN and infinity: null */
/* The same with as many digits as it takes to be read back as it is. */
void json_put_exact(struct json_writer *json, const char *key, double value);
/* Thousandths with one decimal: 1234 us as 1.2. */
void json_put_tenths(struct json_writer *json, const char *key, uint64_t thousandths);
/* RFC 3339, UTC; null for a time that is 0 or less. */
void json_put_time(struct json_writer *json, const char *key, int64_t unix_us);

#endif
