/* Where the other programs are. */
#ifndef TIERCE_CLI_PROGRAMS_H
#define TIERCE_CLI_PROGRAMS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* Whether `tierce NAME` runs the program of that name. */
bool programs_have(const char *name);

/*
 * The folder with the programs: this program's own, or libexec/tierce beside it. STATUS_NOT_FOUND
 * names both.
 */
enum status programs_find(struct arena *arena, const char **ret_folder, struct error *err);

/* Becomes the program. Returns only where it cannot. argv[0] is replaced by its path. */
enum status programs_exec(const char *name, char **argv, struct error *err);

/*
 * Runs the program and gathers what it writes to its standard output, at most `bytes_max` of it.
 * argv[0] is replaced by its path. STATUS_TOO_LARGE: there was more.
 *
 * ret_exit  its exit status; 128 and more: a signal ended it.
 */
enum status programs_run(const char *name, char **argv, size_t bytes_max, struct buffer *ret_output,
                         int *ret_exit, struct error *err);

#endif
