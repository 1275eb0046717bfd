/* One process of ours: started, watched by its pidfd, ended. */
#ifndef TIERCE_ORCHESTRATOR_PROCESS_H
#define TIERCE_ORCHESTRATOR_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct process_start {
    const char *const *arguments; /* ends with NULL; the first is the program's path */
    const char *const *variables; /* "NAME=value", added to our own; ends with NULL; or NULL */
    int stdin_fd;                 /* -1: /dev/null */
};

/* A process that exists and waits for process_go() before it becomes the program. */
struct process_begun {
    pid_t pid;
    int go_fd;
    int failure_fd;
};

/*
 * Makes the process: in a process group of its own, so that a Ctrl-C on the terminal is ours alone;
 * with standard output and standard error on our standard error and every other descriptor closed.
 * It ends by itself if we end before process_go(): so a caller can write down its number first, and
 * no process is ever running that nobody knows of.
 */
enum status process_begin(const struct process_start *start, struct process_begun *ret_begun,
                          struct error *err);

/* Lets it run. The words tell why the program could not be executed; the process is to be reaped in
 * any case. */
enum status process_go(struct process_begun *begun, struct error *err);

/* Ends it instead, and reaps it. */
void process_forsake(struct process_begun *begun);

/* When the process began, in ticks since boot, from /proc: with its number it names one process for
 * ever. False where there is no such process, or only its remains. */
bool process_start_ticks(pid_t pid, uint64_t *ret_ticks);

/* A descriptor of the process that began at `ticks`; -1 where it is gone. */
int process_open(pid_t pid, uint64_t ticks);

/*
 * After its pidfd became readable: ends what is left of the process's group, reaps it where it is
 * our child, and writes what became of it into `ret_words`: "exit status 1", "killed by signal 9
 * (Killed)". Returns false while it still runs.
 */
enum { PROCESS_WORDS_BYTES = 80 };
bool process_reap(pid_t pid, int pidfd, char ret_words[PROCESS_WORDS_BYTES]);

/* Runs a program to its end, at most `limit_ms`. STATUS_INVALID: its exit status was not 0. */
enum status process_run(const struct process_start *start, unsigned limit_ms, struct error *err);

#endif
