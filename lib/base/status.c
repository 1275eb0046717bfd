#include "base/status.h"

#include "base/check.h"

const char *status_name(enum status status)
{
    static const char *const names[] = {
        "ok",        "end",         "not found", "timeout",   "overloaded", "unavailable",
        "invalid",   "corrupt",     "denied",    "no memory", "no space",   "input/output",
        "too large", "unsupported", "conflict",  "cancelled",
    };
    return (size_t)status < ARRAY_COUNT(names) ? names[status] : "unknown status";
}
