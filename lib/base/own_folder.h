/* Where the running program lies, and what was built or installed beside it. */
#ifndef TIERCE_BASE_OWN_FOLDER_H
#define TIERCE_BASE_OWN_FOLDER_H

#include <limits.h>
#include <stddef.h>

#include "base/error.h"

/* Absolute, without a slash at its end. */
enum status own_folder(char ret_folder[PATH_MAX], struct error *err);

/*
 * The first of the folders, told from the program's own (such as "../share"), that holds `file`;
 * absolute. STATUS_NOT_FOUND names the first and the last.
 */
enum status own_folder_find(const char *const *folders, size_t count, const char *file,
                            char ret_folder[PATH_MAX], struct error *err);

#endif
