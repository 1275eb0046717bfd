/*
 * Which files the process may touch from now on, by the kernel's Landlock: some to read, none to
 * write, to make or to run. Also no TCP port may be listened on and no process outside be
 * signalled, as far as the kernel has learnt to forbid that. What is open already stays open. Holds
 * for the calling thread and all that it starts, so it is to be called before there are others.
 */
#ifndef TIERCE_SANDBOX_FILES_H
#define TIERCE_SANDBOX_FILES_H

#include <stddef.h>

#include "base/error.h"

/*
 * readable  files, or folders with all that is below them; what does not exist is passed over.
 * Needs limits_give_up_privileges().
 *
 * Returns STATUS_OK; STATUS_UNSUPPORTED: the kernel has no Landlock, or it is switched off, and
 * nothing changed; STATUS_IO.
 */
enum status files_confine(const char *const *readable, size_t count, struct error *err);

/* What the kernel offers: 0 nothing, else the version of Landlock. */
unsigned files_confinement_version(void);

#endif
