/*
 * The WHATWG's URL parser, for http and https alone: its many states shrink to scheme, authority,
 * path and query, in that order, each of which may come from the base instead.
 */
#include "crawl/url.h"

#include <arpa/inet.h>
#include <libpsl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#include "crawl/address.h"
#include "crawl/host.h"
#include "crawl/percent.h"

/* What is left to read, and what has been read so far. */
struct parser {
    const char *at;
    const char *end;
    const struct url *base;
    struct error *err;
    const char *scheme;
    char authority[HOST_BYTES_MAX + sizeof(":65535")];
    size_t host_size;
    uint16_t port;
    bool authority_read; /* false: the base's */
    char path[URL_BYTES_MAX * PERCENT_GROWTH_MAX + URL_BYTES_MAX + 2];
    size_t path_size;
    char query[URL_BYTES_MAX * PERCENT_GROWTH_MAX + 1];
    size_t query_size; /* 0: none */
};

/* ---- the text ----------------------------------------------------------------------------- */

/* Cuts the fragment and the white space around, drops tabs and newlines within. */
static enum status clean(const char *text, size_t size, char *ret_text, size_t *ret_size,
                         struct error *err)
{
    const char *end = text + size;
    while (text < end && (unsigned char)*text <= ' ')
        text++;
    while (text < end && (unsigned char)end[-1] <= ' ')
        end--;
    const char *fragment = memchr(text, '#', (size_t)(end - text));
    end = fragment == NULL ? end : fragment;
    size_t out = 0;
    for (; text < end; text++) {
        if (*text == '\t' || *text == '\n' || *text == '\r')
            continue;
        if (out == URL_BYTES_MAX)
            return error_set(err, STATUS_TOO_LARGE, "URL over %d bytes", (int)URL_BYTES_MAX);
        ret_text[out++] = *text;
    }
    *ret_size = out;
    return STATUS_OK;
}

static bool is_slash_at(const struct parser *parser, const char *at)
{
    return at < parser->end && (*at == '/' || *at == '\\');
}

