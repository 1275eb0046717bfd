/* Text between two tags, gathered as it comes. */
#ifndef TIERCE_PAGE_FIELD_H
#define TIERCE_PAGE_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "page/hints.h"

enum { FIELD_BYTES_MAX = 4096 }; /* of what is longer the rest is left out */

struct field {
    char text[FIELD_BYTES_MAX];
    size_t size;
};

void field_clear(struct field *field);
void field_add(struct field *field, const char *text, size_t size);

/* Without the white space around it. Borrowed from the field. */
struct text_piece field_text(const struct field *field);

/* Its date in microseconds since 1970; 0: it is none. */
int64_t field_date(const struct field *field);

#endif
