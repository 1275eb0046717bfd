#include "orchestrator/config_schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "page/page.h"

#define KIB    ((uint64_t)1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define TIB    (1024 * GIB)
#define SECOND ((uint64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const char *const proxy_words[] = {"nginx", "caddy", "none", NULL};
static const char *const level_words[] = {"debug", "info", "warning", "error", NULL};
static const char *const supervisor_words[] = {"self", NULL};
static const char *const robots_words[] = {"obey", "ignore", NULL};
static const char *const login_words[] = {"basic", "bearer", "form", NULL};

#define AT(field)        offsetof(struct config, field)
#define IN_SOURCE(field) offsetof(struct config_source, field)
#define IN_LOGIN(field)  offsetof(struct config_login, field)

/* clang-format off: a table reads by its columns */
const struct config_key config_keys[] = {
    {"hostname", KIND_HOST, 0, AT(hostname), 1, 253, NULL, "localhost"},
    {"instance_name", KIND_TEXT, 0, AT(instance_name), 1, 64, NULL, "Tierce"},
    {"listen", KIND_LISTEN, 0, AT(listen), 0, 0, NULL, "localhost"},
    {"ports.https", KIND_NUMBER, 0, AT(ports.https), 1, 65535, NULL, "8443"},
    {"ports.http", KIND_NUMBER, 0, AT(ports.http), 1, 65535, NULL, "8080"},
    {"ports.grpc", KIND_NUMBER, KEY_NONE, AT(ports.grpc), 1, 65535, NULL, "8000"},
    {"proxy.kind", KIND_CHOICE, 0, AT(proxy.kind), 0, 0, proxy_words, "nginx"},
    {"proxy.certificate", KIND_FILE, 0, AT(proxy.certificate), 0, 0, NULL, ""},
    {"proxy.key", KIND_FILE, 0, AT(proxy.key), 0, 0, NULL, ""},
    {"proxy.acme_email", KIND_MAIL, 0, AT(proxy.acme_email), 0, 254, NULL, ""},
    {"memory", KIND_SIZE, KEY_AUTO, AT(memory), 128 * MIB, TIB, NULL, "auto"},
    {"disk_limit", KIND_SIZE, KEY_AUTO | KEY_NONE, AT(disk_limit), 64 * MIB, 1024 * TIB, NULL,
     "auto"},
    {"log_level", KIND_WORD, 0, AT(log_level), 0, 0, level_words, "info"},
    {"supervise", KIND_CHOICE, 0, AT(supervise), 0, 0, supervisor_words, "self"},
    {"barrels.shards", KIND_NUMBER, KEY_AUTO, AT(barrels.shards), 1, 256, NULL, "auto"},
    {"barrels.replicas", KIND_NUMBER, 0, AT(barrels.replicas), 0, 16, NULL, "1"},
    {"gateways.workers", KIND_NUMBER, KEY_AUTO, AT(gateways.workers), 0, 64, NULL, "auto"},
    {"gateways.threads", KIND_NUMBER, 0, AT(gateways.threads), 1, 256, NULL, "8"},
    {"search.public", KIND_BOOL, 0, AT(search.is_public), 0, 0, NULL, "true"},
    {"search.rate_per_minute", KIND_NUMBER, KEY_NONE, AT(search.rate_per_minute), 1, 1000000, NULL,
     "600"},
    {"search.burst", KIND_NUMBER, 0, AT(search.burst), 1, 100000, NULL, "120"},
    {"search.timeout", KIND_DURATION, 0, AT(search.timeout_ms), 50, MINUTE, NULL, "1s"},
    {"search.cache", KIND_NUMBER, KEY_NONE, AT(search.cache), 1, 1000000, NULL, "1000"},
    {"crawl.contact", KIND_CONTACT, 0, AT(crawl.contact), 0, 254, NULL, ""},
    {"crawl.user_agent", KIND_TEXT, 0, AT(crawl.user_agent), 0, 200, NULL, ""},
    {"crawl.delay", KIND_DURATION, 0, AT(crawl.delay_ms), 0, HOUR, NULL, "1s"},
    {"crawl.max_pages", KIND_NUMBER, 0, AT(crawl.max_pages), 1, 1000000000, NULL, "10000"},
    {"crawl.max_bytes", KIND_SIZE, 0, AT(crawl.max_bytes), KIB, 1024 * TIB, NULL, "1G"},
    {"crawl.max_page", KIND_SIZE, 0, AT(crawl.max_page), KIB, PAGE_BODY_BYTES_MAX, NULL, "10M"},
    {"crawl.timeout", KIND_DURATION, 0, AT(crawl.timeout_ms), SECOND, 10 * MINUTE, NULL, "30s"},
    {"crawl.recrawl", KIND_DURATION, 0, AT(crawl.recrawl_ms), SECOND, 3650 * DAY, NULL, "7d"},
    {"crawl.robots_ttl", KIND_DURATION, 0, AT(crawl.robots_ttl_ms), MINUTE, DAY, NULL, "1d"},
    {"crawl.crawl_delay_max", KIND_DURATION, 0, AT(crawl.crawl_delay_max_ms), SECOND, DAY, NULL,
     "5m"},
    {"crawl.connections_per_address", KIND_NUMBER, 0, AT(crawl.connections_per_address), 1, 64,
     NULL, "2"},
    {"crawl.response_factor", KIND_TENTHS, 0, AT(crawl.response_factor_tenths), 1, 1000, NULL, "2"},
    {"crawl.bandwidth", KIND_SIZE, KEY_NONE, AT(crawl.bandwidth), KIB, TIB, NULL, "none"},
    {"crawl.allowed_networks", KIND_NETWORKS, 0, AT(crawl.allowed_networks), 0, 0, NULL, NULL},
    {"crawl.keep_versions", KIND_NUMBER, 0, AT(crawl.keep_versions), 0, 1000, NULL, "0"},
    {"crawl.handbook", KIND_BOOL, 0, AT(crawl.handbook), 0, 0, NULL, "true"},
    {"crawl.downloaders", KIND_NUMBER, 0, AT(crawl.downloaders), 0, 16, NULL, "1"},
    {"crawl.sources", KIND_SOURCES, 0, AT(crawl.sources), 0, 0, NULL, NULL},
    {.path = NULL},
};

