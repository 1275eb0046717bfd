#include "downloader/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "crawl/headers.h"
#include "crawl/url.h"
#include "downloader/jar.h"

enum { HEADER_BYTES_MAX = 8 * 1024, SET_COOKIES_MAX = 50, FIXED_LINES = 2 };

struct session {
    unsigned holders; /* besides whoever made it */
    char *source;
    char *origin; /* "https://wiki.example.org" */
    uint64_t fingerprint;
    char *lines[SESSION_HEADERS_MAX + FIXED_LINES]; /* "Name: value"; secrets */
    size_t line_count;
    struct jar jar;
    struct buffer cookies; /* of the request that was filled last */
    char *login_url;       /* NULL: there is no form */
    struct buffer form;    /* as it is sent */
    char *form_lines[SESSION_HEADERS_MAX + 2 * FIXED_LINES];
    char *origin_line, *referer_line; /* as a browser sends them with a form */
    bool logging_in;
    int64_t logged_in_ms; /* 0: not, or no more */
    int64_t failed_ms;    /* 0: it did not */
    struct error trouble;
};

/* ---- secrets ---- */

static void wipe_string(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

static void wipe_buffer(struct buffer *buffer)
{
    if (buffer->data != NULL)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer_release(buffer);
}

/* "Basic ..." of RFC 7617. */
static char *basic_line(const char *user, const char *password)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buffer pair = {0}, line = {0};
    buffer_append_format(&pair, "%s:%s", user, password);
    buffer_append_string(&line, "Authorization: Basic ");
    for (size_t i = 0; i < pair.size; i += 3) {
        size_t left = pair.size - i;
        uint32_t bits = (uint32_t)pair.data[i] << 16;
        bits |= left > 1 ? (uint32_t)pair.data[i + 1] << 8 : 0;
        bits |= left > 2 ? pair.data[i + 2] : 0;
        for (unsigned k = 0; k < 4; k++)
            buffer_append_byte(&line, k <= left ? (uint8_t)digits[bits >> (18 - 6 * k) & 63] : '=');
    }
    char *text = line.failed || pair.failed ? NULL : strdup(buffer_string(&line));
    wipe_buffer(&pair);
    wipe_buffer(&line);
    return check_alloc(text);
}

static char *format_line(const char *before, const char *value)
{
    char *text = NULL;
    CHECK(asprintf(&text, "%s%s", before, value) >= 0);
    return text;
}

/* ---- making one ---- */

/* Headers that are ours to say: what frames a message, what was offered, what is held. */
static bool is_ours(const char *name, size_t size)
{
    static const char *const ours[] = {
        "Host",   "Content-Length",     "Content-Type",  "Transfer-Encoding",
        "TE",     "Connection",         "Expect",        "Upgrade",
        "Range",  "Accept-Encoding",    "If-None-Match", "If-Modified-Since",
        "Cookie", "Proxy-Authorization"};
    for (size_t i = 0; i < ARRAY_COUNT(ours); i++) {
        if (strlen(ours[i]) == size && strncasecmp(ours[i], name, size) == 0)
            return true;
    }
    return false;
}

/* "Name: value" that can be sent as it stands. */
static bool is_line(const char *line)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t name = strspn(line, token), size = strlen(line);
    if (name == 0 || line[name] != ':' || size > HEADER_BYTES_MAX || is_ours(line, name))
        return false;
    for (size_t i = name + 1; i < size; i++) {
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return false;
    }
    return line[name + 1 + strspn(line + name + 1, " \t")] != '\0';
}

static void add_headers(struct session *session, const Wire__Credentials *from)
{
    if (from->user[0] != '\0' && from->login_url[0] == '\0')
        session->lines[session->line_count++] = basic_line(from->user, from->password);
    else if (from->bearer[0] != '\0')
        session->lines[session->line_count++] = format_line("Authorization: Bearer ", from->bearer);
    for (size_t i = 0; i < from->n_headers && i < SESSION_HEADERS_MAX; i++) {
        if (is_line(from->headers[i]))
            session->lines[session->line_count++] = check_alloc(strdup(from->headers[i]));
        else /* whose value is no one's to read */
            log_warning("%s: header %zu of its headers_file is not sent: it is none, or not the "
                        "owner's to set",
                        from->source, i + 1);
    }
}

/* application/x-www-form-urlencoded, as the URL standard has it. */
static void append_encoded(struct buffer *form, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '*' || c == '-' || c == '.' || c == '_';
        if (plain)
            buffer_append_byte(form, c);
        else if (c == ' ')
            buffer_append_byte(form, '+');
        else
            buffer_append_format(form, "%%%02X", c);
    }
}

