#include "downloader/headers.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

uint32_t retry_after_s(const char *value, int64_t now_unix_s)
{
    if (value == NULL)
        return 0;
    int64_t seconds = 0;
    size_t digits = strspn(value, "0123456789");
    if (digits > 0 && value[digits] == '\0')
        seconds = digits > 9 ? RETRY_AFTER_MAX_S : strtol(value, NULL, 10);
    else if (digits == 0 && curl_getdate(value, NULL) != -1)
        seconds = curl_getdate(value, NULL) - now_unix_s;
    if (seconds < 0)
        return 0;
    return seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (uint32_t)seconds;
}

bool content_type_is_text(const char *value)
{
    /* Texts that are there for programs, not for readers. */
    static const char *const no_pages[] = {
        "text/css",      "text/javascript", "text/ecmascript",    "text/vcard",
        "text/calendar", "image/svg+xml",   "text/cache-manifest"};
    static const char *const pages[] = {"application/xhtml+xml", "application/xml",
                                        "application/x-xml"};
    if (value == NULL || *value == '\0')
        return true;
    size_t size = strcspn(value, "; \t,");
    for (size_t i = 0; i < ARRAY_COUNT(no_pages); i++) {
        if (strlen(no_pages[i]) == size && strncasecmp(value, no_pages[i], size) == 0)
            return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        if (strlen(pages[i]) == size && strncasecmp(value, pages[i], size) == 0)
            return true;
    }
    return strncasecmp(value, "text/", 5) == 0 ||
           (size > 4 && strncasecmp(value + size - 4, "+xml", 4) == 0);
}

static bool type_is(const char *value, const char *const *types, size_t count)
{
    size_t size = strcspn(value, "; \t,");
    for (size_t i = 0; i < count; i++) {
        if (strlen(types[i]) == size && strncasecmp(value, types[i], size) == 0)
            return true;
    }
    return false;
}

/* Of the file that a URL names, without its query. */
static bool name_ends(const char *name, size_t size, const char *end)
{
    size_t end_size = strlen(end);
    return size >= end_size && strncasecmp(name + size - end_size, end, end_size) == 0;
}

bool content_type_may_list(const char *value, const char *url)
{
    static const char *const json[] = {"application/json", "application/feed+json"};
    static const char *const files[] = {"application/gzip",
                                        "application/x-gzip",
                                        "application/x-gunzip",
                                        "application/gzipped",
                                        "application/gzip-compressed",
                                        "application/octet-stream",
                                        "binary/octet-stream",
                                        "gzip/document"};
    if (value == NULL || type_is(value, json, ARRAY_COUNT(json)))
        return value != NULL;
    if (!type_is(value, files, ARRAY_COUNT(files)))
        return false;
    size_t size = strcspn(url, "?");
    const char *slash = memrchr(url, '/', size);
    const char *name = slash == NULL ? url : slash + 1;
    size -= (size_t)(name - url);
    return name_ends(name, size, ".xml.gz") || memmem(name, size, "sitemap", 7) != NULL;
}

bool content_type_is_document(const char *value, const char *url)
{
    static const char *const types[] = {
        "application/pdf",
        "application/x-pdf",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.presentation",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation"};
    static const char *const files[] = {"application/octet-stream", "binary/octet-stream",
                                        "application/zip", "application/x-zip-compressed"};
    static const char *const endings[] = {".pdf",  ".odt",  ".ods", ".odp",     ".docx",
                                          ".xlsx", ".pptx", ".md",  ".markdown"};
    if (value == NULL || type_is(value, types, ARRAY_COUNT(types)))
        return value != NULL;
    if (!type_is(value, files, ARRAY_COUNT(files)))
        return false;
    size_t size = strcspn(url, "?");
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        if (name_ends(url, size, endings[i]))
            return true;
    }
    return false;
}

const char *http_status_name(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *name;
    } names[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {205, "Reset Content"},
        {206, "Partial Content"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {414, "URI Too Long"},
        {418, "I'm a teapot"},
        {421, "Misdirected Request"},
        {423, "Locked"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (names[i].status == status)
            return names[i].name;
    }
    return "";
}

/* Whether the line is the header's, or goes on with one that was (which HTTP no longer allows). */
static bool is_line_of(const uint8_t *line, size_t size, const char *name, bool before)
{
    size_t name_size = strlen(name);
    if (line[0] == ' ' || line[0] == '\t')
        return before;
    return size > name_size && line[name_size] == ':' &&
           strncasecmp((const char *)line, name, name_size) == 0;
}

void headers_remove(struct buffer *block, const char *name)
{
    size_t at = 0, kept = 0;
    bool is_its = false;
    while (at < block->size) {
        const uint8_t *line = block->data + at;
        const uint8_t *end = memchr(line, '\n', block->size - at);
        size_t size = end == NULL ? block->size - at : (size_t)(end - line) + 1;
        is_its = is_line_of(line, size, name, is_its);
        if (!is_its) {
            memmove(block->data + kept, line, size);
            kept += size;
        }
        at += size;
    }
    if (kept < block->size)
        explicit_bzero(block->data + kept, block->size - kept);
    block->size = kept;
}
