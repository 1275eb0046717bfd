/* Locks the process in: afterwards it can read its input, write its output, and compute. */
#ifndef TIERCE_PARSER_CONFINE_H
#define TIERCE_PARSER_CONFINE_H

#include <stdbool.h>

#include "base/error.h"

enum { CONFINE_MEMORY_BYTES = 512 * 1024 * 1024 }; /* of address space, beyond what is in use */

/*
 * Closes every descriptor but the standard three, moves to "/", gives up cores, files, children and
 * new privileges, limits memory, and last lets the kernel end the process at any system call but
 * those of a loop of read, write and memory. What is needed from files must have been loaded
 * before.
 *
 * Built with a sanitizer, whose runtime needs more, memory and system calls are left free.
 */
enum status confine(struct error *err);

/* False in a build with a sanitizer. */
bool confine_is_complete(void);

#endif