static void add_form(struct session *session, const Wire__Credentials *from)
{
    for (size_t i = 0; i < from->n_login_fields; i++) {
        const char *field = from->login_fields[i];
        size_t name = strcspn(field, "=");
        if (i > 0)
            buffer_append_byte(&session->form, '&');
        append_encoded(&session->form, field, name);
        buffer_append_byte(&session->form, '=');
        if (field[name] == '=')
            append_encoded(&session->form, field + name + 1, strlen(field + name + 1));
    }
    CHECK(!session->form.failed);
    session->origin_line = format_line("Origin: ", session->origin);
    session->referer_line = format_line("Referer: ", session->login_url);
}

/* A URL's normal form, and its origin; the caller's to free. */
static enum status read_url(const char *text, char **ret_url, char **ret_origin, struct error *err)
{
    struct arena arena = {0};
    struct url url;
    enum status status = url_parse(text, strlen(text), NULL, &arena, &url, err);
    if (status == STATUS_OK) {
        *ret_url = check_alloc(strdup(url.text));
        *ret_origin = check_alloc(strdup(url.origin));
    }
    arena_release(&arena);
    return status;
}

static uint64_t fingerprint_of(const Wire__Credentials *from)
{
    size_t size = wire__credentials__get_packed_size(from);
    uint8_t *bytes = check_alloc(malloc(size + 1));
    wire__credentials__pack(from, bytes);
    uint64_t fingerprint = hash64(bytes, size);
    explicit_bzero(bytes, size);
    free(bytes);
    return fingerprint;
}

static enum status read_login(struct session *session, const Wire__Credentials *from,
                              struct error *err)
{
    char *origin = NULL;
    if (from->login_url[0] == '\0')
        return STATUS_OK;
    enum status status = read_url(from->login_url, &session->login_url, &origin, err);
    if (status == STATUS_OK && strcmp(origin, session->origin) != 0)
        status = error_set(err, STATUS_INVALID,
                           "its log-in is at %s, and only %s may learn its password", origin,
                           session->origin);
    free(origin);
    if (status == STATUS_OK)
        add_form(session, from);
    return status;
}

enum status session_new(const Wire__Credentials *credentials, struct session **ret_session,
                        struct error *err)
{
    struct session *session = check_alloc(calloc(1, sizeof(*session)));
    char *url = NULL;
    session->source = check_alloc(strdup(credentials->source));
    session->fingerprint = fingerprint_of(credentials);
    enum status status = read_url(credentials->source, &url, &session->origin, err);
    free(url);
    if (status == STATUS_OK)
        status = read_login(session, credentials, err);
    if (status != STATUS_OK) {
        error_add_context(err, "credentials of %s", credentials->source);
        session_free(session);
        return status;
    }
    add_headers(session, credentials);
    jar_take_all(&session->jar, credentials->cookie);
    *ret_session = session;
    return STATUS_OK;
}

struct session *session_hold(struct session *session)
{
    session->holders++;
    return session;
}

void session_free(struct session *session)
{
    if (session == NULL)
        return;
    if (session->holders > 0) {
        session->holders--;
        return;
    }
    for (size_t i = 0; i < session->line_count; i++)
        wipe_string(session->lines[i]);
    jar_clear(&session->jar);
    wipe_buffer(&session->cookies);
    wipe_buffer(&session->form);
    free(session->login_url);
    free(session->origin_line);
    free(session->referer_line);
    free(session->origin);
    free(session->source);
    free(session);
}

const char *session_source(const struct session *session)
{
    return session->source;
}

bool session_is_same(const struct session *a, const struct session *b)
{
    return a->fingerprint == b->fingerprint && strcmp(a->source, b->source) == 0;
}

/* ---- requests ---- */

bool session_covers(const struct session *session, const char *url)
{
    size_t size = strlen(session->origin);
    return strncmp(url, session->origin, size) == 0 && url[size] == '/';
}

static const char *path_of(const struct session *session, const char *url)
{
    CHECK(session_covers(session, url));
    return url + strlen(session->origin);
}

void session_fill(struct session *session, struct fetch_request *request, int64_t now_s)
{
    struct buffer *cookies = &session->cookies;
    wipe_buffer(cookies);
    jar_write(&session->jar, path_of(session, request->url), now_s, cookies);
    request->headers = (const char *const *)session->lines;
    request->header_count = session->line_count;
    request->cookie = cookies->size > 0 ? buffer_string(cookies) : NULL;
    request->with_credentials = true;
}

