/* Arrays of numbers that grow. */
#ifndef TIERCE_INDEX_NUMBERS_H
#define TIERCE_INDEX_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

struct numbers {
    uint32_t *values;
    size_t count;
    size_t capacity;
};
void numbers_release(struct numbers *numbers);
/* Room for `extra` more behind the last one; NULL: no memory. The caller adds to `count`. */
uint32_t *numbers_reserve(struct numbers *numbers, size_t extra);

#endif
