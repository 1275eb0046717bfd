/* Where the other programs are. */
#ifndef TIERCE_CLI_PROGRAMS_H
#define TIERCE_CLI_PROGRAMS_H

#include <stdbool.h>

#include "base/arena.h"
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

#endif
