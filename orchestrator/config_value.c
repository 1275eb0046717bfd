#include "orchestrator/config_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "crawl/url.h"
#include "orchestrator/config.h"
#include "orchestrator/config_secret.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit sizes[] = {
    {"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", (uint64_t)1 << 40},
};

static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000},
};

/* Digits, then one of the units. */
static enum status read_number(const char *text, const struct unit *units, size_t unit_count,
                               uint64_t *ret_value, struct error *err)
{
    if (!isdigit((unsigned char)text[0]))
        return error_set(err, STATUS_INVALID, "\"%.40s\" is no number", text);
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0)
        return error_set(err, STATUS_INVALID, "%.40s is too large", text);
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(end, units[i].name) != 0)
            continue;
        if (__builtin_mul_overflow(number, units[i].factor, ret_value))
            return error_set(err, STATUS_INVALID, "%.40s is too large", text);
        return STATUS_OK;
    }
    if (*end == '\0')
        return error_set(err, STATUS_INVALID, "\"%.40s\" has no unit", text);
    return error_set(err, STATUS_INVALID, "\"%.40s\" has an unknown unit", text);
}

static enum status read_quantity(const struct config_key *key, const char *text,
                                 uint64_t *ret_value, struct error *err)
{
    if ((key->flags & KEY_AUTO) && strcmp(text, "auto") == 0) {
        *ret_value = CONFIG_AUTO;
        return STATUS_OK;
    }
    if ((key->flags & KEY_ENDLESS) && strcmp(text, "none") == 0) {
        *ret_value = CONFIG_ENDLESS;
        return STATUS_OK;
    }
    if ((key->flags & KEY_NONE) && (strcmp(text, "none") == 0 || strcmp(text, "0") == 0)) {
        *ret_value = 0;
        return STATUS_OK;
    }
    uint64_t value = 0;
    enum status status = STATUS_OK;
    if (key->kind == KIND_SIZE)
        status = read_number(text, sizes, ARRAY_COUNT(sizes), &value, err);
    else if (key->kind == KIND_NUMBER)
        status = read_number(text, sizes, 1, &value, err);
    else if (strcmp(text, "0") != 0)
        status = read_number(text, durations, ARRAY_COUNT(durations), &value, err);
    if (status != STATUS_OK)
        return status;
    if (value < key->min || value > key->max)
        return error_set(err, STATUS_INVALID, "%.40s is too %s", text,
                         value < key->min ? "small" : "large");
    *ret_value = value;
    return STATUS_OK;
}

/* "2", "1.5" */
static enum status read_tenths(const struct config_key *key, const char *text, uint64_t *ret_value,
                               struct error *err)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return error_set(err, STATUS_INVALID, "\"%.40s\" is no number", text);
    errno = 0;
    unsigned long whole = strtoul(text, &end, 10);
    bool part = end[0] == '.' && isdigit((unsigned char)end[1]) && end[2] == '\0';
    if (errno != 0 || (*end != '\0' && !part))
        return error_set(err, STATUS_INVALID,
                         "\"%.40s\" is no number with at most one digit "
                         "behind the point",
                         text);
    if (whole > key->max / 10 || whole * 10 + (part ? end[1] - '0' : 0) > key->max)
        return error_set(err, STATUS_INVALID, "%.40s is too large", text);
    if (whole * 10 + (part ? end[1] - '0' : 0) < key->min)
        return error_set(err, STATUS_INVALID, "%.40s is too small", text);
    *ret_value = whole * 10 + (uint64_t)(part ? end[1] - '0' : 0);
    return STATUS_OK;
}

static enum status read_word(const struct config_key *key, const char *text, unsigned *ret_index,
                             struct error *err)
{
    for (unsigned i = 0; key->words[i] != NULL; i++) {
        if (strcmp(text, key->words[i]) == 0) {
            *ret_index = i;
            return STATUS_OK;
        }
    }
    const char *refusal = config_word_refusal(key, text);
    if (refusal != NULL)
        return error_set(err, STATUS_INVALID, "%s", refusal);
    return error_set(err, STATUS_INVALID, "\"%.40s\" is none of the words", text);
}

static bool is_address(const char *text)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Labels of letters, digits and inner hyphens. */
static bool is_host_name(const char *text)
{
    size_t label = 0;
    for (const char *at = text;; at++) {
        if (*at == '.' || *at == '\0') {
            if (label == 0 || label > 63 || at[-1] == '-')
                return false;
            label = 0;
            if (*at == '\0')
                return true;
        } else if (isalnum((unsigned char)*at) || (*at == '-' && label > 0)) {
            label++;
        } else {
            return false;
        }
    }
}

