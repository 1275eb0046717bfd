#include "parser/confine.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/calls.h"
#include "sandbox/files.h"
#include "sandbox/limits.h"

/* Those of a loop of read, write and memory. */
static const struct calls_rule allowed[] = {
    {.call = "brk"},
    {.call = "munmap"},
    {.call = "mremap"},
    {.call = "madvise"},
    {.call = "futex"},
    {.call = "exit"},
    {.call = "exit_group"},
    {.call = "clock_gettime"},
    {.call = "rt_sigreturn"},
    {.call = "getrandom"},
    {.call = "restart_syscall"},
    {.call = "read", .compared = {{0, UINT64_MAX, STDIN_FILENO}}},
    {.call = "write", .compared = {{0, UINT64_MAX, STDOUT_FILENO}}},
    {.call = "write", .compared = {{0, UINT64_MAX, STDERR_FILENO}}},
    {.call = "mmap", .compared = {{2, PROT_EXEC, 0}}}, /* memory, but never code */
    {.call = "mprotect", .compared = {{2, PROT_EXEC, 0}}},
    {.call = "prlimit64", .compared = {{0, UINT64_MAX, 0}}}, /* its own */
    /* What reads PDF looks for tables of old encodings, and does without. */
    {.call = "openat", .verdict = CALLS_DENY},
    {.call = "newfstatat", .verdict = CALLS_DENY},
};

/* A second lock behind the filter, where the kernel has it. */
static enum status give_up_files(struct error *err)
{
    enum status status = sandbox_is_sanitized() ? STATUS_OK : files_confine(NULL, 0, err);
    return status == STATUS_UNSUPPORTED ? STATUS_OK : status;
}

/* In this order: what is mapped by now is read from a file, and Landlock takes a descriptor. */
static enum status set_limits(struct error *err)
{
    enum status status = limits_give_up_privileges(err);
    if (status == STATUS_OK)
        status = limits_lower_memory(CONFINE_MEMORY_BYTES, err);
    if (status == STATUS_OK)
        status = give_up_files(err);
    if (status == STATUS_OK)
        status = limits_lower(RLIMIT_FSIZE, 0, "files", err);
    if (status == STATUS_OK)
        status = limits_lower(RLIMIT_NOFILE, STDERR_FILENO + 1, "descriptors", err);
    return status;
}

enum status confine(struct error *err)
{
    if (close_range(STDERR_FILENO + 1, ~0u, 0) != 0)
        return error_set_errno(err, errno, "closing descriptors");
    if (chdir("/") != 0)
        return error_set_errno(err, errno, "moving to /");
    enum status status = set_limits(err);
    if (status != STATUS_OK || sandbox_is_sanitized())
        return status;
    return calls_confine(allowed, ARRAY_COUNT(allowed), CALLS_KILL, err);
}

bool confine_is_complete(void)
{
    return !sandbox_is_sanitized();
}
