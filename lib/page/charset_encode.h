/*
 * Queries of links as browsers send them: on a page that is not in UTF-8, what stands behind the
 * '?' is encoded as the page is (the WHATWG's URL standard, "percent-encode after encoding").
 */
#ifndef TIERCE_PAGE_CHARSET_ENCODE_H
#define TIERCE_PAGE_CHARSET_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "page/charset.h"
#include "page/charset_index.h"

/* Characters of one page that are looked up; those after are left to be encoded in UTF-8. */
enum { CHARSET_ENCODE_MAX = 4096 };

struct charset_encoder {
    const struct charset *charset; /* NULL: there is nothing to encode */
    bool is_ready;                 /* what follows is filled */
    const uint32_t *index;         /* of pairs of bytes */
    uint32_t single[CHARSET_SINGLE_COUNT];
    size_t left; /* of CHARSET_ENCODE_MAX */
};

/* For pages in an encoding; NULL: in UTF-8. There is nothing to encode in UTF-8, UTF-16 and
 * ISO-2022-JP, and where the system lacks the converter. */
void charset_encoder_init(struct charset_encoder *encoder, const struct charset *charset);

/*
 * Appends a URL as it stands in the page, in UTF-8, with the characters beyond ASCII of its query
 * as escapes of the page's bytes; a character that the encoding lacks becomes an escaped "&#8224;".
 *
 * Returns false, with nothing appended, where that changes nothing.
 */
bool charset_encode_query(struct charset_encoder *encoder, const char *url, size_t size,
                          struct buffer *ret_url);

#endif