static bool is_slash(const struct parser *parser)
{
    return is_slash_at(parser, parser->at);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_character(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* The size of a scheme in front of a ':', or 0. */
static size_t scheme_size(const struct parser *parser)
{
    const char *at = parser->at;
    if (at == parser->end || !is_letter(*at))
        return 0;
    while (at < parser->end && is_scheme_character(*at))
        at++;
    return at < parser->end && *at == ':' ? (size_t)(at - parser->at) : 0;
}

/* ---- the parts ---------------------------------------------------------------------------- */

static enum status read_port(struct parser *parser, const char *at, const char *end)
{
    uint32_t port = 0;
    for (const char *digit = at; digit < end; digit++) {
        if (*digit < '0' || *digit > '9')
            return error_set(parser->err, STATUS_INVALID, "the URL's port is no number");
        port = port * 10 + (uint32_t)(*digit - '0');
        if (port > UINT16_MAX)
            return error_set(parser->err, STATUS_INVALID, "the URL's port is over 65535");
    }
    uint16_t own = strcmp(parser->scheme, "https") == 0 ? 443 : 80;
    parser->port = at == end ? own : (uint16_t)port;
    if (parser->port != own) {
        char text[8];
        int size = 0;
        for (uint32_t rest = port; rest > 0 || size == 0; rest /= 10)
            text[size++] = (char)('0' + rest % 10);
        char *out = parser->authority + strlen(parser->authority);
        *out++ = ':';
        while (size > 0)
            *out++ = text[--size];
        *out = '\0';
    }
    return STATUS_OK;
}

/* The ':' in front of a port: none within the brackets of an IPv6 address. */
static const char *find_port(const char *at, const char *end)
{
    bool bracket = false;
    for (; at < end; at++) {
        bracket = *at == '[' || (bracket && *at != ']');
        if (*at == ':' && !bracket)
            return at;
    }
    return NULL;
}

static enum status read_authority(struct parser *parser)
{
    while (is_slash(parser))
        parser->at++;
    const char *start = parser->at;
    while (parser->at < parser->end && !is_slash(parser) && *parser->at != '?')
        parser->at++;
    const char *end = parser->at;

    const char *sign = memrchr(start, '@', (size_t)(end - start));
    if (sign != NULL) {
        bool empty = sign == start || (sign == start + 1 && *start == ':');
        if (!empty)
            return error_set(parser->err, STATUS_INVALID, "the URL holds a user name or password");
        start = sign + 1;
    }
    const char *colon = find_port(start, end);
    const char *host_end = colon == NULL ? end : colon;
    enum status status =
        host_normalise(start, (size_t)(host_end - start), parser->authority, parser->err);
    if (status != STATUS_OK)
        return status;
    parser->host_size = strlen(parser->authority);
    parser->authority_read = true;
    return read_port(parser, colon == NULL ? end : colon + 1, end);
}

/* Removes the last segment: "/a/b" becomes "/a", "/a" becomes "". */
static void shorten_path(struct parser *parser)
{
    const char *slash = memrchr(parser->path, '/', parser->path_size);
    parser->path_size = slash == NULL ? 0 : (size_t)(slash - parser->path);
}

static void append_segment(struct parser *parser, size_t size, bool last)
{
    const char *segment = parser->path + parser->path_size + 1;
    bool dot = size == 1 && segment[0] == '.';
    bool dots = size == 2 && segment[0] == '.' && segment[1] == '.';
    if (dots)
        shorten_path(parser);
    if (!dot && !dots)
        parser->path_size += 1 + size;
    else if (last)
        parser->path[parser->path_size++] = '/';
}

/* Appends segments up to a '?' or the end. */
static void read_path(struct parser *parser)
{
    if (is_slash(parser))
        parser->at++;
    for (;;) {
        const char *start = parser->at;
        while (parser->at < parser->end && !is_slash(parser) && *parser->at != '?')
            parser->at++;
        bool last = !is_slash(parser);
        parser->path[parser->path_size] = '/';
        size_t size = percent_normalise(start, (size_t)(parser->at - start), PERCENT_PATH,
                                        parser->path + parser->path_size + 1);
        append_segment(parser, size, last);
        if (last)
            return;
        parser->at++;
    }
}

static void read_query(struct parser *parser)
{
    if (parser->at == parser->end)
        return;
    parser->at++; /* the '?' */
    parser->query_size = percent_normalise(parser->at, (size_t)(parser->end - parser->at),
                                           PERCENT_QUERY, parser->query);
}

static void take_base_path(struct parser *parser)
{
    parser->path_size = strlen(parser->base->path);
    memcpy(parser->path, parser->base->path, parser->path_size);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void read_relative(struct parser *parser)
{
    if (parser->at == parser->end) { /* the base itself */
        take_base_path(parser);
        if (parser->base->query != NULL) {
            parser->query_size = strlen(parser->base->query);
            memcpy(parser->query, parser->base->query, parser->query_size);
        }
        return;
    }
    if (!is_slash(parser))
        take_base_path(parser);
    if (*parser->at != '?') {
        if (!is_slash(parser))
            shorten_path(parser);
        read_path(parser);
    }
    read_query(parser);
}

static bool at_two_slashes(const struct parser *parser)
{
    return is_slash(parser) && is_slash_at(parser, parser->at + 1);
}

static enum status read_scheme(struct parser *parser, bool *ret_relative)
{
    size_t size = scheme_size(parser);
    if (size == 0 && parser->base == NULL)
        return error_set(parser->err, STATUS_INVALID,
                         "the URL does not begin with http:// or https://");
    if (size == 0) {
        parser->scheme = parser->base->scheme;
        *ret_relative = true;
        return STATUS_OK;
    }
    if (size == 4 && strncasecmp(parser->at, "http", 4) == 0)
        parser->scheme = "http";
    else if (size == 5 && strncasecmp(parser->at, "https", 5) == 0)
        parser->scheme = "https";
    else
        return error_set(parser->err, STATUS_INVALID, "\"%.*s:\" is neither http nor https",
                         (int)(size > 40 ? 40 : size), parser->at);
    parser->at += size + 1;
    /* "http:page" is relative to a base of the same scheme, an old habit that browsers keep. */
    *ret_relative = parser->base != NULL && strcmp(parser->base->scheme, parser->scheme) == 0;
    return STATUS_OK;
}

static enum status read_all(struct parser *parser)
{
    bool relative = false;
    enum status status = read_scheme(parser, &relative);
    if (status != STATUS_OK)
        return status;
    if (relative && !at_two_slashes(parser)) {
        read_relative(parser);
        return STATUS_OK;
    }
    status = read_authority(parser);
    if (status != STATUS_OK)
        return status;
    read_path(parser);
    read_query(parser);
    return STATUS_OK;
}

/* "http://host:1" of the result: the base's own where the text named none. */
static const char *make_origin(const struct parser *parser, struct arena *arena)
{
    if (!parser->authority_read)
        return arena_string(arena, parser->base->origin);
    return arena_format(arena, "%s://%s", parser->scheme, parser->authority);
}

static enum status build(const struct parser *parser, struct arena *arena, struct url *ret_url)
{
    const char *origin = make_origin(parser, arena);
    if (origin == NULL)
        return error_set(parser->err, STATUS_NO_MEMORY, "URL");
    size_t origin_size = strlen(origin);
    size_t size = origin_size + parser->path_size;
    size += parser->query_size > 0 ? 1 + parser->query_size : 0;
    if (size > URL_BYTES_MAX)
        return error_set(parser->err, STATUS_TOO_LARGE, "URL over %d bytes", (int)URL_BYTES_MAX);

    struct url url = {.scheme = parser->scheme, .origin = origin, .text_size = size};
    url.authority = origin + strlen(url.scheme) + strlen("://");
    url.port = parser->authority_read ? parser->port : parser->base->port;
    size_t host_size = parser->authority_read ? parser->host_size : strlen(parser->base->host);
    url.host = arena_string_of(arena, url.authority, host_size);
    char *text = arena_alloc(arena, size + 1);
    url.path = arena_string_of(arena, parser->path, parser->path_size);
    if (url.host == NULL || text == NULL || url.path == NULL)
        return error_set(parser->err, STATUS_NO_MEMORY, "URL");

    memcpy(text, origin, origin_size);
    memcpy(text + origin_size, parser->path, parser->path_size);
    if (parser->query_size > 0) {
        char *query = text + origin_size + parser->path_size;
        *query++ = '?';
        memcpy(query, parser->query, parser->query_size);
        url.query = query;
    }
    text[size] = '\0';
    url.text = text;
    url.target = text + origin_size;
    *ret_url = url;
    return STATUS_OK;
}

enum status url_parse(const char *text, size_t size, const struct url *base, struct arena *arena,
                      struct url *ret_url, struct error *err)
{
    char cleaned[URL_BYTES_MAX];
    size_t cleaned_size = 0;
    enum status status = clean(text, size, cleaned, &cleaned_size, err);
    if (status != STATUS_OK)
        return status;
    struct parser parser; /* large: only what is read is filled */
    parser.at = cleaned;
    parser.end = cleaned + cleaned_size;
    parser.base = base;
    parser.err = err;
    parser.authority_read = false;
    parser.path_size = 0;
    parser.query_size = 0;
    status = read_all(&parser);
    return status == STATUS_OK ? build(&parser, arena, ret_url) : status;
}

/* ---- host queues -------------------------------------------------------------------------- */

static bool is_loopback_address(const char *host)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char text[INET6_ADDRSTRLEN + 1];
    size_t size = strlen(host);
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        return address_classify((const struct sockaddr *)&v4) == ADDRESS_LOOPBACK;
    if (host[0] != '[' || size - 2 >= sizeof(text))
        return false;
    memcpy(text, host + 1, size - 2); /* without the brackets */
    text[size - 2] = '\0';
    return inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 &&
           address_classify((const struct sockaddr *)&v6) == ADDRESS_LOOPBACK;
}

static bool is_loopback_name(const char *host)
{
    static const char name[] = "localhost";
    size_t size = strlen(host), name_size = sizeof(name) - 1;
    return size >= name_size && strcmp(host + size - name_size, name) == 0 &&
           (size == name_size || host[size - name_size - 1] == '.');
}

const char *url_host_queue(const struct url *url, struct arena *arena)
{
    if (is_loopback_name(url->host) || is_loopback_address(url->host))
        return arena_format(arena, "%s:%u", url->host, url->port);
    return arena_string(arena, url->host);
}

/* ---- registrable domains ------------------------------------------------------------------ */

static const psl_ctx_t *suffixes;
static pthread_once_t suffixes_once = PTHREAD_ONCE_INIT;

static void open_suffixes(void)
{
    suffixes = psl_builtin();
}

const char *url_registrable_domain(const struct url *url)
{
    pthread_once(&suffixes_once, open_suffixes);
    struct in_addr ipv4;
    bool address = url->host[0] == '[' || inet_pton(AF_INET, url->host, &ipv4) == 1;
    const char *domain =
        address || suffixes == NULL ? NULL : psl_registrable_domain(suffixes, url->host);
    return domain == NULL ? url->host : domain;
}