const struct config_key config_source_keys[] = {
    {"url", KIND_URL, KEY_REQUIRED, IN_SOURCE(url), 0, 0, NULL, ""},
    {"prefix", KIND_URL, 0, IN_SOURCE(prefix), 0, 0, NULL, ""},
    {"public", KIND_BOOL, 0, IN_SOURCE(is_public), 0, 0, NULL, "false"},
    {"allow_private", KIND_BOOL, 0, IN_SOURCE(allow_private), 0, 0, NULL, "false"},
    {"delay", KIND_DURATION, KEY_AUTO, IN_SOURCE(delay_ms), 0, HOUR, NULL, "auto"},
    {"max_pages", KIND_NUMBER, 0, IN_SOURCE(max_pages), 0, 1000000000, NULL, "0"},
    {"max_bytes", KIND_SIZE, 0, IN_SOURCE(max_bytes), 0, 1024 * TIB, NULL, "0"},
    {"seeds", KIND_URLS, 0, IN_SOURCE(seeds), 0, 0, NULL, NULL},
    {"sitemaps", KIND_SITEMAPS, 0, IN_SOURCE(sitemaps), 0, 0, NULL, NULL},
    {"feeds", KIND_URLS, 0, IN_SOURCE(feeds), 0, 0, NULL, NULL},
    {"rules", KIND_RULES, 0, IN_SOURCE(rules), 0, 0, NULL, NULL},
    {"max_depth", KIND_NUMBER, KEY_ENDLESS, IN_SOURCE(max_depth), 0, 10000, NULL, "none"},
    {"query", KIND_QUERY, 0, IN_SOURCE(query), 0, 0, NULL, NULL},
    {"recrawl_min", KIND_DURATION, KEY_AUTO, IN_SOURCE(recrawl_min_ms), SECOND, 3650 * DAY, NULL,
     "auto"},
    {"recrawl_max", KIND_DURATION, KEY_AUTO, IN_SOURCE(recrawl_max_ms), SECOND, 3650 * DAY, NULL,
     "auto"},
    {"quiet_hours", KIND_HOURS, 0, IN_SOURCE(quiet_hours), 0, 0, NULL, NULL},
    {"connections", KIND_NUMBER, 0, IN_SOURCE(connections), 1, 16, NULL, "1"},
    {"robots", KIND_CHOICE, 0, IN_SOURCE(robots), 0, 0, robots_words, "obey"},
    {"user_agent", KIND_TEXT, 0, IN_SOURCE(user_agent), 0, 200, NULL, ""},
    {"headers", KIND_HEADERS, 0, IN_SOURCE(access.headers), 0, 0, NULL, NULL},
    {"headers_file", KIND_HEADER_LINES, 0, IN_SOURCE(access.headers), 0, 0, NULL, NULL},
    {"cookie_file", KIND_SECRET, 0, IN_SOURCE(access.cookie), 0, 0, NULL, ""},
    {"login", KIND_LOGIN, 0, IN_SOURCE(access), 0, 0, NULL, NULL},
    {.path = NULL},
};

