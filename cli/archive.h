/*
 * What an archive's records are in the log, and the log's entries as records. docs/archives.md
 * draws both. What Tierce wrote comes back as it was; what others wrote is taken as far as it is a
 * page.
 */
#ifndef TIERCE_CLI_ARCHIVE_H
#define TIERCE_CLI_ARCHIVE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "crawl/warc.h"
#include "log.pb-c.h"

enum { ARCHIVE_HOPS_MAX = 8 }; /* of one fetch */

/* Why a record became no entry. */
enum archive_skip {
    ARCHIVE_TAKEN,
    ARCHIVE_PART,      /* a step of a fetch whose last one comes behind it */
    ARCHIVE_NO_ANSWER, /* warcinfo, request, metadata ...: not counted as anything missing */
    ARCHIVE_REVISIT,   /* nothing new was found */
    ARCHIVE_STATUS,    /* an error of the server, or an answer without a page */
    ARCHIVE_TYPE,      /* an image, a style sheet, a program */
    ARCHIVE_URL,       /* neither http nor https, or none at all */
    ARCHIVE_DATE,      /* none */
    ARCHIVE_BROKEN,    /* no HTTP answer, or a body that cannot be decoded */
    ARCHIVE_SKIPS
};

/* "no page: another type"; for people. */
const char *archive_skip_words(enum archive_skip skip);

struct archive_reader;

struct archive_reader *archive_reader_new(void);         /* aborts without memory */
void archive_reader_free(struct archive_reader *reader); /* accepts NULL */

/*
 * Makes an entry of a record. ARCHIVE_TAKEN: *ret_entry, in the arena, with its time.
 */
enum archive_skip archive_take(struct archive_reader *reader, const struct warc_record *record,
                               struct arena *arena, Log__Entry **ret_entry);

/* Appends the record that says who wrote the archive, and when. */
enum status archive_write_info(struct buffer *out, int64_t now_us, bool packed, struct error *err);

/* Appends the records of an entry: CONTENT, ROBOTS, OUTCOME. *ret_written: false where it has no
 * answer that a record could hold. STATUS_CORRUPT: its body cannot be unpacked. */
enum status archive_write(struct buffer *out, const Log__Entry *entry, bool packed,
                          bool *ret_written, struct error *err);

#endif
