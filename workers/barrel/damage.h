/*
 * What outlives a barrel that its own files have brought down: marks in its folder by which the
 * next one knows that they are not to be opened once more.
 */
#ifndef TIERCE_BARREL_DAMAGE_H
#define TIERCE_BARREL_DAMAGE_H

#include <stdbool.h>

#include "base/error.h"

/* So many openings in a row that did not end are taken for damage. */
enum { DAMAGE_OPENINGS_MAX = 8 };

/*
 * From now on a SIGBUS, which is a mapped file that cannot be read, leaves a mark in `folder`
 * (borrowed) before it ends the process. One folder a process.
 */
void damage_watch(const char *folder);

/*
 * To be called before the store in `folder` is opened. `ret_why`: NULL, or in words (static) why it
 * must be erased instead: a mark was left, or the last openings ended the process (the engine has
 * assertions, and wrong bytes may meet them).
 */
enum status damage_begin_opening(const char *folder, const char **ret_why, struct error *err);

/* The store is open, or was erased, or did not open and said so: there is no mark any more. */
void damage_end_opening(const char *folder);

#endif
