#include "crawl/url_query.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

/* Names that mean nothing but where somebody came from; one that ends in * is a beginning. */
static const char *const tracking[] = {
    "utm_*",
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "gad_source",
    "srsltid",
    "fbclid",
    "fb_action_*",
    "fb_source",
    "fb_ref",
    "msclkid",
    "yclid",
    "ysclid",
    "_openstat",
    "twclid",
    "ttclid",
    "li_fat_id",
    "igshid",
    "igsh",
    "epik",
    "mc_cid",
    "mc_eid",
    "_hsenc",
    "_hsmi",
    "__hssc",
    "__hstc",
    "__hsfp",
    "hsctatracking",
    "hsa_*",
    "mkt_tok",
    "vero_conv",
    "vero_id",
    "oly_anon_id",
    "oly_enc_id",
    "wickedid",
    "rb_clickid",
    "ml_subscriber",
    "ml_subscriber_hash",
    "pk_*",
    "piwik_*",
    "mtm_*",
    "matomo_*",
    "_ga",
    "_gl",
    "_branch_match_id",
};

/* Names that are a session's whatever their value. */
static const char *const sessions[] = {
    "phpsessid", "jsessionid", "aspsessionid*", "asp.net_sessionid", "cfid",    "cftoken",
    "oscsid",    "zenid",      "xtcsid",        "_session_id",       "sess_id",
};

/* Names that may be a session's: they are where the value looks like one. */
static const char *const maybe_sessions[] = {"sid",       "s",          "sess",  "session",
                                             "sessionid", "session_id", "phpsid"};

enum { SESSION_BYTES_MIN = 20 };

struct slice {
    const char *text;
    size_t size;
};

static bool is_name(struct slice name, const char *pattern)
{
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*')
        return name.size >= size - 1 && strncasecmp(name.text, pattern, size - 1) == 0;
    return name.size == size && strncasecmp(name.text, pattern, size) == 0;
}

static bool is_one_of(struct slice name, const char *const *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_name(name, patterns[i]))
            return true;
    }
    return false;
}

/* Long, of letters and digits alone, and with some of both: no number, no word. */
static bool looks_like_session(struct slice value)
{
    size_t digits = 0, letters = 0;
    for (size_t i = 0; i < value.size; i++) {
        digits += isdigit((unsigned char)value.text[i]) != 0;
        letters += isalpha((unsigned char)value.text[i]) != 0;
    }
    return value.size >= SESSION_BYTES_MIN && digits > 2 && letters > 2 &&
           digits + letters == value.size;
}

static bool is_session(struct slice name, struct slice value)
{
    return is_one_of(name, sessions, ARRAY_COUNT(sessions)) ||
           (is_one_of(name, maybe_sessions, ARRAY_COUNT(maybe_sessions)) &&
            looks_like_session(value));
}

/* "name=value"; without a '=' all of it is the name. */
static void split(struct slice parameter, struct slice *ret_name, struct slice *ret_value)
{
    const char *sign = memchr(parameter.text, '=', parameter.size);
    const char *end = parameter.text + parameter.size;
    *ret_name = (struct slice){parameter.text,
                               sign == NULL ? parameter.size : (size_t)(sign - parameter.text)};
    *ret_value =
        sign == NULL ? (struct slice){end, 0} : (struct slice){sign + 1, (size_t)(end - sign - 1)};
}

static bool is_dropped(struct slice parameter, const struct url_query_rule *rule)
{
    struct slice name, value;
    split(parameter, &name, &value);
    if (is_one_of(name, tracking, ARRAY_COUNT(tracking)) || is_session(name, value))
        return true;
    return rule->policy == URL_QUERY_DROP_LISTED &&
           is_one_of(name, (const char *const *)rule->names, rule->name_count);
}

/* Appends the path without sessions: "/a;jsessionid=1/b" is "/a/b". Returns the bytes written. */
static size_t put_path(const char *path, char *ret_text)
{
    size_t out = 0;
    while (*path != '\0') {
        size_t size = 1 + strcspn(path + 1, ";/"); /* what is before the next parameter */
        struct slice name, value;
        split((struct slice){path + 1, size - 1}, &name, &value);
        if (*path != ';' || value.size == 0 || !is_session(name, value)) {
            memcpy(ret_text + out, path, size);
            out += size;
        }
        path += size;
    }
    return out;
}

/* Appends "?" and what of the query stays, or nothing. */
static size_t put_query(const char *query, const struct url_query_rule *rule, char *ret_text)
{
    size_t out = 0;
    for (const char *at = query;;) {
        size_t size = strcspn(at, "&");
        if (!is_dropped((struct slice){at, size}, rule)) {
            ret_text[out] = out == 0 ? '?' : '&';
            memcpy(ret_text + out + 1, at, size);
            out += size + 1;
        }
        if (at[size] == '\0')
            return out == 1 ? 0 : out; /* an empty query is none */
        at += size + 1;
    }
}

enum status url_query_apply(const struct url *url, const struct url_query_rule *rule,
                            struct arena *arena, struct url *ret_url, bool *ret_changed,
                            struct error *err)
{
    char text[URL_BYTES_MAX + 2];
    struct url made = *url;
    bool changed = false;
    if (rule->policy != URL_QUERY_KEEP_ALL) {
        size_t size = strlen(url->origin);
        memcpy(text, url->origin, size);
        size += put_path(url->path, text + size);
        if (url->query != NULL && rule->policy != URL_QUERY_DROP_ALL)
            size += put_query(url->query, rule, text + size);
        changed = size != url->text_size;
        if (changed && url_parse(text, size, NULL, arena, &made, err) != STATUS_OK)
            return STATUS_NO_MEMORY; /* a part of a URL is one */
    }
    *ret_url = made;
    if (ret_changed != NULL)
        *ret_changed = changed;
    return STATUS_OK;
}
