/*
 * The words of an error. Libraries fill it, programs log it once, where they decide what to do.
 */
#ifndef TIERCE_BASE_ERROR_H
#define TIERCE_BASE_ERROR_H

#include "base/status.h"

struct error {
    enum status status;
    char text[512]; /* zero-terminated, cut when longer */
};

/*
 * Sets the words (printf's format) and returns `status`, so that a function can end with
 * `return error_set(err, STATUS_CORRUPT, "...")`. `err` may be NULL.
 */
enum status error_set(struct error *err, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": " and the text of `errno_value` behind the words. ENOSPC and EDQUOT become
 * STATUS_NO_SPACE. */
enum status error_set_errno(struct error *err, int errno_value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "words: " in front of what is there. `err` may be NULL. */
void error_add_context(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
