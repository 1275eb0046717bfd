/* The orchestrator, as the child of `tierce up`. */
#ifndef TIERCE_CLI_UP_CHILD_H
#define TIERCE_CLI_UP_CHILD_H

#include <sys/types.h>

#include "base/error.h"
#include "cli/command.h"

struct up_child {
    pid_t pid;
    int pidfd; /* readable when it has ended */
};

/*
 * Starts the orchestrator with what the command line says, in a process group of its own, so that
 * a Ctrl-C is ours alone. It is told to end when we are gone, however that came about.
 *
 * log_fd  what it and its children write to; -1: our own standard error.
 */
enum status up_child_start(const struct command_line *line, const char *data_folder, int log_fd,
                           struct up_child *ret_child, struct error *err);

/* Asks it to stop everything. */
void up_child_stop(const struct up_child *child);

/*
 * After pidfd became readable: takes its exit status. Returns whether that was 0; `ret_words`, of
 * at least 80 bytes, says what it was.
 */
bool up_child_reap(struct up_child *child, char *ret_words, size_t size);

#endif
