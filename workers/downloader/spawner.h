/*
 * A process that starts and ends the parser for a downloader that may not start programs itself:
 * forked before the downloader confines itself, it takes orders of one byte and gives back the
 * socket to a new parser. It ends, and its parser with it, when the downloader does.
 */
#ifndef TIERCE_DOWNLOADER_SPAWNER_H
#define TIERCE_DOWNLOADER_SPAWNER_H

#include <stdbool.h>

#include "base/error.h"

struct spawner;

/* Forks. `path` is the parser's, borrowed. To be called while there are no other threads, or at
 * least while none of them holds a lock that a child would need. */
enum status spawner_open(const char *path, struct spawner **ret_spawner, struct error *err);
void spawner_close(struct spawner *spawner); /* ends the parser; accepts NULL */

/*
 * Starts a parser in place of the one that there is. `ret_fd` is the caller's: a non-blocking
 * socket, the parser's standard input and output at its other end. One thread's at a time.
 *
 * STATUS_IO: it cannot be started; STATUS_UNAVAILABLE: the spawner itself is gone, for good.
 */
enum status spawner_start(struct spawner *spawner, int *ret_fd, struct error *err);

/* Kills the parser, if there is one. From any thread. */
void spawner_end(struct spawner *spawner);

/* From any thread. Whoever polls spawner_fd() for nothing but its hanging up learns of it. */
bool spawner_is_gone(const struct spawner *spawner);
int spawner_fd(const struct spawner *spawner);

#endif
