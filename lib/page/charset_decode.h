/* The decoders of the WHATWG's Encoding standard, one for each kind of encoding. */
#ifndef TIERCE_PAGE_CHARSET_DECODE_H
#define TIERCE_PAGE_CHARSET_DECODE_H

#include "page/charset.h"

/*
 * Appends `body`, which is not in UTF-8, as UTF-8; as charset_decode() but that a lack of memory
 * only shows in the buffer.
 *
 * Returns STATUS_OK, or STATUS_UNSUPPORTED where the system lacks what the index is made of.
 */
enum status charset_decode_legacy(const struct charset *charset, const uint8_t *body, size_t size,
                                  struct buffer *ret_text, struct error *err);

/* Makes the indexes that decoding needs. */
void charset_decode_load_all(void);

#endif
