#include "page/field.h"

#include <string.h>

#include "page/date.h"

void field_clear(struct field *field)
{
    field->size = 0;
}

void field_add(struct field *field, const char *text, size_t size)
{
    size_t room = FIELD_BYTES_MAX - field->size;
    size = size < room ? size : room;
    memcpy(field->text + field->size, text, size);
    field->size += size;
}

struct text_piece field_text(const struct field *field)
{
    const char *at = field->text, *end = at + field->size;
    while (at < end && (unsigned char)*at <= ' ')
        at++;
    while (at < end && (unsigned char)end[-1] <= ' ')
        end--;
    return (struct text_piece){at, (size_t)(end - at)};
}

int64_t field_date(const struct field *field)
{
    int64_t time_us = 0;
    return date_parse(field->text, field->size, &time_us) ? time_us : 0;
}
