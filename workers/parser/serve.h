/* Requests in, answers out, one at a time, until the other side closes. */
#ifndef TIERCE_PARSER_SERVE_H
#define TIERCE_PARSER_SERVE_H

#include "base/error.h"

enum {
    SERVE_REQUEST_BYTES_MAX = 16 * 1024 * 1024, /* larger ones are answered with a problem */
    SERVE_PAGE_CPU_SECONDS =
        10 /* the process ends where one page takes more: its caller waits less */
};

/*
 * Reads frames from `fd_in` and answers each on `fd_out`: the size of a message, 32 bits,
 * little-endian, then a packed page.ParseRequest one way, a packed page.Page the other.
 *
 * Returns STATUS_OK at the end of the stream, or what made it impossible to go on.
 */
enum status serve(int fd_in, int fd_out, struct error *err);

#endif
