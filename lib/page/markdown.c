/* Markdown, by md4c, which calls back for each piece. Raw HTML in it is taken as it is. */
#include <md4c.h>
#include <string.h>

#include "page/document.h"

enum { TITLE_BYTES_MAX = 1024 };

static const char *block_name(MD_BLOCKTYPE type, const void *detail)
{
    static const char *const headings[] = {"h1", "h2", "h3", "h4", "h5", "h6"};
    switch (type) {
    case MD_BLOCK_QUOTE:
        return "blockquote";
    case MD_BLOCK_UL:
        return "ul";
    case MD_BLOCK_OL:
        return "ol";
    case MD_BLOCK_LI:
        return "li";
    case MD_BLOCK_H:
        return headings[(((const MD_BLOCK_H_DETAIL *)detail)->level - 1) % 6];
    case MD_BLOCK_CODE:
        return "pre";
    case MD_BLOCK_P:
        return "p";
    case MD_BLOCK_TABLE:
        return "table";
    case MD_BLOCK_THEAD:
        return "thead";
    case MD_BLOCK_TBODY:
        return "tbody";
    case MD_BLOCK_TR:
        return "tr";
    case MD_BLOCK_TH:
        return "th";
    case MD_BLOCK_TD:
        return "td";
    default: /* the document, a rule, and HTML, which is there as it is */
        return NULL;
    }
}

static void write_tag(struct document *document, const char *opening, const char *name)
{
    if (name == NULL)
        return;
    document_markup(document, opening);
    document_markup(document, name);
    document_markup(document, ">");
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *context)
{
    write_tag(context, "<", block_name(type, detail));
    return document_is_full(context);
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *context)
{
    write_tag(context, "</", block_name(type, detail));
    document_markup(context, "\n");
    return 0;
}

/* An attribute's pieces: text, and entities, which HTML knows. */
static void write_attribute(struct document *document, const char *name,
                            const MD_ATTRIBUTE *attribute)
{
    document_markup(document, name);
    for (unsigned i = 0; attribute->size > 0 && attribute->substr_offsets[i] < attribute->size;
         i++) {
        MD_OFFSET from = attribute->substr_offsets[i], to = attribute->substr_offsets[i + 1];
        if (attribute->substr_types[i] == MD_TEXT_ENTITY)
            buffer_append(&document->html, attribute->text + from, to - from);
        else
            document_text(document, attribute->text + from, to - from);
    }
    document_markup(document, "\">");
}

static int enter_span(MD_SPANTYPE type, void *detail, void *context)
{
    if (type == MD_SPAN_A)
        write_attribute(context, "<a href=\"", &((const MD_SPAN_A_DETAIL *)detail)->href);
    return 0;
}

/* An image's text has been written where it stands: no more is wanted of it. */
static int leave_span(MD_SPANTYPE type, void *detail, void *context)
{
    (void)detail;
    if (type == MD_SPAN_A)
        document_markup(context, "</a>");
    return 0;
}

static int write_piece(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *context)
{
    struct document *document = context;
    switch (type) {
    case MD_TEXT_BR:
        document_markup(document, "<br>");
        break;
    case MD_TEXT_SOFTBR:
        document_markup(document, "\n");
        break;
    case MD_TEXT_ENTITY:
    case MD_TEXT_HTML:
        buffer_append(&document->html, text, size);
        break;
    default:
        document_text(document, text, size);
    }
    return document_is_full(document);
}

/* The first heading, without its marks. */
static void find_title(const char *text, size_t size, char ret[TITLE_BYTES_MAX])
{
    const char *end = text + size;
    ret[0] = '\0';
    for (const char *at = text; at < end;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end == NULL ? end : line_end;
        const char *from = at;
        while (from < line_end && *from == '#')
            from++;
        if (from > at && from < line_end && *from == ' ') {
            size_t length = (size_t)(line_end - from);
            while (length > 0 && strchr("# \t\r", from[length - 1]) != NULL)
                length--;
            length = length < TITLE_BYTES_MAX ? length : 0;
            for (size_t i = 0; i < length; i++) {
                if (strchr("*`", from[i]) == NULL)
                    *ret++ = from[i];
            }
            *ret = '\0';
            return;
        }
        at = line_end + 1;
    }
}

enum status markdown_read(const char *text, size_t size, struct document *document,
                          struct error *err)
{
    static const MD_PARSER parser = {.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH |
                                              MD_FLAG_PERMISSIVEAUTOLINKS | MD_FLAG_TASKLISTS,
                                     .enter_block = enter_block,
                                     .leave_block = leave_block,
                                     .enter_span = enter_span,
                                     .leave_span = leave_span,
                                     .text = write_piece};
    char title[TITLE_BYTES_MAX];
    find_title(text, size, title);
    document_write_head(document, &(struct document_head){.title = title});
    if (md_parse(text, (MD_SIZE)size, &parser, document) == -1 && !document->html.failed)
        return error_set(err, STATUS_NO_MEMORY, "Markdown");
    return STATUS_OK;
}
