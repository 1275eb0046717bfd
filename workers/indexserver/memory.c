#include "indexserver/memory.h"

/*
 * The log is written in order and read in order: it needs little. The views look up each URL and
 * each link, and profit from a cache. The rest of the share is for pages on their way, host queues
 * and messages. After a crash as much is read again as the write buffers may hold, before anyone is
 * answered: hence the limits, however much memory there is.
 */
enum { LOG_PART = 8, VIEWS_PART = 4 };

#define MIB             ((uint64_t)1024 * 1024)
#define LOG_BYTES_MAX   (64 * MIB)
#define VIEWS_BYTES_MAX (256 * MIB)
#define SHARE_DEFAULT   (200 * MIB)

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct memory_division memory_divide(uint64_t share_bytes)
{
    if (share_bytes == 0)
        share_bytes = SHARE_DEFAULT;
    return (struct memory_division){.log = least(share_bytes / LOG_PART, LOG_BYTES_MAX),
                                    .views = least(share_bytes / VIEWS_PART, VIEWS_BYTES_MAX)};
}
