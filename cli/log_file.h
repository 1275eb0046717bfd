/*
 * The file that all processes log to while `tierce up` holds the terminal: kept small, and followed
 * for what an operator should see at once.
 */
#ifndef TIERCE_CLI_LOG_FILE_H
#define TIERCE_CLI_LOG_FILE_H

#include <stdio.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    LOG_FILE_BYTES_MAX = 16 * 1024 * 1024, /* beyond: it becomes PATH.1 and begins anew */
    LOG_LINE_BYTES_MAX = 4096,
};

struct log_file {
    char path[4096];
    int fd;             /* for appending, by our children too */
    int watch_fd;       /* readable when the file has grown */
    off_t read_to;      /* what has been followed */
    struct buffer rest; /* of a line that is not whole yet */
};

/* Opens the file, an earlier one being kept as PATH.1; its folder is made. */
enum status log_file_open(const char *path, struct log_file *ret_log, struct error *err);
void log_file_close(struct log_file *log); /* accepts a zeroed one */

/* Hands every whole line that is new to `take`, without its end. */
void log_file_follow(struct log_file *log, void (*take)(void *context, const char *line),
                     void *context);

/* Writes the last `count` lines to `file`. */
void log_file_print_end(const struct log_file *log, unsigned count, FILE *file);

#endif
