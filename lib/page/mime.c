#include "page/mime.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

enum { SNIFF_BYTES_MAX = 1024 };

/* ---- the header ----------------------------------------------------------------------------- */

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static void copy_lower(char *ret_text, size_t room, const char *text, size_t size)
{
    if (size >= room)
        size = 0; /* no type or charset that anybody knows is so long */
    for (size_t i = 0; i < size; i++)
        ret_text[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
    ret_text[size] = '\0';
}

/* Reads `name=value` or `name="value"`; returns what is behind it. */
static const char *read_parameter(const char *at, struct mime *mime)
{
    size_t name_size = strcspn(at, "=;");
    bool is_charset = name_size == 7 && strncasecmp(at, "charset", 7) == 0;
    if (at[name_size] != '=')
        return at + name_size;
    const char *value = at + name_size + 1;
    bool quoted = *value == '"';
    value += quoted;
    size_t size = strcspn(value, quoted ? "\"" : "; \t\r\n");
    if (is_charset && mime->charset[0] == '\0')
        copy_lower(mime->charset, sizeof(mime->charset), value, size);
    return value + size + (quoted && value[size] == '"');
}

void mime_parse(const char *header, struct mime *ret_mime)
{
    *ret_mime = (struct mime){.type = ""};
    const char *at = skip_spaces(header == NULL ? "" : header);
    size_t size = strcspn(at, "; \t\r\n,");
    if (memchr(at, '/', size) != NULL)
        copy_lower(ret_mime->type, sizeof(ret_mime->type), at, size);
    for (at = strchr(at, ';'); at != NULL; at = strchr(at, ';'))
        at = read_parameter(skip_spaces(at + 1), ret_mime);
}

/* ---- the body ------------------------------------------------------------------------------- */

static bool has_mark(const uint8_t *body, size_t size)
{
    return size >= 2 && (memcmp(body, "\xFE\xFF", 2) == 0 || memcmp(body, "\xFF\xFE", 2) == 0);
}

/* The bytes that the MIME sniffing standard calls binary; UTF-16 is full of them. */
static bool is_binary(const struct mime *mime, const uint8_t *body, size_t size)
{
    if (has_mark(body, size) || strncmp(mime->charset, "utf-16", 6) == 0)
        return false;
    for (size_t i = 0; i < size && i < SNIFF_BYTES_MAX; i++) {
        uint8_t c = body[i];
        if (c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1A) || (c >= 0x1C && c <= 0x1F))
            return true;
    }
    return false;
}

static bool begins_tag(const char *at, const char *end, const char *tag)
{
    size_t size = strlen(tag);
    return (size_t)(end - at) > size && strncasecmp(at, tag, size) == 0 &&
           strchr(" \t\r\n\f/>-", at[size]) != NULL;
}

static bool looks_like_html(const uint8_t *body, size_t size)
{
    static const char *const tags[] = {
        "<!doctype html", "<html", "<head", "<script", "<body", "<title", "<meta",    "<div",
        "<table",         "<a",    "<h1",   "<p",      "<!-",   "<style", "<frameset"};
    const char *at = (const char *)body, *end = at + size;
    if (size >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    while (at < end && strchr(" \t\r\n\f", *at) != NULL && *at != '\0')
        at++;
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++) {
        if (begins_tag(at, end, tags[i]))
            return true;
    }
    return false;
}

static bool is_xhtml(const uint8_t *body, size_t size)
{
    size_t looked_at = size < SNIFF_BYTES_MAX ? size : SNIFF_BYTES_MAX;
    const char *root = memmem(body, looked_at, "<html", 5);
    return root != NULL && begins_tag(root, (const char *)body + size, "<html");
}

bool mime_is_xml(const struct mime *mime)
{
    const char *type = mime->type;
    size_t size = strlen(type);
    return strcmp(type, "text/xml") == 0 || strcmp(type, "application/xml") == 0 ||
           strcmp(type, "application/x-xml") == 0 ||
           (size > 4 && strcmp(type + size - 4, "+xml") == 0);
}

/* Types that say no more than that there are bytes. */
static bool is_any_bytes(const char *type)
{
    static const char *const types[] = {"application/octet-stream", "binary/octet-stream",
                                        "application/zip",          "application/x-zip-compressed",
                                        "application/download",     "application/force-download"};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (strcmp(type, types[i]) == 0)
            return true;
    }
    return type[0] == '\0';
}

static bool is_office_type(const char *type)
{
    static const char *const families[] = {"application/vnd.oasis.opendocument.",
                                           "application/vnd.openxmlformats-officedocument."};
    for (size_t i = 0; i < ARRAY_COUNT(families); i++) {
        if (strncmp(type, families[i], strlen(families[i])) == 0)
            return true;
    }
    return false;
}

/* Whatever the archive holds: what is no document is told when it is read. */
static bool looks_like_archive(const uint8_t *body, size_t size)
{
    return size >= 4 && memcmp(body, "PK\3\4", 4) == 0;
}

static bool looks_like_pdf(const uint8_t *body, size_t size)
{
    size_t looked_at = size < SNIFF_BYTES_MAX ? size : SNIFF_BYTES_MAX;
    return memmem(body, looked_at, "%PDF-", 5) != NULL;
}

/* MIME_OTHER: it is no document of these kinds. */
static enum mime_kind document_kind(const char *type, const uint8_t *body, size_t size)
{
    bool is_unknown = is_any_bytes(type);
    if (strcmp(type, "application/pdf") == 0 || strcmp(type, "application/x-pdf") == 0 ||
        (is_unknown && looks_like_pdf(body, size)))
        return MIME_PDF;
    if (is_office_type(type) || (is_unknown && looks_like_archive(body, size)))
        return MIME_OFFICE;
    return MIME_OTHER;
}

static bool is_markdown_type(const char *type)
{
    return strcmp(type, "text/markdown") == 0 || strcmp(type, "text/x-markdown") == 0;
}

enum mime_kind mime_kind(const struct mime *mime, const uint8_t *body, size_t size)
{
    enum mime_kind document = document_kind(mime->type, body, size);
    if (document != MIME_OTHER)
        return document;
    if (strcmp(mime->type, "text/html") == 0 || strcmp(mime->type, "application/xhtml+xml") == 0)
        return MIME_HTML;
    if (mime_is_xml(mime))
        return is_xhtml(body, size) ? MIME_HTML : MIME_OTHER;
    bool unknown = mime->type[0] == '\0';
    if (!unknown && strncmp(mime->type, "text/", 5) != 0)
        return MIME_OTHER;
    if (unknown && looks_like_html(body, size))
        return MIME_HTML;
    if (is_binary(mime, body, size))
        return MIME_OTHER;
    return is_markdown_type(mime->type) ? MIME_MARKDOWN : MIME_TEXT;
}
