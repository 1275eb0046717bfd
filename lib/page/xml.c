/*
 * libxml2 reads; what it would stop at is put right before it sees it. It gets the root element
 * alone, without comments, instructions, marked sections (they come as text) and document types: so
 * it has nothing to declare, to expand or to load.
 */
#include "page/xml.h"

#include <ctype.h>
#include <libxml/parser.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/check.h"

enum {
    PIECE_BYTES = 16 * 1024,  /* handed to libxml2 at a time */
    REFERENCE_BYTES_MAX = 12, /* "&#x10FFFF;" and some zeros */
};

struct reader {
    xmlParserCtxtPtr parser;
    const struct xml_handler *handler;
    void *context;
    struct buffer piece; /* for libxml2, put right */
    const char *spaces[XML_DEPTH_MAX + 1];
    unsigned declared[XML_DEPTH_MAX + 1]; /* namespaces, by the element of that depth */
    unsigned depth;
    unsigned open_namespaces;
    size_t elements;
    int64_t ends_ms; /* of the thread's CPU time */
    bool stopped;
    bool is_cut;
};

/* ---- what libxml2 finds -----------------------------------------------------------------------
 */

static void stop(struct reader *reader, bool is_cut)
{
    reader->is_cut = reader->is_cut || is_cut;
    if (!reader->stopped)
        xmlStopParser(reader->parser);
    reader->stopped = true;
}

static void on_open(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *space,
                    int namespace_count, const xmlChar **namespaces, int attribute_count,
                    int defaulted_count, const xmlChar **attributes)
{
    struct reader *reader = context;
    (void)prefix, (void)namespaces, (void)defaulted_count;
    if (reader->stopped)
        return;
    reader->open_namespaces += (unsigned)namespace_count;
    if (reader->depth == XML_DEPTH_MAX || reader->open_namespaces > XML_OPEN_NAMESPACES_MAX ||
        ++reader->elements > XML_ELEMENTS_MAX) {
        stop(reader, true);
        return;
    }
    const char *parent = reader->spaces[reader->depth++];
    const char *own = space != NULL    ? (const char *)space
                      : prefix != NULL ? (const char *)prefix
                                       : "";
    reader->spaces[reader->depth] = own;
    reader->declared[reader->depth] = (unsigned)namespace_count;
    struct xml_element element = {
        .name = (const char *)name,
        .space = own,
        .depth = reader->depth,
        .kin = reader->depth == 1 || strcmp(own, parent) == 0,
        .attributes = attributes,
        .attribute_count = (unsigned)attribute_count,
    };
    if (!reader->handler->open(reader->context, &element))
        stop(reader, false);
}

static void on_close(void *context, const xmlChar *name, const xmlChar *prefix,
                     const xmlChar *space)
{
    struct reader *reader = context;
    (void)name, (void)prefix, (void)space;
    if (reader->stopped || reader->depth == 0)
        return;
    reader->open_namespaces -= reader->declared[reader->depth];
    unsigned depth = reader->depth--;
    if (reader->handler->close != NULL && !reader->handler->close(reader->context, depth))
        stop(reader, false);
}

static void on_text(void *context, const xmlChar *text, int size)
{
    struct reader *reader = context;
    if (!reader->stopped && reader->handler->text != NULL &&
        !reader->handler->text(reader->context, (const char *)text, (size_t)size))
        stop(reader, false);
}

bool xml_attribute(const struct xml_element *element, const char *name, const char **ret_value,
                   size_t *ret_size)
{
    for (unsigned i = 0; i < element->attribute_count; i++) {
        const unsigned char **attribute = element->attributes + 5 * (size_t)i;
        if (strcmp((const char *)attribute[0], name) != 0)
            continue;
        *ret_value = (const char *)attribute[3]; /* its first byte, and behind its last */
        *ret_size = (size_t)(attribute[4] - attribute[3]);
        return true;
    }
    return false;
}

/* ---- what stands before the root --------------------------------------------------------------
 */

static bool begins(const char *at, const char *end, const char *with)
{
    size_t size = strlen(with);
    return (size_t)(end - at) >= size && memcmp(at, with, size) == 0;
}

/* Behind the next `word`, or the end. */
static const char *behind(const char *at, const char *end, const char *word)
{
    const char *found = memmem(at, (size_t)(end - at), word, strlen(word));
    return found == NULL ? end : found + strlen(word);
}

