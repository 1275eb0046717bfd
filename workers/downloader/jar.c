#include "downloader/jar.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A part of a header's value, which it borrows. */
struct part {
    const char *at;
    size_t size;
};

static struct part trim(struct part part)
{
    while (part.size > 0 && (*part.at == ' ' || *part.at == '\t'))
        part = (struct part){part.at + 1, part.size - 1};
    while (part.size > 0 && (part.at[part.size - 1] == ' ' || part.at[part.size - 1] == '\t'))
        part.size--;
    return part;
}

/* What stands before the next ';', which it passes; false: nothing is left. */
static bool next_part(const char **at, struct part *ret)
{
    if (**at == '\0')
        return false;
    *ret = trim((struct part){*at, strcspn(*at, ";")});
    *at += strcspn(*at, ";");
    *at += **at == ';';
    return true;
}

/* "name=value" into two; without a '=' the value is empty and false is returned. */
static bool split(struct part part, struct part *ret_name, struct part *ret_value)
{
    const char *equals = memchr(part.at, '=', part.size);
    size_t size = equals == NULL ? part.size : (size_t)(equals - part.at);
    *ret_name = trim((struct part){part.at, size});
    *ret_value = (struct part){part.at + part.size, 0};
    if (equals != NULL)
        *ret_value = trim((struct part){equals + 1, part.size - size - 1});
    return equals != NULL;
}

static bool is_called(struct part name, const char *text)
{
    return name.size == strlen(text) && strncasecmp(name.at, text, name.size) == 0;
}

/* ---- one cookie ---- */

static void free_cookie(struct cookie *cookie)
{
    explicit_bzero(cookie->text, cookie->size);
    free(cookie->text);
}

/* The folder of a request's path: where a cookie is for that names no path (RFC 6265, 5.1.4). */
static struct part folder_of(const char *path)
{
    size_t size = strcspn(path, "?#");
    while (size > 0 && path[size - 1] != '/')
        size--;
    if (size <= 1)
        return (struct part){"/", 1};
    return (struct part){path, size - 1};
}

static bool has_controls(struct part part)
{
    for (size_t i = 0; i < part.size; i++) {
        if ((unsigned char)part.at[i] < ' ' || part.at[i] == 0x7f)
            return true;
    }
    return false;
}

static bool make_cookie(struct part name, struct part value, struct part path, int64_t expires_s,
                        struct cookie *ret)
{
    size_t size = name.size + value.size + path.size + 3;
    if (name.size == 0 || size > JAR_COOKIE_BYTES_MAX || has_controls(name) ||
        has_controls(value) || has_controls(path))
        return false;
    char *text = calloc(1, size);
    if (text == NULL)
        return false;
    memcpy(text, name.at, name.size);
    memcpy(text + name.size + 1, value.at, value.size);
    memcpy(text + name.size + value.size + 2, path.at, path.size);
    *ret = (struct cookie){.text = text,
                           .size = size,
                           .value = text + name.size + 1,
                           .path = text + name.size + value.size + 2,
                           .expires_s = expires_s};
    return true;
}

/* RFC 6265, 5.1.4. */
static bool is_for(const struct cookie *cookie, const char *path)
{
    size_t size = strlen(cookie->path), path_size = strcspn(path, "?#");
    if (path_size < size || memcmp(cookie->path, path, size) != 0)
        return false;
    return path_size == size || cookie->path[size - 1] == '/' || path[size] == '/';
}

/* ---- the jar ---- */

static void put(struct jar *jar, struct cookie *cookie, int64_t now_s)
{
    size_t i = 0;
    while (i < jar->count && (strcmp(jar->cookies[i].text, cookie->text) != 0 ||
                              strcmp(jar->cookies[i].path, cookie->path) != 0))
        i++;
    if (i < jar->count) {
        free_cookie(&jar->cookies[i]);
        jar->cookies[i] = jar->cookies[--jar->count];
    }
    if (cookie->expires_s <= now_s || jar->count == JAR_COOKIES_MAX)
        free_cookie(cookie);
    else
        jar->cookies[jar->count++] = *cookie;
}

/* When a cookie ends by "Max-Age=...": at once for what is no positive number. */
static int64_t end_of_age(struct part value, int64_t now_s)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < value.size && i < 10; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return now_s;
        seconds = seconds * 10 + (value.at[i] - '0');
    }
    return now_s + seconds;
}

/* The same by "Expires=..."; a date that cannot be read is none. */
static int64_t end_of_date(struct part value)
{
    char text[64];
    if (value.size >= sizeof(text))
        return INT64_MAX;
    memcpy(text, value.at, value.size);
    text[value.size] = '\0';
    time_t date = curl_getdate(text, NULL);
    return date < 0 ? INT64_MAX : (int64_t)date;
}

void jar_take(struct jar *jar, const char *set_cookie, const char *path, int64_t now_s)
{
    struct part part, name, value, key, said;
    struct part cookie_path = folder_of(path);
    int64_t expires_s = INT64_MAX;
    bool has_age = false;
    struct cookie cookie;
    if (!next_part(&set_cookie, &part) || !split(part, &name, &value))
        return;
    while (next_part(&set_cookie, &part)) {
        split(part, &key, &said);
        if (is_called(key, "path") && said.size > 0 && *said.at == '/')
            cookie_path = said;
        else if (is_called(key, "max-age") && said.size > 0) {
            expires_s = end_of_age(said, now_s);
            has_age = true;
        } else if (is_called(key, "expires") && !has_age)
            expires_s = end_of_date(said);
    }
    if (make_cookie(name, value, cookie_path, expires_s, &cookie))
        put(jar, &cookie, now_s);
}

void jar_take_all(struct jar *jar, const char *cookies)
{
    struct part part, name, value;
    struct cookie cookie;
    while (next_part(&cookies, &part)) {
        if (split(part, &name, &value) &&
            make_cookie(name, value, (struct part){"/", 1}, INT64_MAX, &cookie))
            put(jar, &cookie, 0);
    }
}

void jar_write(const struct jar *jar, const char *path, int64_t now_s, struct buffer *ret_header)
{
    bool first = true;
    for (size_t i = 0; i < jar->count; i++) {
        const struct cookie *cookie = &jar->cookies[i];
        if (cookie->expires_s <= now_s || !is_for(cookie, path) ||
            ret_header->size + cookie->size > JAR_HEADER_BYTES_MAX)
            continue;
        if (!first)
            buffer_append_string(ret_header, "; ");
        first = false;
        buffer_append_string(ret_header, cookie->text);
        buffer_append_byte(ret_header, '=');
        buffer_append_string(ret_header, cookie->value);
    }
}

void jar_clear(struct jar *jar)
{
    for (size_t i = 0; i < jar->count; i++)
        free_cookie(&jar->cookies[i]);
    jar->count = 0;
}
