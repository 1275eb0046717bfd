#include "barrel/damage.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"

#define MARK_NAME    "damaged" /* left by a SIGBUS */
#define OPENING_NAME "opening" /* how many openings in a row have begun */

enum { OPENING_BYTES_MAX = 16 };

static char mark_path[PATH_MAX]; /* the handler's */

static void make_path(char ret[PATH_MAX], const char *folder, const char *name)
{
    int length = snprintf(ret, PATH_MAX, "%s/%s", folder, name);
    CHECK(length > 0 && length < PATH_MAX); /* the store has longer ones */
}

/* The handler is gone then: what faulted faults again and ends the process. */
static void leave_mark(int number)
{
    static const char words[] = "a file of the index cannot be read: it will be rebuilt\n";
    (void)number;
    int fd = open(mark_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    ssize_t written = write(STDERR_FILENO, words, sizeof(words) - 1);
    (void)written;
}

void damage_watch(const char *folder)
{
    struct sigaction action = {.sa_handler = leave_mark, .sa_flags = (int)SA_RESETHAND};
    make_path(mark_path, folder, MARK_NAME);
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

static unsigned read_openings(const char *path)
{
    struct buffer text = {0};
    unsigned openings = 0;
    if (file_read(path, OPENING_BYTES_MAX, &text, NULL) == STATUS_OK)
        openings = (unsigned)strtoul(buffer_string(&text), NULL, 10);
    buffer_release(&text);
    return openings;
}

enum status damage_begin_opening(const char *folder, const char **ret_why, struct error *err)
{
    char mark[PATH_MAX], opening[PATH_MAX], text[OPENING_BYTES_MAX];
    make_path(mark, folder, MARK_NAME);
    make_path(opening, folder, OPENING_NAME);
    unsigned openings = read_openings(opening);
    *ret_why = NULL;
    if (access(mark, F_OK) == 0)
        *ret_why = "a file of it could not be read";
    else if (openings >= DAMAGE_OPENINGS_MAX)
        *ret_why = "the last times, opening it ended the process";
    int size = snprintf(text, sizeof(text), "%u\n", openings + 1);
    enum status status = file_replace(opening, text, (size_t)size, 0600, err);
    /* The store has something put by to open on a full disk; this opening is not counted then. */
    return status == STATUS_NO_SPACE ? STATUS_OK : status;
}

void damage_end_opening(const char *folder)
{
    char path[PATH_MAX];
    make_path(path, folder, MARK_NAME);
    unlink(path);
    make_path(path, folder, OPENING_NAME);
    unlink(path);
}
