/*
 * What stands in a store's folder beside the engine's own files: FORMAT (which version wrote this),
 * ballast (space to give back when the disk is full), bulk/ (sorted files being written).
 */
#ifndef TIERCE_STORE_FOLDER_H
#define TIERCE_STORE_FOLDER_H

#include <stdint.h>

#include "base/error.h"

enum { STORE_FORMAT_VERSION = 1 };

/*
 * Makes the folder and holds it for this process until *ret_lock is closed. STATUS_CONFLICT where
 * another one holds it.
 */
enum status folder_lock(const char *path, int *ret_lock, struct error *err);

/* The same by a file in it, which is made, for who holds the folder also while no store is open
 * there: a store's own lock stands beside it. */
enum status folder_lock_by_file(const char *path, const char *name, int *ret_lock,
                                struct error *err);

/*
 * Prepares a folder that is held, or checks that we can read what made it: STATUS_UNSUPPORTED "made
 * by version X", STATUS_CORRUPT for a FORMAT file that is none. Empties bulk/.
 */
enum status folder_prepare(const char *path, struct error *err);

/* The FORMAT file alone. */
enum status folder_write_format(const char *path, struct error *err);

/* Gives the ballast back where so little space is left that the engine could not open. */
void folder_drop_ballast_if_full(const char *path);

/*
 * Makes the ballast where there is none and plenty of space. Not having one is no error.
 * log_bytes  how large the write-ahead log may grow
 */
void folder_make_ballast(const char *path, uint64_t log_bytes);

#endif
