/* Small files and descriptors. */
#ifndef TIERCE_BASE_FILE_H
#define TIERCE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/* Appends the whole file to `ret_bytes`; STATUS_NOT_FOUND, STATUS_TOO_LARGE over `limit` bytes,
 * STATUS_IO. */
enum status file_read(const char *path, size_t limit, struct buffer *ret_bytes, struct error *err);

/* Writes a temporary file beside it, syncs, renames, syncs the folder: readers see the old bytes or
 * the new. */
enum status file_replace(const char *path, const void *bytes, size_t size, mode_t mode,
                         struct error *err);

/* The folder and those above it, as mkdir -p. */
enum status file_make_folders(const char *path, mode_t mode, struct error *err);

enum status fd_write_all(int fd, const void *bytes, size_t size, struct error *err);
/* Reads exactly `size` bytes; STATUS_END where the stream ends before the first of them. */
enum status fd_read_all(int fd, void *ret_bytes, size_t size, struct error *err);
enum status fd_set_nonblocking(int fd, bool nonblocking, struct error *err);

/* Closes if >= 0; keeps errno. */
void fd_close(int fd);

#endif
