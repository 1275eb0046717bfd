/* A ZIP archive in memory, by libzip: its files are read one by one, each within a limit and all
 * together within another, whatever it says of their sizes. */
#ifndef TIERCE_PAGE_ARCHIVE_H
#define TIERCE_PAGE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    ARCHIVE_FILES_MAX = 10000,
    ARCHIVE_FILE_BYTES_MAX = 16 * 1024 * 1024, /* unpacked; a longer one is cut */
    ARCHIVE_BYTES_MAX = 64 * 1024 * 1024,      /* of all files that are read */
};

struct archive;

/* The bytes are borrowed. STATUS_CORRUPT, STATUS_TOO_LARGE (too many files), STATUS_NO_MEMORY. */
enum status archive_open(const uint8_t *bytes, size_t size, struct archive **ret_archive,
                         struct error *err);
void archive_close(struct archive *archive); /* accepts NULL */

/* Makes the libraries load what they would load later. Sets the time zone of the process: that of
 * the files' times does not matter. */
void archive_load(void);

bool archive_has(struct archive *archive, const char *name);

/*
 * A file's bytes, in place of what the buffer held. *ret_cut: there is more of it.
 * STATUS_NOT_FOUND, STATUS_UNSUPPORTED (it is encrypted, or packed in a way that is not known),
 * STATUS_CORRUPT, STATUS_NO_MEMORY.
 */
enum status archive_read(struct archive *archive, const char *name, struct buffer *ret_bytes,
                         bool *ret_cut, struct error *err);

#endif
