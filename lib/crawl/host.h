/* The host of a URL: names, IPv4 in all its spellings, IPv6, by the WHATWG's host parser. */
#ifndef TIERCE_CRAWL_HOST_H
#define TIERCE_CRAWL_HOST_H

#include <stddef.h>

#include "base/error.h"

/* Of a host in normal form. Names over the DNS's 253 are no use to us, but no error either. */
enum { HOST_BYTES_MAX = 2048 };

/*
 * Brings a host as it stands in a URL (percent-encoded, Unicode, "[...]") to its normal form: lower
 * case, punycode, dotted decimal, or bracketed IPv6; one dot at the end of a name is dropped.
 *
 * ret_host  holds HOST_BYTES_MAX + 1; zero-terminated. Untouched on failure.
 *
 * Returns STATUS_OK, STATUS_INVALID or STATUS_TOO_LARGE.
 */
enum status host_normalise(const char *text, size_t size, char *ret_host, struct error *err);

#endif
