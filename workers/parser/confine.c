#include "parser/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"

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

/* ---- limits
 * --------------------------------------------------------------------------------------- */

static enum status limit(int resource, rlim_t most, const char *name, struct error *err)
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

static enum status set_limits(struct error *err)
{
    enum status status = limit(RLIMIT_CORE, 0, "cores", err);
    if (status == STATUS_OK)
        status = limit(RLIMIT_FSIZE, 0, "files", err);
    if (status == STATUS_OK && !SANITIZED)
        status = limit(RLIMIT_AS, mapped_bytes() + CONFINE_MEMORY_BYTES, "memory", err);
    if (status == STATUS_OK)
        status = limit(RLIMIT_NOFILE, STDERR_FILENO + 1, "descriptors", err);
    return status;
}

/* ---- system calls
 * ----------------------------------------------------------------------------------- */

static int allow(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

/* Only where argument `index` is `value` in the bits of `mask`. */
static int allow_if(scmp_filter_ctx filter, int call, unsigned index, scmp_datum_t mask,
                    scmp_datum_t value)
{
    struct scmp_arg_cmp match = {
        .arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &match);
}

static int fill(scmp_filter_ctx filter)
{
    static const scmp_datum_t all = ~(scmp_datum_t)0;
    static const int harmless[] = {
        SCMP_SYS(brk),        SCMP_SYS(munmap),          SCMP_SYS(mremap),
        SCMP_SYS(madvise),    SCMP_SYS(futex),           SCMP_SYS(exit),
        SCMP_SYS(exit_group), SCMP_SYS(clock_gettime),   SCMP_SYS(rt_sigreturn),
        SCMP_SYS(getrandom),  SCMP_SYS(restart_syscall),
    };
    int code = 0;
    for (size_t i = 0; i < ARRAY_COUNT(harmless) && code == 0; i++)
        code = allow(filter, harmless[i]);
    if (code == 0)
        code = allow_if(filter, SCMP_SYS(read), 0, all, STDIN_FILENO);
    if (code == 0)
        code = allow_if(filter, SCMP_SYS(write), 0, all, STDOUT_FILENO);
    if (code == 0)
        code = allow_if(filter, SCMP_SYS(write), 0, all, STDERR_FILENO);
    if (code == 0) /* memory, but never code */
        code = allow_if(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
    if (code == 0)
        code = allow_if(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
    if (code == 0) /* limits: its own */
        code = allow_if(filter, SCMP_SYS(prlimit64), 0, all, 0);
    return code;
}

static enum status load_filter(struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int code = filter == NULL ? -ENOMEM : fill(filter);
    if (code == 0)
        code = seccomp_load(filter);
    seccomp_release(filter);
    if (code != 0)
        return error_set(err, STATUS_IO, "filtering system calls: %s", strerror(-code));
    return STATUS_OK;
}

enum status confine(struct error *err)
{
    if (close_range(STDERR_FILENO + 1, ~0u, 0) != 0)
        return error_set_errno(err, errno, "closing descriptors");
    if (chdir("/") != 0)
        return error_set_errno(err, errno, "moving to /");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "giving up privileges");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "giving up dumps");
    enum status status = set_limits(err);
    return status == STATUS_OK && !SANITIZED ? load_filter(err) : status;
}

bool confine_is_complete(void)
{
    return !SANITIZED;
}
