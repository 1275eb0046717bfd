/*
 * The parser process: bytes of strangers go in by a socket, a page comes out. It may die of any of
 * them, or never come to an end; then it is replaced. Frames on the socket: the message's size as
 * 32 bits, little-endian, then a packed page.ParseRequest; a page.Page comes back in the same way.
 */
#ifndef TIERCE_DOWNLOADER_PARSER_CHILD_H
#define TIERCE_DOWNLOADER_PARSER_CHILD_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "downloader/spawner.h"
#include "page.pb-c.h"

enum {
    PARSER_PAGE_MS = 5000,                      /* for one page, by the clock */
    PARSER_ANSWER_BYTES_MAX = 32 * 1024 * 1024, /* of a packed page */
};

struct parser_child;

/* Has a parser started by the spawner (borrowed). */
enum status parser_child_open(struct spawner *spawner, uint32_t page_ms,
                              struct parser_child **ret_child, struct error *err);
void parser_child_close(struct parser_child *child); /* ends the process; accepts NULL */

/* What else there is to do while the parser works on a page; `work` NULL: nothing. */
struct parser_meanwhile {
    void (*work)(void *context);
    void *context;
};

/*
 * Has one page parsed; `ret_page` lies in the arena.
 *
 * Returns STATUS_OK; STATUS_UNAVAILABLE: the parser died; STATUS_TIMEOUT: it was too slow, and was
 * killed; STATUS_CORRUPT: its answer was none, and it was killed; STATUS_IO: it cannot be started
 * anew; STATUS_CANCELLED: it was interrupted; STATUS_NO_MEMORY.
 */
enum status parser_child_parse(struct parser_child *child, const Page__ParseRequest *request,
                               const struct parser_meanwhile *meanwhile, struct arena *arena,
                               Page__Page **ret_page, struct error *err);

/* From any thread, for good: kills the process, and no other is started. */
void parser_child_interrupt(struct parser_child *child);

/* How often it had to be started anew. From any thread. */
uint64_t parser_child_restarts(const struct parser_child *child);

#endif
