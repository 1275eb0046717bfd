/*
 * URLs: read as browsers read them (the WHATWG's URL standard), resolved against a base, and
 * brought to one normal form, so that two spellings of the same page are the same bytes.
 * docs/urls.md describes the form. Only http and https: everything else is STATUS_INVALID with the
 * reason.
 */
#ifndef TIERCE_CRAWL_URL_H
#define TIERCE_CRAWL_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { URL_BYTES_MAX = 2048 }; /* of the text given, and of the normal form */

/* A URL in normal form. Every string is zero-terminated and lives in the arena of url_parse(). */
struct url {
    const char *text; /* the whole: "http://example.org:8080/a?b" */
    size_t text_size;
    const char *scheme;    /* "http" or "https" */
    const char *origin;    /* "http://example.org:8080": what a robots.txt is for */
    const char *authority; /* "example.org:8080"; without the port where it is the scheme's own */
    const char *host;      /* "example.org", "192.0.2.1" or "[2001:db8::1]" */
    uint16_t port;         /* 80 or 443 where the text names none */
    const char *path;      /* "/a": begins with '/', ends before the query */
    const char *query;     /* "b": without the '?'; NULL where there is none */
    const char *target;    /* "/a?b": path and query, as a request line and robots.txt have them */
};

/*
 * Reads `size` bytes of UTF-8 (other bytes are taken as U+FFFD), with or without white space
 * around.
 *
 * base     what a relative text is resolved against; NULL: the text must be absolute.
 * arena    the strings of `ret_url` come from here.
 * ret_url  untouched on failure.
 *
 * Returns STATUS_OK, STATUS_INVALID, STATUS_TOO_LARGE (over URL_BYTES_MAX) or STATUS_NO_MEMORY.
 */
enum status url_parse(const char *text, size_t size, const struct url *base, struct arena *arena,
                      struct url *ret_url, struct error *err);

/*
 * The name under which politeness is kept, in the arena: the host, whatever the scheme and the
 * port, for one machine answers them all. Only on loopback, where each port is a service of its
 * own, host and port. NULL: no memory.
 */
const char *url_host_queue(const struct url *url, struct arena *arena);

/*
 * The domain that a person can register, by the public suffix list: "example.co.uk" for
 * "www.example.co.uk". An address or a name that is a suffix itself is its own. Borrowed from the
 * URL.
 */
const char *url_registrable_domain(const struct url *url);

#endif
