/* CHECK() is for our own bugs and stays on in release. Bytes from disk, network or user get a
 * status instead. */
#ifndef TIERCE_BASE_CHECK_H
#define TIERCE_BASE_CHECK_H

#include <stddef.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(#condition, __FILE__, __LINE__);                                          \
    } while (0)

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

_Noreturn void check_failed(const char *condition, const char *file, int line);

/* Allocation for small fixed things whose failure nothing could survive: aborts instead of
 * returning NULL. */
void *check_alloc(void *pointer);

#endif
