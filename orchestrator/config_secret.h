/*
 * Secrets of config.yaml: passwords, tokens and cookies stand in files of their own, which nobody
 * but their owner may read. What is in them is told in no message.
 */
#ifndef TIERCE_ORCHESTRATOR_CONFIG_SECRET_H
#define TIERCE_ORCHESTRATOR_CONFIG_SECRET_H

#include "base/arena.h"
#include "base/error.h"

enum { CONFIG_SECRET_BYTES_MAX = 8192 };

/*
 * Reads the one line of a file, without the newline behind it. Relative paths are taken from
 * `folder`.
 *
 * ret_text  in the arena.
 *
 * Returns STATUS_INVALID with words where the file cannot be read, is no file, can be read by
 * others (any bit of 077), is empty, is too long, or has control characters.
 */
enum status config_secret_read(const char *path, const char *folder, struct arena *arena,
                               const char **ret_text, struct error *err);

/* The same of a file of several lines: the newlines within stay. */
enum status config_secret_read_lines(const char *path, const char *folder, struct arena *arena,
                                     char **ret_text, struct error *err);

#endif
