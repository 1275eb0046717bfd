#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: CHECK(%s) failed: this is a bug in Tierce\n", file, line, condition);
    abort();
}

void *check_alloc(void *pointer)
{
    if (pointer == NULL)
        check_failed("memory", __FILE__, __LINE__);
    return pointer;
}