void session_take_cookies(struct session *session, const char *url,
                          const struct fetch_answer *answer, int64_t now_s)
{
    struct arena arena = {0};
    char *values[SET_COOKIES_MAX];
    size_t count = headers_get_all(answer->headers.data, answer->headers.size, "Set-Cookie",
                                   SET_COOKIES_MAX, &arena, values);
    for (size_t i = 0; i < count; i++) {
        jar_take(&session->jar, values[i], path_of(session, url), now_s);
        explicit_bzero(values[i], strlen(values[i]));
    }
    arena_release(&arena);
}

/* ---- the form ---- */

uint32_t session_retry_s(const struct session *session, int64_t now_ms)
{
    if (session->failed_ms == 0)
        return 0;
    int64_t left_ms = session->failed_ms + SESSION_FAILED_S * 1000 - now_ms;
    return left_ms > 1000 ? (uint32_t)(left_ms / 1000) : 1;
}

enum session_state session_state(const struct session *session, int64_t now_ms)
{
    if (session->login_url == NULL || session->logged_in_ms != 0)
        return SESSION_READY;
    if (session->logging_in)
        return SESSION_WAIT;
    if (session->failed_ms != 0 && now_ms < session->failed_ms + SESSION_FAILED_S * 1000)
        return SESSION_FAILED;
    return SESSION_LOG_IN;
}

void session_begin_login(struct session *session, struct fetch_request *request, int64_t now_s)
{
    size_t count = 0;
    request->url = session->login_url;
    session_fill(session, request, now_s);
    for (; count < session->line_count; count++)
        session->form_lines[count] = session->lines[count];
    session->form_lines[count++] = session->origin_line;
    session->form_lines[count++] = session->referer_line;
    request->headers = (const char *const *)session->form_lines;
    request->header_count = count;
    request->form = session->form.data;
    request->form_size = session->form.size;
    request->etag = request->last_modified = NULL;
    request->any_type = true;
    request->body_max = SESSION_BODY_BYTES_MAX;
    session->logging_in = true;
}

static void fail(struct session *session, int64_t now_ms, const char *words)
{
    error_set(&session->trouble, STATUS_DENIED, "log-in at %s: %s", session->login_url, words);
    session->failed_ms = now_ms;
    session->logged_in_ms = 0;
    log_warning("%s: %s", session->source, session->trouble.text);
}

/* Whether a URL is the form's, whatever its query says. */
static bool is_login(const struct session *session, const char *url)
{
    size_t size = strcspn(session->login_url, "?");
    return strcspn(url, "?") == size && strncmp(url, session->login_url, size) == 0;
}

void session_end_login(struct session *session, const struct fetch_answer *answer,
                       const char *target, int64_t now_ms)
{
    char answered[64];
    const char *words = NULL;
    snprintf(answered, sizeof(answered), "the site answers %u", answer->status);
    if (answer->trouble != LOG__REASON__REASON_UNKNOWN)
        words = answer->why.text;
    else if (answer->status < 200 || answer->status >= 400)
        words = answered;
    else if (target != NULL && is_login(session, target))
        words = "the site asks for it again: is the password right?";
    else if (session->jar.count == 0)
        words = "the site gave no cookie: is the password right?";
    session->logging_in = false;
    if (words != NULL) {
        fail(session, now_ms, words);
        return;
    }
    session->logged_in_ms = now_ms;
    session->failed_ms = 0;
}

void session_drop_login(struct session *session)
{
    session->logging_in = false;
}

const char *session_trouble(const struct session *session)
{
    return session->trouble.text;
}

static enum session_verdict judge_form(struct session *session, uint32_t status, const char *target,
                                       int64_t now_ms)
{
    bool asks = status == 401 || (target != NULL && is_login(session, target));
    if (!asks && status != 403)
        return SESSION_FINE;
    if (now_ms >= session->logged_in_ms + SESSION_AGAIN_MS) {
        session->logged_in_ms = 0;
        return SESSION_AGAIN;
    }
    if (!asks)
        return SESSION_FINE; /* this page is not for this user */
    fail(session, now_ms, "the site asks for it again, right after one");
    return SESSION_REFUSED;
}

enum session_verdict session_judge(struct session *session, uint32_t status, const char *target,
                                   int64_t now_ms)
{
    if (session->login_url != NULL)
        return judge_form(session, status, target, now_ms);
    if (status != 401)
        return SESSION_FINE;
    error_set(&session->trouble, STATUS_DENIED,
              "401: the site does not take what the source sends along");
    return SESSION_REFUSED;
}
