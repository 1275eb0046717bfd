#include "index/numbers.h"

#include <stdlib.h>

void numbers_release(struct numbers *numbers)
{
    free(numbers->values);
    *numbers = (struct numbers){0};
}

uint32_t *numbers_reserve(struct numbers *numbers, size_t extra)
{
    if (numbers->count + extra > numbers->capacity) {
        size_t capacity = numbers->capacity < 512 ? 512 : numbers->capacity * 2;
        while (capacity < numbers->count + extra)
            capacity *= 2;
        uint32_t *values = realloc(numbers->values, capacity * sizeof(*values));
        if (values == NULL)
            return NULL;
        numbers->values = values;
        numbers->capacity = capacity;
    }
    return numbers->values + numbers->count;
}