/* Behind "<!DOCTYPE name [ ... ]>", whatever it declares. */
static const char *behind_document_type(const char *at, const char *end)
{
    bool declares = false;
    char quote = '\0';
    for (; at < end; at++) {
        if (quote != '\0')
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (declares && begins(at, end, "<!--"))
            at = behind(at, end, "-->") - 1;
        else if (*at == '[' || *at == ']')
            declares = *at == '[';
        else if (*at == '>' && !declares)
            return at + 1;
    }
    return end;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (uint8_t)c >= 0x80;
}

size_t xml_find_root(const char *text, size_t size)
{
    const char *at = text, *end = text + size;
    while (at < end) {
        if (is_space(*at))
            at++;
        else if (begins(at, end, "<!--"))
            at = behind(at, end, "-->");
        else if (begins(at, end, "<?"))
            at = behind(at, end, "?>");
        else if (begins(at, end, "<!"))
            at = behind_document_type(at, end);
        else
            break;
    }
    bool is_root = end - at >= 2 && *at == '<' && begins_name(at[1]);
    return is_root ? (size_t)(at - text) : size;
}

bool xml_declared_encoding(const char *text, size_t size, const char **ret_label,
                           size_t *ret_label_size)
{
    const char *at = text, *end = text + size;
    while (at < end && is_space(*at))
        at++;
    if (!begins(at, end, "<?xml"))
        return false;
    end = behind(at, end, "?>");
    at = behind(at, end, "encoding");
    while (at < end && (is_space(*at) || *at == '='))
        at++;
    if (at >= end || (*at != '"' && *at != '\''))
        return false;
    const char *close = memchr(at + 1, *at, (size_t)(end - at - 1));
    if (close == NULL)
        return false;
    *ret_label = at + 1;
    *ret_label_size = (size_t)(close - at - 1);
    return true;
}

/* ---- putting it right -------------------------------------------------------------------------
 */

static int64_t cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Names that are all different cost libxml2 more the more there are of them. */
static void hand_over(struct reader *reader)
{
    if (cpu_ms() > reader->ends_ms)
        stop(reader, true);
    if (reader->piece.size > 0 && !reader->stopped)
        xmlParseChunk(reader->parser, (const char *)reader->piece.data, (int)reader->piece.size, 0);
    buffer_clear(&reader->piece);
}

static void put(struct reader *reader, const char *text, size_t size)
{
    buffer_append(&reader->piece, text, size);
    if (reader->piece.size >= PIECE_BYTES)
        hand_over(reader);
}

/* The size of a reference by number, "&#38;" or "&#x26;"; 0: it is none. */
static size_t number_size(const char *at, const char *end)
{
    size_t left = (size_t)(end - at);
    size_t most = left < REFERENCE_BYTES_MAX ? left : REFERENCE_BYTES_MAX;
    bool hexadecimal = begins(at, end, "&#x");
    if (!begins(at, end, "&#"))
        return 0;
    size_t start = hexadecimal ? 3 : 2, digits = start;
    while (digits < most && (hexadecimal ? isxdigit((unsigned char)at[digits])
                                         : isdigit((unsigned char)at[digits])) != 0)
        digits++;
    return digits > start && digits < most && at[digits] == ';' ? digits + 1 : 0;
}

/*
 * What to hand over for the `ret_size` bytes at `at`; NULL: themselves. Characters that could be
 * taken for more are always written by their numbers: behind the first mistake of a document,
 * libxml2 passes over references by name.
 */
static const char *instead_of(const char *at, const char *end, bool has_references,
                              size_t *ret_size)
{
    static const struct {
        const char *name;
        const char *number;
    } known[] = {{"&amp;", "&#38;"},
                 {"&lt;", "&#60;"},
                 {"&gt;", "&#62;"},
                 {"&quot;", "&#34;"},
                 {"&apos;", "&#39;"}};
    *ret_size = 1;
    if (*at == '<' || *at == '>')
        return *at == '<' ? "&#60;" : "&#62;";
    if (*at != '&')
        return (uint8_t)*at < ' ' && (!is_space(*at) || *at == '\f') ? " " : NULL;
    for (size_t i = 0; has_references && i < ARRAY_COUNT(known); i++) {
        if (begins(at, end, known[i].name)) {
            *ret_size = strlen(known[i].name);
            return known[i].number;
        }
    }
    size_t number = has_references ? number_size(at, end) : 0;
    *ret_size = number > 0 ? number : 1;
    return number > 0 ? NULL : "&#38;";
}

/* Text with nothing in it that a parser could take for more. */
static void put_plain(struct reader *reader, const char *at, const char *end, bool has_references)
{
    const char *done = at;
    while (at < end) {
        size_t size;
        const char *instead = instead_of(at, end, has_references, &size);
        if (instead != NULL) {
            put(reader, done, (size_t)(at - done));
            put(reader, instead, strlen(instead));
            done = at + size;
        }
        at += size;
    }
    put(reader, done, (size_t)(end - done));
}

