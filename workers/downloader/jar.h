/*
 * The cookies of one origin, as a browser that knows no other origin keeps them (RFC 6265): they
 * are sent back to where they came from and nowhere else, whatever domain they ask for. In memory
 * only, and wiped.
 */
#ifndef TIERCE_DOWNLOADER_JAR_H
#define TIERCE_DOWNLOADER_JAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum {
    JAR_COOKIES_MAX = 50,             /* further ones are not taken */
    JAR_COOKIE_BYTES_MAX = 4096,      /* of a name, a value and a path; a longer one is not taken */
    JAR_HEADER_BYTES_MAX = 16 * 1024, /* that are sent with one request */
};

struct cookie {
    char *text; /* name, value, path: one behind the other, each with its end */
    size_t size;
    const char *value;
    const char *path;
    int64_t expires_s; /* Unix time; INT64_MAX: with the jar */
};

struct jar {
    size_t count;
    struct cookie cookies[JAR_COOKIES_MAX];
};

/* Takes in a Set-Cookie header's value that came with the answer to a request of `path` (with its
 * query or without). One that is past takes away the cookie that it names. */
void jar_take(struct jar *jar, const char *set_cookie, const char *path, int64_t now_s);

/* Takes in a Cookie header's value: "a=1; b=2", for all paths. */
void jar_take_all(struct jar *jar, const char *cookies);

/* Appends "a=1; b=2" for a request of `path`; nothing where no cookie is for it. */
void jar_write(const struct jar *jar, const char *path, int64_t now_s, struct buffer *ret_header);

void jar_clear(struct jar *jar);

#endif
