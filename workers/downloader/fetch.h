/*
 * One HTTP request and its answer, among others on the same curl multi handle. Nothing is followed,
 * sent along or looked up by itself: no redirects, cookies, passwords, proxies, but what a source
 * has its site sent (session.h). Every size and time
 * that the server could stretch has a limit.
 */
#ifndef TIERCE_DOWNLOADER_FETCH_H
#define TIERCE_DOWNLOADER_FETCH_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "downloader/addresses.h"
#include "downloader/bandwidth.h"
#include "downloader/guard.h"
#include "log.pb-c.h"

enum {
    FETCH_DISCARD_BYTES = 64 * 1024, /* of an unwanted body, read so that the connection stays */
    FETCH_SMALL_BODY_BYTES = 512 * 1024, /* above this a body needs one of the large places */
    FETCH_PLACE_CHECK_MS = 1000,
};

struct fetch_limits {
    uint32_t connect_ms;        /* name, connection and TLS */
    uint32_t slow_bytes_second; /* an answer slower than this ... */
    uint32_t slow_s;            /* ... for so long is cut */
    /* A large place is kept by a body that comes so fast, over so long; else it is cut where others
     * wait for a place. */
    uint32_t place_bytes_second;
    uint32_t place_s;
};

extern const struct fetch_limits fetch_limits_usual;

/* How many bodies may be large at a time, so that many hosts together cannot fill the memory. */
struct fetch_places {
    unsigned free;
    unsigned waiting; /* fetches paused for one */
};

/* What is asked. Borrowed until the fetch is finished. */
struct fetch_request {
    const char *url; /* normal form */
    const char *user_agent;
    const char *etag;          /* of what is held, as the server wrote it; NULL or "": none */
    const char *last_modified; /* the same */
    const char *connect_to;    /* "ip:port" in place of the URL's; NULL or "" */
    const void *ca_pem;        /* certificates that are trusted besides the system's */
    size_t ca_pem_size;        /* 0: none */
    const struct guard *guard;
    const struct fetch_limits *limits;
    struct fetch_places *places;
    struct addresses *addresses;
    struct bandwidth *bandwidth; /* NULL: no limit */
    void *owner;                 /* for fetch_owner() */
    const char *likely_address;  /* where the host was last time; NULL or "": not known */
    size_t body_max;             /* decoded bytes; a longer body is cut there */
    uint32_t timeout_ms;         /* not counting what it waits for a place or for bandwidth */
    bool any_type;               /* the body is wanted whatever its Content-Type says */

    /* Secrets: copied when the fetch begins, and not looked at again. */
    bool with_credentials;      /* there are some, or could be */
    const char *const *headers; /* "Name: value", as they are to be sent */
    size_t header_count;
    const char *cookie; /* the header's value; NULL: none */
    const void *form;   /* NULL: GET; else it is POSTed, urlencoded */
    size_t form_size;
};

/* What came. Owned by the fetch until its next start. */
struct fetch_answer {
    uint32_t status;                /* 0: no answer */
    struct buffer headers;          /* raw block of the last answer (not of a 1xx) */
    struct buffer body;             /* decoded; of a 200 or 203 only */
    bool truncated;                 /* the body was cut at its limit */
    char address[INET6_ADDRSTRLEN]; /* connected to; "": none */
    bool private_address;
    bool with_credentials; /* as it was asked */
    bool busy;  /* all connections that may be open to `address` are used: nothing was sent, try
                   again later */
    bool stale; /* the connection was kept, and closed without an answer: it may have been closed
                   before it was asked, try again */
    uint64_t received_bytes; /* of the body, as on the wire */
    int32_t elapsed_ms;

    /* Why there is no answer to be used; LOG__REASON__REASON_UNKNOWN: there is one. */
    Log__Reason trouble;
    struct error why; /* the words; its status means nothing */
};

struct fetch;

enum status fetch_new(struct fetch **ret_fetch, struct error *err);
void fetch_free(struct fetch *fetch); /* of one that is not under way; accepts NULL */

/* Begins. The easy handle's CURLINFO_PRIVATE is the fetch. */
enum status fetch_start(struct fetch *fetch, CURLM *multi, const struct fetch_request *request,
                        struct error *err);

/* After curl's message that it is done. The answer lives until the next start. */
struct fetch_answer *fetch_finish(struct fetch *fetch, CURLM *multi, CURLcode result);

/* Gives up one that is under way; nothing happens to one that is not. */
void fetch_abandon(struct fetch *fetch, CURLM *multi);

/* Goes on with one that waits for a large place or for bandwidth, when there is some. */
void fetch_resume(struct fetch *fetch);

/* Cuts one that holds a large place and is too slow for it, while others wait for one: the
 * transfers' next turn ends it. To be called once in FETCH_PLACE_CHECK_MS while there are some. */
void fetch_make_way(struct fetch *fetch);

bool fetch_is_under_way(const struct fetch *fetch);
/* The request's, of one that is under way. */
void *fetch_owner(const struct fetch *fetch);

#endif
