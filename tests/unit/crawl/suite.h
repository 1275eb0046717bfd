/* The test suites of others, which lie beside the project and may be absent. */
#ifndef TIERCE_TESTS_SUITE_H
#define TIERCE_TESTS_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"

#define SUITES "../shared/data/conformance/"

/* The whole file, zero-terminated and the caller's to release; skips the test where it is absent.
 */
static inline const char *suite_read(const char *name, struct buffer *buffer)
{
    char path[256];
    snprintf(path, sizeof(path), SUITES "%s", name);
    if (file_read(path, 64u << 20, buffer, NULL) != STATUS_OK) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    return buffer_string(buffer);
}

#endif