const struct config_key config_login_keys[] = {
    {"kind", KIND_CHOICE, KEY_REQUIRED, IN_LOGIN(kind), 0, 0, login_words, "basic"},
    {"user", KIND_TEXT, 0, IN_LOGIN(user), 0, 250, NULL, ""},
    {"password_file", KIND_SECRET, 0, IN_LOGIN(password), 0, 0, NULL, ""},
    {"token_file", KIND_SECRET, 0, IN_LOGIN(token), 0, 0, NULL, ""},
    {"url", KIND_URL, 0, IN_LOGIN(url), 0, 0, NULL, ""},
    {"user_field", KIND_TEXT, 0, IN_LOGIN(user_field), 1, 100, NULL, "username"},
    {"password_field", KIND_TEXT, 0, IN_LOGIN(password_field), 1, 100, NULL, "password"},
    {"fields", KIND_FIELDS, 0, IN_LOGIN(fields), 0, 0, NULL, NULL},
    {.path = NULL},
};
/* clang-format on */

/* The largest unit that divides the value. */
static char *unit_text(uint64_t value, const uint64_t *units, const char *const *names,
                       size_t count, char *ret)
{
    size_t unit = 0;
    while (unit + 1 < count && value != 0 && value % units[unit + 1] == 0)
        unit++;
    snprintf(ret, CONFIG_VALUE_BYTES, "%" PRIu64 "%s", value / units[unit], names[unit]);
    return ret;
}

char *config_size_text(uint64_t bytes, char ret[CONFIG_VALUE_BYTES])
{
    static const uint64_t units[] = {1, KIB, MIB, GIB, TIB};
    static const char *const names[] = {"", "K", "M", "G", "T"};
    return unit_text(bytes, units, names, ARRAY_COUNT(units), ret);
}

char *config_duration_text(uint64_t ms, char ret[CONFIG_VALUE_BYTES])
{
    static const uint64_t units[] = {1, SECOND, MINUTE, HOUR, DAY};
    static const char *const names[] = {"ms", "s", "m", "h", "d"};
    if (ms == 0) {
        snprintf(ret, CONFIG_VALUE_BYTES, "0");
        return ret;
    }
    return unit_text(ms, units, names, ARRAY_COUNT(units), ret);
}

const char *config_word_refusal(const struct config_key *key, const char *word)
{
    if (key->words == supervisor_words && strcmp(word, "systemd") == 0)
        return "systemd cannot start each process yet; it may start the orchestrator, or `tierce "
               "up`, which start the others";
    return NULL;
}

static void append_words(const struct config_key *key, struct buffer *ret_text)
{
    for (const char *const *word = key->words; *word != NULL; word++)
        buffer_append_format(ret_text, "%s%s", word == key->words ? "" : ", ", *word);
}

