#include "index/document_keys.h"

#include <string.h>
#include <strings.h>

#include "base/calendar.h"
#include "base/check.h"
#include "index/dates.h"

struct taker {
    document_key_taker *take;
    void *context;
};

static void add_key(const struct taker *taker, uint8_t kind, const char *bytes, size_t size)
{
    uint8_t key[KEY_MAX];
    if (size == 0 || size >= KEY_MAX)
        return;
    key[0] = kind;
    memcpy(key + 1, bytes, size);
    taker->take(taker->context, key, (uint32_t)size + 1);
}

/* ---- sites ---- */

static bool is_address(struct text_slice host)
{
    return host.size > 0 && (host.bytes[0] == '[' || (host.bytes[host.size - 1] >= '0' &&
                                                      host.bytes[host.size - 1] <= '9'));
}

/* "a.b.c:80" is found by itself, by its host "a.b.c", and by "b.c" and "c". */
static void add_site(const struct taker *taker, struct text_slice site)
{
    struct text_slice host = site;
    for (size_t i = site.size; i > 0 && site.bytes[i - 1] != ']'; i--) {
        if (site.bytes[i - 1] == ':') {
            host.size = i - 1;
            break;
        }
    }
    if (host.size < site.size)
        add_key(taker, KEY_SITE, site.bytes, site.size);
    add_key(taker, KEY_SITE, host.bytes, host.size);
    for (size_t i = 0; !is_address(host) && i + 1 < host.size; i++) {
        if (host.bytes[i] == '.')
            add_key(taker, KEY_SITE, host.bytes + i + 1, host.size - i - 1);
    }
}

/* ---- languages ---- */

size_t language_tag(struct text_slice tag, char ret[INDEX_LANGUAGE_MAX])
{
    if (tag.size > INDEX_LANGUAGE_MAX)
        return 0;
    for (size_t i = 0; i < tag.size; i++) {
        char byte = tag.bytes[i];
        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte - 'A' + 'a');
        if (byte == '_')
            byte = '-';
        bool fine = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
                    (byte == '-' && i > 0 && i + 1 < tag.size);
        if (!fine)
            return 0;
        ret[i] = byte;
    }
    return tag.size;
}

/* "zh-hant-tw" is found by itself, by "zh-hant" and by "zh". */
static void add_language(const struct taker *taker, struct text_slice language)
{
    char tag[INDEX_LANGUAGE_MAX];
    size_t size = language_tag(language, tag);
    add_key(taker, KEY_LANGUAGE, tag, size);
    for (size_t i = 1; i < size; i++) {
        if (tag[i] == '-' && tag[i - 1] != '-')
            add_key(taker, KEY_LANGUAGE, tag, i);
    }
}

/* ---- content types ---- */

static const struct {
    const char *type; /* as a media type or as a file's ending */
    const char *name;
} type_names[] = {
    {"text/plain", "text"},
    {"txt", "text"},
    {"plain", "text"},
    {"htm", "html"},
    {"xhtml", "html"},
    {"application/xhtml+xml", "html"},
    {"md", "markdown"},
    {"application/msword", "doc"},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"},
    {"application/vnd.oasis.opendocument.text", "odt"},
    {"application/vnd.oasis.opendocument.spreadsheet", "ods"},
    {"application/vnd.oasis.opendocument.presentation", "odp"},
};

static char to_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_named(struct text_slice type, const char *name)
{
    return type.size == strlen(name) && strncasecmp(type.bytes, name, type.size) == 0;
}

size_t content_type_name(struct text_slice type, char ret[INDEX_TYPE_MAX])
{
    const char *slash = type.size == 0 ? NULL : memchr(type.bytes, '/', type.size);
    struct text_slice name = type;
    if (slash != NULL) {
        name.bytes = slash + 1;
        name.size = type.size - (size_t)(name.bytes - type.bytes);
        if (name.size > 2 && strncasecmp(name.bytes, "x-", 2) == 0)
            name = (struct text_slice){name.bytes + 2, name.size - 2};
    }
    for (size_t i = 0; i < ARRAY_COUNT(type_names); i++) {
        if (is_named(type, type_names[i].type))
            name = (struct text_slice){type_names[i].name, strlen(type_names[i].name)};
    }
    if (name.size > INDEX_TYPE_MAX)
        return 0;
    for (size_t i = 0; i < name.size; i++) {
        ret[i] = to_lower(name.bytes[i]);
        bool fine = (ret[i] >= 'a' && ret[i] <= 'z') || (ret[i] >= '0' && ret[i] <= '9') ||
                    ret[i] == '.' || ret[i] == '+' || ret[i] == '-';
        if (!fine)
            return 0;
    }
    return name.size;
}

static void add_type(const struct taker *taker, struct text_slice type)
{
    char name[INDEX_TYPE_MAX];
    add_key(taker, KEY_TYPE, name, content_type_name(type, name));
}

/* ---- dates ---- */

/* Clocks differ: a page may say that it was changed a little after it was fetched. */
static bool is_likely(const struct index_document *document)
{
    return document->modified_unix_us > 0 &&
           (document->fetched_unix_us <= 0 ||
            document->modified_unix_us < document->fetched_unix_us + CALENDAR_DAY_US);
}

bool document_day(const struct index_document *document, uint32_t *ret_day)
{
    int64_t time_us = is_likely(document) ? document->modified_unix_us : document->fetched_unix_us;
    if (time_us <= 0 || time_us / CALENDAR_DAY_US >= DATE_DAY_END)
        return false;
    *ret_day = (uint32_t)(time_us / CALENDAR_DAY_US);
    return true;
}

static void add_dates(const struct taker *taker, const struct index_document *document)
{
    static const uint8_t kinds[] = {KEY_YEAR, KEY_MONTH, KEY_DAY};
    uint8_t key[DATE_KEY_MAX];
    uint32_t day;
    if (!document_day(document, &day))
        return;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        taker->take(taker->context, key, date_key(kinds[i], day, key));
}

void document_keys(const struct index_document *document, document_key_taker *take, void *context)
{
    struct taker taker = {take, context};
    add_site(&taker, document->site);
    add_language(&taker, document->language);
    add_type(&taker, document->content_type);
    add_dates(&taker, document);
}
