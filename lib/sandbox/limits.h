/*
 * What a process gives up for good before it meets anything from outside: privileges, dumps of its
 * memory, resources.
 */
#ifndef TIERCE_SANDBOX_LIMITS_H
#define TIERCE_SANDBOX_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include "base/error.h"

/* A sanitizer's runtime needs more memory, files and system calls than the program: what is built
 * with one is confined in nothing that it would stumble over. */
bool sandbox_is_sanitized(void);

/* No program started from now on gains privileges, no core is written, and no other process of this
 * user may look into this one. */
enum status limits_give_up_privileges(struct error *err);

/* Lowers a limit, soft and hard, to `most`; one that is lower stays. `name` is for the words. */
enum status limits_lower(int resource, rlim_t most, const char *name, struct error *err);

/* Limits the address space to what is mapped by now and `more` bytes. */
enum status limits_lower_memory(size_t more, struct error *err);

#endif
