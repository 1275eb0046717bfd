#include "downloader/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/log.h"
#include "sandbox/calls.h"
#include "sandbox/files.h"
#include "sandbox/limits.h"

enum { DESCRIPTORS_WANTED = 4096 }; /* a connection per host */

/* The kernel's ioctl() takes 32 bits; socket types have flags besides. */
#define WORD      UINT32_MAX
#define TYPE_MASK 0xf

/* ---- files ---- */

static const char resolver_settings[] = "/etc/resolv.conf";

/*
 * What names, certificates and the modules of the C library need. /etc as a whole: resolv.conf,
 * hosts and the certificates are replaced by renaming, and a rule on a file would end with that
 * file. What is secret in there, its modes keep. Where resolv.conf is a link, the folder that it
 * leads to is replaced in likewise.
 */
static enum status give_up_files(struct error *err)
{
    char target[PATH_MAX];
    const char *readable[] = {"/etc", "/usr", "/lib", "/lib64", "/run/systemd/resolve", NULL};
    size_t count = ARRAY_COUNT(readable) - 1;
    if (realpath(resolver_settings, target) != NULL && strncmp(target, "/etc/", 5) != 0) {
        *strrchr(target, '/') = '\0';
        readable[count++] = target;
    }
    enum status status = files_confine(readable, count, err);
    if (status != STATUS_UNSUPPORTED)
        return status;
    log_warning("which files may be read is not limited: %s", err->text);
    return STATUS_OK;
}

/* ---- system calls ---- */

static const struct calls_rule rules[] = {
    /* memory and threads; no memory that is written becomes code */
    {.call = "brk"},
    {.call = "munmap"},
    {.call = "mremap"},
    {.call = "madvise"},
    {.call = "mmap", .compared = {{2, PROT_EXEC, 0}}},
    {.call = "mmap", .compared = {{2, PROT_WRITE, 0}, {3, MAP_ANONYMOUS, 0}}}, /* a library */
    {.call = "mprotect", .compared = {{2, PROT_EXEC, 0}}},
    {.call = "clone", .compared = {{0, CLONE_THREAD, CLONE_THREAD}}},
    {.call = "clone3", .verdict = CALLS_ABSENT}, /* what it asks for cannot be looked at */
    {.call = "futex"},
    {.call = "set_robust_list"},
    {.call = "rseq"},
    {.call = "sched_yield"},
    {.call = "sched_getaffinity"},
    {.call = "gettid"},
    {.call = "getpid"},
    {.call = "getppid"},
    {.call = "tgkill"}, /* abort(); to others is refused by Landlock */
    {.call = "exit"},
    {.call = "exit_group"},
    {.call = "prctl", .compared = {{0, WORD, PR_SET_NAME}}},
    {.call = "prlimit64", .compared = {{0, WORD, 0}, {2, UINT64_MAX, 0}}}, /* its own, to read */
    {.call = "getrlimit"},
    {.call = "rt_sigaction"},
    {.call = "rt_sigprocmask"},
    {.call = "rt_sigreturn"},
    {.call = "sigaltstack"},
    {.call = "restart_syscall"},
    {.call = "getuid"},
    {.call = "geteuid"},
    {.call = "getgid"},
    {.call = "getegid"},
    {.call = "uname"},
    {.call = "sysinfo"},
    {.call = "getrandom"},
    /* time */
    {.call = "clock_gettime"},
    {.call = "clock_getres"},
    {.call = "clock_nanosleep"},
    {.call = "nanosleep"},
    {.call = "gettimeofday"},
    {.call = "time"},
    {.call = "timerfd_create"},
    {.call = "timerfd_settime"},
    {.call = "timerfd_gettime"},
    /* what is open */
    {.call = "read"},
    {.call = "readv"},
    {.call = "pread64"},
    {.call = "write"},
    {.call = "writev"},
    {.call = "close"},
    {.call = "lseek"},
    {.call = "fcntl"},
    {.call = "dup"},
    {.call = "ioctl", .compared = {{1, WORD, 0x541B}}}, /* FIONREAD */
    {.call = "ioctl", .compared = {{1, WORD, 0x5421}}}, /* FIONBIO */
    {.call = "poll"},
    {.call = "ppoll"},
    {.call = "select"},
    {.call = "pselect6"},
    {.call = "epoll_create1"},
    {.call = "epoll_ctl"},
    {.call = "epoll_wait"},
    {.call = "epoll_pwait"},
    {.call = "eventfd2"},
    {.call = "pipe2"},
    /* files, to read */
    {.call = "open", .compared = {{1, O_ACCMODE | O_CREAT | O_TRUNC, 0}}},
    {.call = "openat", .compared = {{2, O_ACCMODE | O_CREAT | O_TRUNC, 0}}},
    {.call = "stat"},
    {.call = "lstat"},
    {.call = "fstat"},
    {.call = "newfstatat"},
    {.call = "statx"},
    {.call = "fstatfs"},
    {.call = "access"},
    {.call = "faccessat"},
    {.call = "faccessat2"},
    {.call = "readlink"},
    {.call = "readlinkat"},
    {.call = "getdents64"},
    {.call = "getcwd"},
    /* the network, but no bind(), listen() and accept() */
    {.call = "socket", .compared = {{0, WORD, AF_INET}, {1, TYPE_MASK, SOCK_STREAM}}},
    {.call = "socket", .compared = {{0, WORD, AF_INET}, {1, TYPE_MASK, SOCK_DGRAM}}},
    {.call = "socket", .compared = {{0, WORD, AF_INET6}, {1, TYPE_MASK, SOCK_STREAM}}},
    {.call = "socket", .compared = {{0, WORD, AF_INET6}, {1, TYPE_MASK, SOCK_DGRAM}}},
    {.call = "socket", .compared = {{0, WORD, AF_UNIX}, {1, TYPE_MASK, SOCK_STREAM}}},
    {.call = "socket", .compared = {{0, WORD, AF_UNIX}, {1, TYPE_MASK, SOCK_DGRAM}}},
    {.call = "socketpair", .compared = {{0, WORD, AF_UNIX}}},
    {.call = "connect"},
    {.call = "shutdown"},
    {.call = "sendto"},
    {.call = "sendmsg"},
    {.call = "sendmmsg"},
    {.call = "recvfrom"},
    {.call = "recvmsg"},
    {.call = "getsockname"},
    {.call = "getpeername"},
    {.call = "getsockopt"},
    {.call = "setsockopt"},
    {.call = "wait4"}, /* for the spawner's end */
    /* what nothing of ours ever tries: a sign that something else is at work here */
    {.call = "execve", .verdict = CALLS_KILL},
    {.call = "execveat", .verdict = CALLS_KILL},
    {.call = "ptrace", .verdict = CALLS_KILL},
    {.call = "process_vm_readv", .verdict = CALLS_KILL},
    {.call = "process_vm_writev", .verdict = CALLS_KILL},
};

/* ---- all of it ---- */

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warning("open files: %s", strerror(errno));
}

enum status confine(struct error *err)
{
    raise_descriptors();
    enum status status = limits_give_up_privileges(err);
    if (status != STATUS_OK || sandbox_is_sanitized())
        return status;
    status = give_up_files(err);
    if (status != STATUS_OK)
        return status;
    return calls_confine(rules, ARRAY_COUNT(rules), CALLS_DENY, err);
}
