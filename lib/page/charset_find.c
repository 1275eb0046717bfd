#include <string.h>
#include <strings.h>
#include <uchardet/uchardet.h>

#include "crawl/utf8.h"
#include "page/charset.h"

enum {
    DETECT_BYTES_MAX = 256 * 1024, /* of a body, enough to tell and quick to look at */
    DETECT_FOREIGN_MIN = 4         /* fewer bytes above 127 than these tell nothing */
};

/* ---- what a <meta> declares (the standard's "prescan a byte stream") ------------------------- */

struct scanner {
    const char *at;
    const char *end;
};

struct attribute {
    char name[32]; /* lower case; longer ones are none of ours and are cut */
    char value[128];
    size_t name_size;
    size_t value_size;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static void skip_spaces(struct scanner *scanner)
{
    while (scanner->at < scanner->end && is_space(*scanner->at))
        scanner->at++;
}

static void put(char *text, size_t room, size_t *size, char c)
{
    if (*size + 1 < room)
        text[(*size)++] = lower(c);
}

static bool take_value(struct scanner *scanner, struct attribute *attribute)
{
    char quote = *scanner->at == '"' || *scanner->at == '\'' ? *scanner->at++ : '\0';
    for (; scanner->at < scanner->end; scanner->at++) {
        char c = *scanner->at;
        if (quote != '\0' && c == quote) {
            scanner->at++;
            return true;
        }
        if (quote == '\0' && (is_space(c) || c == '>'))
            return true;
        put(attribute->value, sizeof(attribute->value), &attribute->value_size, c);
    }
    return false; /* the bytes end within it: it says nothing */
}

/* The next attribute of a tag; false at its end. */
static bool next_attribute(struct scanner *scanner, struct attribute *attribute)
{
    *attribute = (struct attribute){.name_size = 0};
    while (scanner->at < scanner->end && (is_space(*scanner->at) || *scanner->at == '/'))
        scanner->at++;
    if (scanner->at == scanner->end || *scanner->at == '>')
        return false;
    while (scanner->at < scanner->end) {
        char c = *scanner->at;
        if ((c == '=' && attribute->name_size > 0) || is_space(c) || c == '/' || c == '>')
            break;
        put(attribute->name, sizeof(attribute->name), &attribute->name_size, c);
        scanner->at++;
    }
    skip_spaces(scanner);
    if (scanner->at == scanner->end)
        return false;
    if (*scanner->at != '=')
        return true;
    scanner->at++;
    skip_spaces(scanner);
    return scanner->at < scanner->end && take_value(scanner, attribute);
}

/* The label in "text/html; charset=label". */
static const struct charset *charset_in_content(const char *content)
{
    const char *at = content;
    while ((at = strstr(at, "charset")) != NULL) {
        at += strlen("charset");
        at += strspn(at, " \t\n\f\r");
        if (*at == '=')
            break;
    }
    if (at == NULL)
        return NULL;
    at++;
    at += strspn(at, " \t\n\f\r");
    if (*at == '"' || *at == '\'') {
        const char *close = strchr(at + 1, *at);
        return close == NULL ? NULL : charset_by_label(at + 1, (size_t)(close - at - 1));
    }
    return charset_by_label(at, strcspn(at, "; \t\n\f\r"));
}

/* What UTF-16 declares of itself in ASCII cannot be true, and x-user-defined is a habit. */
static const struct charset *believable(const struct charset *charset)
{
    if (charset == NULL)
        return NULL;
    if (charset->kind == CHARSET_KIND_UTF_16BE || charset->kind == CHARSET_KIND_UTF_16LE)
        return charset_by_label("utf-8", 5);
    return charset->kind == CHARSET_KIND_USER_DEFINED ? charset_by_label("windows-1252", 12)
                                                      : charset;
}

/* Reads a <meta>'s attributes. */
static const struct charset *read_meta(struct scanner *scanner)
{
    struct attribute attribute;
    bool pragma = false, needs_pragma = false;
    bool seen_charset = false, seen_content = false, seen_equiv = false;
    const struct charset *charset = NULL;
    while (next_attribute(scanner, &attribute)) {
        if (strcmp(attribute.name, "http-equiv") == 0 && !seen_equiv) {
            seen_equiv = true;
            pragma = strcmp(attribute.value, "content-type") == 0;
        } else if (strcmp(attribute.name, "content") == 0 && !seen_content) {
            seen_content = true;
            const struct charset *found = charset_in_content(attribute.value);
            if (found != NULL && charset == NULL) {
                charset = found;
                needs_pragma = true;
            }
        } else if (strcmp(attribute.name, "charset") == 0 && !seen_charset) {
            seen_charset = true;
            charset = charset_by_label(attribute.value, attribute.value_size);
            needs_pragma = false;
        }
    }
    bool complete = scanner->at < scanner->end;
    return complete && (!needs_pragma || pragma) ? believable(charset) : NULL;
}

static bool starts(const struct scanner *scanner, const char *word)
{
    size_t size = strlen(word);
    return (size_t)(scanner->end - scanner->at) >= size &&
           strncasecmp(scanner->at, word, size) == 0;
}

/* Moves behind the next `word`, or to the end. */
static void skip_behind(struct scanner *scanner, const char *word)
{
    size_t size = strlen(word);
    const char *found = memmem(scanner->at, (size_t)(scanner->end - scanner->at), word, size);
    scanner->at = found == NULL ? scanner->end : found + size;
}

static bool at_tag(const struct scanner *scanner)
{
    const char *name = scanner->at + 1;
    name += name < scanner->end && *name == '/';
    return name < scanner->end && is_letter(*name);
}

static void skip_tag(struct scanner *scanner)
{
    struct attribute attribute;
    while (scanner->at < scanner->end && !is_space(*scanner->at) && *scanner->at != '>')
        scanner->at++;
    while (next_attribute(scanner, &attribute)) {
    }
}

static bool at_meta(const struct scanner *scanner)
{
    return starts(scanner, "<meta") && scanner->end - scanner->at > 5 &&
           (is_space(scanner->at[5]) || scanner->at[5] == '/');
}

/* The standard's "get an XML encoding": <?xml ... encoding="label" ...> at the very beginning. */
static const struct charset *read_xml_declaration(const char *bytes, size_t size)
{
    const char *end = size < 5 || memcmp(bytes, "<?xml", 5) != 0 ? NULL : memchr(bytes, '>', size);
    const char *at =
        end == NULL ? NULL : memmem(bytes, (size_t)(end - bytes), "encoding", strlen("encoding"));
    if (at == NULL)
        return NULL;
    struct scanner scanner = {at + strlen("encoding"), end};
    while (scanner.at < end && (uint8_t)*scanner.at <= ' ')
        scanner.at++;
    if (scanner.at == end || *scanner.at++ != '=')
        return NULL;
    while (scanner.at < end && (uint8_t)*scanner.at <= ' ')
        scanner.at++;
    if (scanner.at == end || (*scanner.at != '"' && *scanner.at != '\''))
        return NULL;
    const char *label = scanner.at + 1;
    const char *close = memchr(label, *scanner.at, (size_t)(end - label));
    return close == NULL ? NULL : believable(charset_by_label(label, (size_t)(close - label)));
}

static const struct charset *prescan_metas(const uint8_t *body, size_t scanned)
{
    struct scanner scanner = {(const char *)body, (const char *)body + scanned};
    while (scanner.at < scanner.end) {
        if (starts(&scanner, "<!--")) {
            scanner.at += 2; /* "<!-->" is a whole comment */
            skip_behind(&scanner, "-->");
        } else if (at_meta(&scanner)) {
            scanner.at += strlen("<meta");
            const struct charset *charset = read_meta(&scanner);
            if (charset != NULL)
                return charset;
        } else if (*scanner.at == '<' && at_tag(&scanner)) {
            skip_tag(&scanner);
        } else if (starts(&scanner, "<!") || starts(&scanner, "</") || starts(&scanner, "<?")) {
            skip_behind(&scanner, ">");
        } else {
            scanner.at++;
        }
    }
    return NULL;
}

/* The beginning of an XML declaration in UTF-16 that has no mark. */
static const struct charset *read_wide_xml(const uint8_t *body, size_t size)
{
    if (size >= 6 && memcmp(body, "<\0?\0x", 6) == 0)
        return charset_by_label("utf-16le", 8);
    if (size >= 6 && memcmp(body, "\0<\0?\0x", 6) == 0)
        return charset_by_label("utf-16be", 8);
    return NULL;
}

const struct charset *charset_prescan(const uint8_t *body, size_t size)
{
    size_t scanned = size < CHARSET_PRESCAN_BYTES ? size : CHARSET_PRESCAN_BYTES;
    const struct charset *charset = read_wide_xml(body, scanned);
    if (charset == NULL)
        charset = prescan_metas(body, scanned);
    return charset == NULL ? read_xml_declaration((const char *)body, scanned) : charset;
}

/* ---- what the bytes look like ---------------------------------------------------------------- */

static const struct charset *by_mark(const uint8_t *body, size_t size, size_t *ret_bom_size)
{
    *ret_bom_size = 2;
    if (size >= 2 && body[0] == 0xFE && body[1] == 0xFF)
        return charset_by_label("utf-16be", 8);
    if (size >= 2 && body[0] == 0xFF && body[1] == 0xFE)
        return charset_by_label("utf-16le", 8);
    *ret_bom_size = 3;
    if (size >= 3 && memcmp(body, "\xEF\xBB\xBF", 3) == 0)
        return charset_by_label("utf-8", 5);
    *ret_bom_size = 0;
    return NULL;
}

/* Two that the detector calls otherwise than the web does. */
static const struct charset *by_detector_name(const char *name)
{
    if (strcmp(name, "UHC") == 0)
        name = "euc-kr";
    if (strcmp(name, "MAC-CYRILLIC") == 0)
        name = "x-mac-cyrillic";
    return charset_by_label(name, strlen(name));
}

static const struct charset *guess(const uint8_t *body, size_t size)
{
    uchardet_t detector = uchardet_new();
    if (detector == NULL)
        return NULL;
    const struct charset *charset = NULL;
    size_t looked_at = size < DETECT_BYTES_MAX ? size : DETECT_BYTES_MAX;
    if (uchardet_handle_data(detector, (const char *)body, looked_at) == 0) {
        uchardet_data_end(detector);
        charset = by_detector_name(uchardet_get_charset(detector));
    }
    uchardet_delete(detector);
    /* Nobody writes these, but attackers would like them read. */
    bool is_read = charset != NULL && charset->kind != CHARSET_KIND_REPLACEMENT;
    return is_read ? charset : NULL;
}

static size_t count_foreign(const uint8_t *body, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += body[i] >= 0x80;
    return count;
}

/* One strange byte at the very end is no sign of UTF-8, even where it could begin a sequence. */
static bool looks_like_utf8(const uint8_t *body, size_t size)
{
    return utf8_is_valid(body, size, false) ||
           (count_foreign(body, size < 3 ? 0 : size - 3) > 0 && utf8_is_valid(body, size, true));
}

const struct charset *charset_find(const uint8_t *body, size_t size, const char *label,
                                   bool is_html, size_t *ret_bom_size)
{
    const struct charset *charset = by_mark(body, size, ret_bom_size);
    if (charset == NULL && label != NULL)
        charset = charset_by_label(label, strlen(label));
    if (charset == NULL && is_html)
        charset = charset_prescan(body, size);
    bool escapes = memchr(body, 0x1B, size) != NULL; /* ISO-2022-JP is plain ASCII to the eye */
    if (charset == NULL && !escapes && looks_like_utf8(body, size))
        charset = charset_by_label("utf-8", 5);
    if (charset == NULL && (escapes || count_foreign(body, size) >= DETECT_FOREIGN_MIN))
        charset = guess(body, size);
    return charset == NULL ? charset_by_label("windows-1252", 12) : charset;
}
