/* page.ParseRequest to struct page_input, and struct page to page.Page: the one place for both. */
#ifndef TIERCE_PARSER_TRANSLATE_H
#define TIERCE_PARSER_TRANSLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * Parses the page in a packed page.ParseRequest and appends a packed page.Page. A page that cannot
 * be parsed is an answer too: its problem says why.
 *
 * Returns STATUS_OK, or STATUS_NO_MEMORY where not even the answer has room.
 */
enum status translate_request(const uint8_t *request, size_t size, struct buffer *ret_answer,
                              struct error *err);

/* Appends the answer to a request that was not even looked at. */
enum status translate_refusal(const char *words, struct buffer *ret_answer, struct error *err);

#endif