/* Where a tag ends, behind its '>'; NULL: not within the limits. */
static const char *end_of_tag(const char *at, const char *end)
{
    const char *most = end - at > XML_TAG_BYTES_MAX ? at + XML_TAG_BYTES_MAX : end;
    unsigned quotes = 0;
    char quote = '\0';
    for (; at < most; at++) {
        if (quote != '\0') {
            quote = *at == quote ? '\0' : quote;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
            if (++quotes > XML_ATTRIBUTES_MAX)
                return NULL;
        } else if (*at == '>') {
            return at + 1;
        }
    }
    return NULL;
}

/* An end tag that the document's end cut short ends its element all the same. */
static const char *put_cut_tag(struct reader *reader, const char *at, const char *end)
{
    if (!begins(at, end, "</") || end - at > XML_TAG_BYTES_MAX) {
        reader->is_cut = reader->is_cut || end - at > XML_TAG_BYTES_MAX;
        return end;
    }
    put(reader, "</x>", 4); /* libxml2 closes what is open, whatever the name */
    return end;
}

static const char *put_tag(struct reader *reader, const char *at, const char *end)
{
    const char *close = end_of_tag(at, end);
    if (close == NULL)
        return put_cut_tag(reader, at, end);
    const char *inner_end = close - 1;
    put(reader, at, 1);
    put_plain(reader, at + 1, inner_end, true);
    put(reader, inner_end, 1);
    return close;
}

static const char *put_section(struct reader *reader, const char *at, const char *end)
{
    const char *start = at + strlen("<![CDATA[");
    const char *close = memmem(start, (size_t)(end - start), "]]>", 3);
    put_plain(reader, start, close == NULL ? end : close, false);
    return close == NULL ? end : close + 3;
}

/* What begins with '<'; returns what is behind it. */
static const char *put_markup(struct reader *reader, const char *at, const char *end)
{
    if (begins(at, end, "<!--"))
        return behind(at, end, "-->");
    if (begins(at, end, "<![CDATA["))
        return put_section(reader, at, end);
    if (begins(at, end, "<?"))
        return behind(at, end, "?>");
    if (begins(at, end, "<!"))
        return behind(at, end, ">");
    if (end - at > 1 && (at[1] == '/' || begins_name(at[1])))
        return put_tag(reader, at, end);
    put(reader, "&#60;", 5);
    return at + 1;
}

static void put_all(struct reader *reader, const char *at, const char *end)
{
    while (at < end && !reader->stopped && !reader->piece.failed) {
        const char *markup = memchr(at, '<', (size_t)(end - at));
        put_plain(reader, at, markup == NULL ? end : markup, true);
        at = markup == NULL ? end : put_markup(reader, markup, end);
    }
    hand_over(reader);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

enum status xml_read(const char *text, size_t size, const struct xml_handler *handler,
                     void *context, bool *ret_is_cut, struct error *err)
{
    xmlSAXHandler events = {.initialized = XML_SAX2_MAGIC,
                            .startElementNs = on_open,
                            .endElementNs = on_close,
                            .characters = on_text,
                            .ignorableWhitespace = on_text};
    struct reader reader = {.handler = handler,
                            .context = context,
                            .spaces = {""},
                            .ends_ms = cpu_ms() + XML_CPU_MS_MAX};
    reader.parser = xmlCreatePushParserCtxt(&events, &reader, NULL, 0, NULL);
    if (reader.parser == NULL)
        return error_set(err, STATUS_NO_MEMORY, "XML");
    xmlCtxtUseOptions(reader.parser, XML_PARSE_RECOVER | XML_PARSE_NONET | XML_PARSE_NOERROR |
                                         XML_PARSE_NOWARNING | XML_PARSE_NOENT);
    put_all(&reader, text + xml_find_root(text, size), text + size);
    if (!reader.stopped)
        xmlParseChunk(reader.parser, NULL, 0, 1);
    bool failed = reader.piece.failed || reader.parser->errNo == XML_ERR_NO_MEMORY;
    xmlFreeDoc(reader.parser->myDoc);
    xmlFreeParserCtxt(reader.parser);
    buffer_release(&reader.piece);
    *ret_is_cut = reader.is_cut;
    return failed ? error_set(err, STATUS_NO_MEMORY, "XML") : STATUS_OK;
}

void xml_load(void)
{
    xmlInitParser();
}
