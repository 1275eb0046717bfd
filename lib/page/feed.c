#include "page/feed.h"

#include <string.h>
#include <strings.h>

#include "page/field.h"
#include "page/xml.h"

/* How well an element says where an item's page is, and when it was changed. */
enum { LINK_NONE, LINK_IDENTIFIER, LINK_OTHER_TYPE, LINK_FOREIGN, LINK_PAGE, LINK_ORIGINAL };
enum { DATE_NONE, DATE_PUBLISHED, DATE_MODIFIED };

/* The text of the element that is open. */
enum gathering { NOTHING, LINK, DATE, TITLE };

struct reader {
    struct hints *hints;
    unsigned item_depth;  /* 0: none is open */
    unsigned field_depth; /* of the element whose text is gathered */
    enum gathering gathering;
    unsigned rank;      /* of what is gathered */
    struct field field; /* what is gathered */
    struct field link;
    unsigned link_rank;
    struct field title;
    int64_t date_us;
    unsigned date_rank;
    struct arena bases; /* owns what `base` points to */
    struct url base;    /* named by the feed's xml:base */
};

static bool is(const struct xml_element *element, const char *name)
{
    return strcasecmp(element->name, name) == 0;
}

static bool is_web(struct text_piece text)
{
    return (text.size > 7 && strncasecmp(text.text, "http://", 7) == 0) ||
           (text.size > 8 && strncasecmp(text.text, "https://", 8) == 0);
}

/* ---- items ------------------------------------------------------------------------------------
 */

static void take_link(struct reader *reader, struct text_piece link, unsigned rank)
{
    if (rank <= reader->link_rank || link.size == 0 || (rank == LINK_IDENTIFIER && !is_web(link)))
        return;
    field_clear(&reader->link);
    field_add(&reader->link, link.text, link.size);
    reader->link_rank = rank;
}

static bool attribute_is(const struct xml_element *element, const char *name, const char *value)
{
    const char *text;
    size_t size;
    return xml_attribute(element, name, &text, &size) && size == strlen(value) &&
           strncasecmp(text, value, size) == 0;
}

static bool has_attribute(const struct xml_element *element, const char *name)
{
    const char *text;
    size_t size;
    return xml_attribute(element, name, &text, &size) && size > 0;
}

/* <link href="...">, in Atom and where others borrow it. */
static void take_reference(struct reader *reader, const struct xml_element *element)
{
    struct text_piece link;
    if (!xml_attribute(element, "href", &link.text, &link.size) ||
        (has_attribute(element, "rel") && !attribute_is(element, "rel", "alternate")))
        return;
    bool page = !has_attribute(element, "type") || attribute_is(element, "type", "text/html") ||
                attribute_is(element, "type", "application/xhtml+xml");
    take_link(reader, link, !page ? LINK_OTHER_TYPE : element->kin ? LINK_PAGE : LINK_FOREIGN);
}

static void gather(struct reader *reader, enum gathering what, unsigned rank, unsigned depth)
{
    reader->gathering = what;
    reader->rank = rank;
    reader->field_depth = depth;
    field_clear(&reader->field);
}

static unsigned date_rank(const struct xml_element *element)
{
    static const struct {
        const char *name;
        unsigned rank;
    } dates[] = {{"updated", DATE_MODIFIED},  {"modified", DATE_MODIFIED},
                 {"pubDate", DATE_PUBLISHED}, {"published", DATE_PUBLISHED},
                 {"date", DATE_PUBLISHED},    {"issued", DATE_PUBLISHED},
                 {"created", DATE_PUBLISHED}};
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        if (is(element, dates[i].name))
            return dates[i].rank;
    }
    return DATE_NONE;
}

