#include "sandbox/limits.h"

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

bool sandbox_is_sanitized(void)
{
    return SANITIZED;
}

enum status limits_give_up_privileges(struct error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "giving up privileges");
    /* A sanitizer looks for leaks from a process of its own. */
    if (!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "giving up dumps");
    return limits_lower(RLIMIT_CORE, 0, "cores", err);
}

enum status limits_lower(int resource, rlim_t most, const char *name, struct error *err)
{
    struct rlimit value;
    if (getrlimit(resource, &value) != 0)
        return error_set_errno(err, errno, "reading the limit of %s", name);
    if (value.rlim_max > most)
        value.rlim_max = most;
    if (value.rlim_cur > value.rlim_max)
        value.rlim_cur = value.rlim_max;
    if (setrlimit(resource, &value) != 0)
        return error_set_errno(err, errno, "limiting %s", name);
    return STATUS_OK;
}

/* What the process has mapped by now; 0 where that cannot be read. */
static size_t mapped_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    if (file == NULL || fscanf(file, "%lu", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

enum status limits_lower_memory(size_t more, struct error *err)
{
    return SANITIZED ? STATUS_OK : limits_lower(RLIMIT_AS, mapped_bytes() + more, "memory", err);
}
