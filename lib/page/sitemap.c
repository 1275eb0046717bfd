#include "page/sitemap.h"

#include <string.h>
#include <strings.h>

#include "page/field.h"
#include "page/xml.h"

/* ---- XML --------------------------------------------------------------------------------------
 */

struct reader {
    struct hints *hints;
    unsigned entry_depth;    /* of the <url> or <sitemap> that is open; 0: none */
    unsigned field_depth;    /* of the element whose text is gathered; 0: none */
    struct field *gathering; /* that text */
    struct field location;
    struct field modified;
    struct field published; /* of news */
    struct field title;     /* of news */
    struct field bare;      /* text of the entry itself: some leave the <loc> out */
};

static bool is(const struct xml_element *element, const char *name)
{
    return strcasecmp(element->name, name) == 0;
}

static void begin_entry(struct reader *reader, unsigned depth)
{
    reader->entry_depth = depth;
    struct field *fields[] = {&reader->location, &reader->modified, &reader->published,
                              &reader->title, &reader->bare};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        field_clear(fields[i]);
}

static bool end_entry(struct reader *reader)
{
    struct text_piece location = field_text(&reader->location);
    int64_t modified_us = field_date(&reader->modified);
    if (location.size == 0)
        location = field_text(&reader->bare);
    if (modified_us == 0)
        modified_us = field_date(&reader->published);
    reader->entry_depth = 0;
    return hints_add(reader->hints, location, field_text(&reader->title), modified_us);
}

/* The first of each counts. */
static void gather(struct reader *reader, struct field *field, unsigned depth)
{
    if (field->size > 0)
        return;
    reader->gathering = field;
    reader->field_depth = depth;
}

static bool on_open(void *context, const struct xml_element *element)
{
    struct reader *reader = context;
    if (reader->gathering != NULL)
        return true; /* <loc><url>...</url></loc>: all the text within counts */
    bool entry = (element->depth == 2 || (element->depth > 2 && element->kin)) &&
                 (is(element, "url") || is(element, "sitemap"));
    bool child = element->kin && element->depth == reader->entry_depth + 1;
    if (entry && (reader->entry_depth == 0 || child)) {
        bool going_on = reader->entry_depth == 0 || end_entry(reader); /* it was never closed */
        begin_entry(reader, element->depth);
        return going_on;
    }
    if (reader->entry_depth == 0)
        return true;
    if (child && is(element, "loc"))
        gather(reader, &reader->location, element->depth);
    else if (child && is(element, "lastmod"))
        gather(reader, &reader->modified, element->depth);
    else if (is(element, "publication_date") && strstr(element->space, "news") != NULL)
        gather(reader, &reader->published, element->depth);
    else if (is(element, "title") && strstr(element->space, "news") != NULL)
        gather(reader, &reader->title, element->depth);
    return true;
}

static bool on_text(void *context, const char *text, size_t size)
{
    struct reader *reader = context;
    if (reader->gathering != NULL)
        field_add(reader->gathering, text, size);
    else if (reader->entry_depth > 0)
        field_add(&reader->bare, text, size);
    return true;
}

static bool on_close(void *context, unsigned depth)
{
    struct reader *reader = context;
    if (reader->gathering != NULL && depth <= reader->field_depth)
        reader->gathering = NULL;
    if (reader->entry_depth > 0 && depth <= reader->entry_depth)
        return end_entry(reader);
    return true;
}

/* The document ended within an entry: one whose location is complete counts. */
static void end_reading(struct reader *reader)
{
    if (reader->entry_depth > 0 && reader->gathering != &reader->location)
        end_entry(reader);
}

enum status sitemap_read_xml(const char *text, size_t size, struct hints *hints, struct error *err)
{
    static const struct xml_handler handler = {on_open, on_text, on_close};
    struct reader reader = {.hints = hints};
    bool is_cut;
    enum status status = xml_read(text, size, &handler, &reader, &is_cut, err);
    if (status != STATUS_OK)
        return status;
    if (!hints->cut && !hints->failed)
        end_reading(&reader);
    hints->cut = hints->cut || is_cut;
    return hints->failed ? error_set(err, STATUS_NO_MEMORY, "sitemap") : STATUS_OK;
}

/* ---- text -------------------------------------------------------------------------------------
 */

/* The next line without white space around it; false at the end. */
static bool next_line(const char **at, const char *end, struct text_piece *ret_line)
{
    if (*at >= end)
        return false;
    const char *start = *at, *stop = start;
    while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    *at = stop + (stop < end);
    while (start < stop && (unsigned char)*start <= ' ')
        start++;
    while (start < stop && (unsigned char)stop[-1] <= ' ')
        stop--;
    *ret_line = (struct text_piece){start, (size_t)(stop - start)};
    return true;
}

static bool is_location(struct text_piece line)
{
    size_t scheme = line.size > 7 && strncasecmp(line.text, "http://", 7) == 0    ? 7
                    : line.size > 8 && strncasecmp(line.text, "https://", 8) == 0 ? 8
                                                                                  : 0;
    return scheme > 0 && memchr(line.text, ' ', line.size) == NULL &&
           memchr(line.text, '\t', line.size) == NULL;
}

bool sitemap_is_text(const char *text, size_t size, bool lenient)
{
    const char *at = text, *end = text + size;
    struct text_piece line;
    size_t locations = 0, others = 0;
    while (next_line(&at, end, &line)) {
        if (is_location(line))
            locations++;
        else if (line.size > 0)
            others++;
        if (others > 0 && !lenient)
            return false;
    }
    return locations > others;
}

enum status sitemap_read_text(const char *text, size_t size, struct hints *hints, struct error *err)
{
    const char *at = text, *end = text + size;
    struct text_piece line, no_title = {"", 0};
    while (next_line(&at, end, &line)) {
        if (is_location(line) && !hints_add(hints, line, no_title, 0))
            break;
    }
    return hints->failed ? error_set(err, STATUS_NO_MEMORY, "sitemap") : STATUS_OK;
}