static void append_range(const struct config_key *key, struct buffer *ret_text)
{
    char from[CONFIG_VALUE_BYTES];
    char to[CONFIG_VALUE_BYTES];
    if (key->kind == KIND_TENTHS)
        buffer_append_format(
            ret_text, "a number from %" PRIu64 ".%" PRIu64 " to %" PRIu64 ", such as 2 or 1.5",
            key->min / 10, key->min % 10, key->max / 10);
    else if (key->kind == KIND_SIZE)
        buffer_append_format(ret_text, "a size from %s to %s", config_size_text(key->min, from),
                             config_size_text(key->max, to));
    else if (key->kind == KIND_DURATION)
        buffer_append_format(ret_text, "a time from %s to %s, such as 500ms, 30s, 10m, 2h or 7d",
                             config_duration_text(key->min, from),
                             config_duration_text(key->max, to));
    else
        buffer_append_format(ret_text, "%" PRIu64 " to %" PRIu64, key->min, key->max);
    if (key->flags & KEY_AUTO)
        buffer_append_string(ret_text, ", auto");
    if (key->flags & (KEY_NONE | KEY_ENDLESS))
        buffer_append_string(ret_text, ", none");
}

static const char *fixed_words(enum config_kind kind)
{
    switch (kind) {
    case KIND_HOST:
        return "a host name such as search.example.org, or an IP address";
    case KIND_BOOL:
        return "true, false";
    case KIND_FILE:
        return "the path of a file that can be read";
    case KIND_CONTACT:
        return "a mail address, or a URL that begins with http:// or https://";
    case KIND_MAIL:
        return "a mail address";
    case KIND_URL:
        return "a URL that begins with http:// or https://";
    case KIND_LISTEN:
        return "localhost, \"*\" (everyone), an IP address, or a list of these";
    case KIND_NETWORKS:
        return "a list of networks such as [127.0.0.0/8, \"::1/128\"]";
    case KIND_SOURCES:
        return "a list of sources, each with url and whatever else it needs";
    case KIND_URLS:
        return "a list of URLs of the source's host";
    case KIND_SITEMAPS:
        return "auto (those that robots.txt names), none, or a list of URLs of the source's host "
               "besides";
    case KIND_RULES:
        return "a list of rules such as \"deny prefix /private/\", \"allow glob /docs/**\", \"deny "
               "regex \\.pdf$\"";
    case KIND_QUERY:
        return "keep, keep_all, drop, or a list of parameters to drop such as [sort, ref*]";
    case KIND_HOURS:
        return "a list of times of the day such as [\"22:00-06:00\"]";
    case KIND_HEADERS:
        return "names with values, such as {Accept-Language: de}";
    case KIND_SECRET:
        return "the path of a file that only its owner can read (chmod 600)";
    case KIND_HEADER_LINES:
        return "the path of a file that only its owner can read (chmod 600), a header such as "
               "\"Name: value\" in each line";
    case KIND_LOGIN:
        return "a group of keys: kind, user, password_file, token_file, url, user_field, "
               "password_field, fields";
    case KIND_FIELDS:
        return "names with values, such as {remember: yes}";
    case KIND_TEXT:
    case KIND_WORD:
    case KIND_CHOICE:
    case KIND_NUMBER:
    case KIND_SIZE:
    case KIND_DURATION:
    case KIND_TENTHS:
        break;
    }
    CHECK(!"a kind without words");
    return "";
}

void config_key_allowed(const struct config_key *key, struct buffer *ret_text)
{
    if (key->words != NULL)
        append_words(key, ret_text);
    else if (key->kind == KIND_TEXT)
        buffer_append_format(ret_text, "text of %" PRIu64 " to %" PRIu64 " bytes", key->min,
                             key->max);
    else if (key->kind == KIND_NUMBER || key->kind == KIND_SIZE || key->kind == KIND_DURATION ||
             key->kind == KIND_TENTHS)
        append_range(key, ret_text);
    else
        buffer_append_string(ret_text, fixed_words(key->kind));
}

bool config_key_is_single(const struct config_key *key)
{
    switch (key->kind) {
    case KIND_LISTEN:
    case KIND_NETWORKS:
    case KIND_SOURCES:
    case KIND_URLS:
    case KIND_SITEMAPS:
    case KIND_RULES:
    case KIND_QUERY:
    case KIND_HOURS:
    case KIND_HEADERS:
    case KIND_HEADER_LINES:
    case KIND_LOGIN:
    case KIND_FIELDS:
        return false;
    default:
        return true;
    }
}
