#include "base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_boot_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

int64_t clock_boot_ms(void)
{
    return clock_boot_us() / 1000;
}

int64_t clock_unix_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_unix_s(void)
{
    return clock_unix_us() / 1000000;
}

char *clock_rfc3339(int64_t unix_us, char *ret)
{
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm fields;
    if (gmtime_r(&seconds, &fields) == NULL ||
        strftime(ret, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &fields) == 0)
        ret[0] = '\0';
    return ret;
}
