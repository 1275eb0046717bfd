/*
 * What outlives a barrel that its own files have brought down: marks in its folder by which the
 * next one knows that they are not to be opened once more. Only what wrong bytes do leaves one:
 * being killed, a full disk or a file that may not be opened are no damage.
 */
#ifndef TIERCE_BARREL_DAMAGE_H
#define TIERCE_BARREL_DAMAGE_H

#include <stdbool.h>

#include "base/error.h"

/* So many openings that crashed, without one between them that went well, are taken for damage. */
enum { DAMAGE_CRASHES_MAX = 8 };

/*
 * From now on a SIGBUS, which is a mapped file that cannot be read, leaves a mark in `folder`
 * (borrowed) before it ends the process. One folder a process.
 */
void damage_watch(const char *folder);

/*
 * To be called before the store in the folder that is watched is opened. Until damage_end_opening()
 * a SIGSEGV or SIGABRT is counted there before it ends the process: the engine has assertions, and
 * wrong bytes may meet them. So may a full disk: then nothing is counted.
 *
 * Returns NULL, or in words (static) why the store must be erased instead: a mark was left, or too
 * many openings crashed.
 */
const char *damage_begin_opening(void);

/* `is_open`: it went well, also where the store was erased. Then there is no mark any more. */
void damage_end_opening(bool is_open);

#endif
