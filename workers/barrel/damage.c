#include "barrel/damage.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "barrel/barrel.h"
#include "base/check.h"
#include "store/kv.h"

#define MARK_NAME    "damaged" /* left by a SIGBUS */
#define CRASHES_NAME "crashes" /* a byte for each opening that crashed */

static const int crashes[] = {SIGSEGV, SIGABRT};

/* The handlers'. */
static const char *watched;
static char mark_path[PATH_MAX], crashes_path[PATH_MAX];

static bool counts_crashes;
static struct sigaction before[ARRAY_COUNT(crashes)]; /* the opening */

static void make_path(char ret[PATH_MAX], const char *folder, const char *name)
{
    int length = snprintf(ret, PATH_MAX, "%s/%s", folder, name);
    CHECK(length > 0 && length < PATH_MAX); /* the store has longer ones */
}

static void add_byte(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    ssize_t written = write(fd, "x", 1);
    (void)written;
    close(fd);
}

/* The handlers are gone when they run: what faulted faults again and ends the process. */
static void set_handler(int number, void handle(int, siginfo_t *, void *), struct sigaction *ret)
{
    struct sigaction action = {.sa_sigaction = handle,
                               .sa_flags = (int)(SA_RESETHAND | SA_SIGINFO)};
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(number, &action, ret) == 0);
}

/* Sent by somebody, as with kill(1), a signal says nothing of the files. */
static bool is_fault(const siginfo_t *info)
{
    return info->si_code > 0;
}

static void leave_mark(int number, siginfo_t *info, void *context)
{
    static const char words[] = "a file of the index cannot be read: it will be rebuilt\n";
    (void)context;
    if (!is_fault(info)) {
        raise(number);
        return;
    }
    add_byte(mark_path);
    ssize_t written = write(STDERR_FILENO, words, sizeof(words) - 1);
    (void)written;
}

static void count_crash(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (is_fault(info) || info->si_pid == getpid()) /* abort() sends its own */
        add_byte(crashes_path);
    if (!is_fault(info))
        raise(number);
}

void damage_watch(const char *folder)
{
    watched = folder;
    make_path(mark_path, folder, MARK_NAME);
    make_path(crashes_path, folder, CRASHES_NAME);
    set_handler(SIGBUS, leave_mark, NULL);
}

const char *damage_begin_opening(void)
{
    struct stat info;
    CHECK(watched != NULL && !counts_crashes);
    counts_crashes = kv_free_space(watched) >= BARREL_FREE_BYTES_MIN;
    for (size_t i = 0; counts_crashes && i < ARRAY_COUNT(crashes); i++)
        set_handler(crashes[i], count_crash, &before[i]);
    if (access(mark_path, F_OK) == 0)
        return "a file of it could not be read";
    if (stat(crashes_path, &info) == 0 && info.st_size >= DAMAGE_CRASHES_MAX)
        return "the last times, opening it crashed";
    return NULL;
}

void damage_end_opening(bool is_open)
{
    for (size_t i = 0; counts_crashes && i < ARRAY_COUNT(crashes); i++)
        CHECK(sigaction(crashes[i], &before[i], NULL) == 0);
    counts_crashes = false;
    if (!is_open)
        return;
    unlink(mark_path);
    unlink(crashes_path);
}
