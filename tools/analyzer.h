/*
 * Included before every file that `make check-static` looks at. The analyzer sees one file at a time, so it takes it for
 * possible that error_set(err, STATUS_TOO_LARGE, ...) returns STATUS_OK, and follows paths that do not exist. This says
 * what these functions return.
 */
#include "base/error.h"

void analyzer_read(const char *format, ...);
#define error_set(err, status, ...) (analyzer_read(__VA_ARGS__), (void)(err), (status))
#define error_set_errno(err, errno_value, ...)                                                     \
    (analyzer_read(__VA_ARGS__), (void)(err), (void)(errno_value), STATUS_IO)