/* A child of an item. */
static void see_child(struct reader *reader, const struct xml_element *element)
{
    unsigned depth = element->depth;
    unsigned rank = date_rank(element);
    if (is(element, "link") && has_attribute(element, "href"))
        take_reference(reader, element);
    else if (is(element, "link") && element->kin)
        gather(reader, LINK, LINK_PAGE, depth);
    else if (is(element, "origLink"))
        gather(reader, LINK, LINK_ORIGINAL, depth);
    else if ((is(element, "guid") || is(element, "id")) && element->kin)
        gather(reader, LINK, LINK_IDENTIFIER, depth);
    else if (is(element, "title") && element->kin && reader->title.size == 0)
        gather(reader, TITLE, 0, depth);
    else if (rank > reader->date_rank)
        gather(reader, DATE, rank, depth);
}

static void begin_item(struct reader *reader, const struct xml_element *element)
{
    struct text_piece about;
    reader->item_depth = element->depth;
    reader->link_rank = LINK_NONE;
    reader->date_rank = DATE_NONE;
    reader->date_us = 0;
    field_clear(&reader->link);
    field_clear(&reader->title);
    if (xml_attribute(element, "about", &about.text, &about.size)) /* of RSS 1.0 */
        take_link(reader, about, LINK_IDENTIFIER);
}

static bool end_item(struct reader *reader)
{
    reader->item_depth = 0;
    return hints_add(reader->hints, field_text(&reader->link), field_text(&reader->title),
                     reader->date_us);
}

/* ---- the stream -------------------------------------------------------------------------------
 */

/* What relative links of the whole feed are relative to. */
static void see_root(struct reader *reader, const struct xml_element *element)
{
    const char *base;
    size_t size;
    if (xml_attribute(element, "base", &base, &size) &&
        url_parse(base, size, reader->hints->base, &reader->bases, &reader->base, NULL) ==
            STATUS_OK)
        reader->hints->base = &reader->base;
}

static bool on_open(void *context, const struct xml_element *element)
{
    struct reader *reader = context;
    if (element->depth == 1)
        see_root(reader, element);
    if (reader->gathering != NOTHING)
        return true; /* markup within a title: its text counts */
    bool item = element->depth > 1 && (is(element, "item") || is(element, "entry"));
    if (item && (reader->item_depth == 0 || element->depth == reader->item_depth + 1)) {
        bool going_on = reader->item_depth == 0 || end_item(reader); /* it was never closed */
        begin_item(reader, element);
        return going_on;
    }
    if (reader->item_depth > 0 && element->depth == reader->item_depth + 1)
        see_child(reader, element);
    return true;
}

static bool on_text(void *context, const char *text, size_t size)
{
    struct reader *reader = context;
    if (reader->gathering != NOTHING)
        field_add(&reader->field, text, size);
    return true;
}

static void end_field(struct reader *reader)
{
    int64_t date_us = reader->gathering == DATE ? field_date(&reader->field) : 0;
    if (reader->gathering == LINK)
        take_link(reader, field_text(&reader->field), reader->rank);
    if (reader->gathering == TITLE)
        reader->title = reader->field;
    if (date_us != 0) {
        reader->date_us = date_us;
        reader->date_rank = reader->rank;
    }
    reader->gathering = NOTHING;
}

static bool on_close(void *context, unsigned depth)
{
    struct reader *reader = context;
    if (reader->gathering != NOTHING && depth <= reader->field_depth)
        end_field(reader);
    if (reader->item_depth > 0 && depth <= reader->item_depth)
        return end_item(reader);
    return true;
}

enum status feed_read_xml(const char *text, size_t size, struct hints *hints, struct error *err)
{
    static const struct xml_handler handler = {on_open, on_text, on_close};
    struct reader reader = {.hints = hints};
    const struct url *base = hints->base;
    bool is_cut = false;
    enum status status = xml_read(text, size, &handler, &reader, &is_cut, err);
    if (status == STATUS_OK && !hints->cut && !hints->failed && reader.item_depth > 0)
        end_item(&reader); /* cut short: what it had said by then */
    hints->base = base;
    arena_release(&reader.bases);
    hints->cut = hints->cut || is_cut;
    if (status == STATUS_OK && hints->failed)
        return error_set(err, STATUS_NO_MEMORY, "feed");
    return status;
}