static bool is_mail(const char *text)
{
    const char *at = strchr(text, '@');
    if (at == NULL || at == text || strlen(text) > 254)
        return false;
    for (const char *c = text; c < at; c++) {
        if (!isgraph((unsigned char)*c) || strchr("()<>,;:\\\"[]", *c) != NULL)
            return false;
    }
    return is_host_name(at + 1);
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

/* A header line carries it: visible ASCII and blanks only. */
static bool is_header_safe(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

static enum status read_url(const char *text, struct arena *arena, const char **ret_url,
                            struct error *err)
{
    struct url url;
    enum status status = url_parse(text, strlen(text), NULL, arena, &url, err);
    if (status != STATUS_OK && strstr(text, "://") == NULL)
        return error_set(err, STATUS_INVALID, "\"%.80s\" is no whole URL: https:// is missing?",
                         text);
    if (status != STATUS_OK)
        return STATUS_INVALID;
    *ret_url = url.text;
    return STATUS_OK;
}

static enum status read_file_path(const char *text, const char *folder, struct arena *arena,
                                  const char **ret_path, struct error *err)
{
    const char *path =
        text[0] == '/' ? arena_string(arena, text) : arena_format(arena, "%s/%s", folder, text);
    if (path == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    if (access(path, R_OK) != 0)
        return error_set(err, STATUS_INVALID, "%.200s: %s", path, strerror(errno));
    *ret_path = path;
    return STATUS_OK;
}

static enum status check_text(const struct config_key *key, const char *text, struct error *err)
{
    size_t size = strlen(text);
    if (key->kind == KIND_HOST && !is_host_name(text) && !is_address(text))
        return error_set(err, STATUS_INVALID, "\"%.80s\" is no host name", text);
    if (key->kind == KIND_MAIL && size > 0 && !is_mail(text))
        return error_set(err, STATUS_INVALID, "\"%.80s\" is no mail address", text);
    if (key->kind == KIND_CONTACT && size > 0 && !is_mail(text) &&
        strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return error_set(err, STATUS_INVALID, "\"%.80s\" is nothing that one can write to", text);
    if (key->max != 0 && (size < key->min || size > key->max))
        return error_set(err, STATUS_INVALID, "the text has %zu bytes", size);
    if (!is_printable(text))
        return error_set(err, STATUS_INVALID, "a control character in the text");
    bool travels = key->kind == KIND_CONTACT || strcmp(key->path, "crawl.user_agent") == 0 ||
                   strcmp(key->path, "user_agent") == 0;
    if (travels && !is_header_safe(text))
        return error_set(err, STATUS_INVALID,
                         "it goes into every request, so it holds visible ASCII only");
    return STATUS_OK;
}

static enum status read_string(const struct config_key *key, const char *text, const char *folder,
                               struct arena *arena, const char **ret_text, struct error *err)
{
    if (text[0] == '\0' && key->preset != NULL && key->preset[0] == '\0' &&
        !(key->flags & KEY_REQUIRED)) {
        *ret_text = "";
        return STATUS_OK;
    }
    if (key->kind == KIND_URL)
        return read_url(text, arena, ret_text, err);
    if (key->kind == KIND_FILE)
        return read_file_path(text, folder, arena, ret_text, err);
    if (key->kind == KIND_SECRET)
        return config_secret_read(text, folder, arena, ret_text, err);
    enum status status = check_text(key, text, err);
    if (status != STATUS_OK)
        return status;
    const char *copy = arena_string(arena, text);
    if (copy == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    *ret_text = copy;
    return STATUS_OK;
}

static enum status read_bool(const char *text, bool *ret_value, struct error *err)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return error_set(err, STATUS_INVALID, "\"%.40s\" is neither true nor false", text);
    *ret_value = text[0] == 't';
    return STATUS_OK;
}

bool config_value_is_listen(const char *text)
{
    return strcmp(text, "localhost") == 0 || strcmp(text, "*") == 0 || is_address(text);
}

enum status config_value_read(const struct config_key *key, const char *text, const char *folder,
                              struct arena *arena, void *record, struct error *err)
{
    void *field = (char *)record + key->offset;
    unsigned index = 0;
    enum status status;
    switch (key->kind) {
    case KIND_BOOL:
        return read_bool(text, field, err);
    case KIND_NUMBER:
    case KIND_SIZE:
    case KIND_DURATION:
        return read_quantity(key, text, field, err);
    case KIND_TENTHS:
        return read_tenths(key, text, field, err);
    case KIND_CHOICE:
        return read_word(key, text, field, err);
    case KIND_WORD:
        status = read_word(key, text, &index, err);
        if (status == STATUS_OK)
            *(const char **)field = key->words[index];
        return status;
    case KIND_TEXT:
    case KIND_HOST:
    case KIND_FILE:
    case KIND_CONTACT:
    case KIND_MAIL:
    case KIND_URL:
    case KIND_SECRET:
        return read_string(key, text, folder, arena, field, err);
    default:
        break;
    }
    CHECK(!"a list is no single value");
    return STATUS_INVALID;
}
