/*
 * What the gateway can do, apart from how it is asked: HTTP and gRPC call the same functions and
 * differ only in how they read the question and write the answer. A service belongs to one thread
 * (it owns that thread's connections); what threads share (settings, routing, caches, counters)
 * stands in struct gateway (gateway.h).
 *
 * Every string of an answer lies in the arena that was handed in and is plain text, not escaped,
 * but for found_page.snippet, which is HTML.
 */
#ifndef TIERCE_GATEWAY_SERVICE_H
#define TIERCE_GATEWAY_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "rpc/client.h"
#include "wire.pb-c.h"

struct gateway; /* what all threads of the process share */
struct service; /* one thread's */

enum {
    SEARCH_SIZE_DEFAULT = 10,
    SEARCH_SIZE_MAX = 100,
    SEARCH_DUPLICATES_MAX = 10, /* listed with one result, and ten times as many with all */
    SUGGESTIONS_MAX = 8,
    SEARCH_DEPTH_MAX = 1000, /* page * size: beyond it STATUS_INVALID with words for the user */
    ADD_URLS_MAX = 10000,
};

enum status service_open(struct gateway *gateway, struct service **ret_service, struct error *err);
void service_close(struct service *service); /* accepts NULL */

/* When whoever asks stops waiting, by clock_boot_ms(): calls take no longer than that. 0: as long
 * as the settings say, which is so from the start. */
void service_set_deadline(struct service *service, int64_t deadline_ms);

/*
 * Who asks, until the next call; NULL: nobody to watch, which is so from the start. As soon as
 * `watch` shows something, or its other end is closed, searches and backlinks end with
 * STATUS_CANCELLED, and so does what the barrels do for them.
 */
void service_set_asker(struct service *service, const struct rpc_watch *watch);

struct search_question {
    const char *query;     /* UTF-8, zero-terminated; invalid bytes are read as U+FFFD */
    unsigned page;         /* from 1 */
    unsigned size;         /* 1 to SEARCH_SIZE_MAX */
    const char *cursor;    /* of an earlier answer, or NULL */
    bool is_admin;         /* private pages too */
    bool shows_duplicates; /* as results of their own */
};

struct found_page {
    const char *url;
    const char *title;   /* never empty: the URL stands in */
    const char *snippet; /* HTML: escaped text and <mark> */
    double score;
    const char *language;
    uint64_t inlinks;
    int64_t fetched_us;
    const char **duplicates;  /* URLs of pages with the same text, or nearly */
    unsigned duplicate_count; /* at most SEARCH_DUPLICATES_MAX */
    unsigned duplicate_total; /* among the pages looked at */
};

struct search_answer {
    const char *query;   /* as asked, cut to QUERY_BYTES_MAX (index/query.h) */
    const char *read_as; /* as understood */
    const char **notes;  /* one line each: what was dropped and why */
    unsigned note_count;
    unsigned page;
    unsigned size;
    uint64_t total;
    bool total_is_lower_bound;
    bool partial;      /* not every shard answered for all of its pages */
    bool is_relaxed;   /* behind the pages that match come those that have any of the words */
    uint64_t matching; /* of `total`, where it is relaxed: those that match */
    bool from_cache;
    const char *cursor; /* for the next page; "" at the end */
    int64_t took_us;
    unsigned shards_asked;
    unsigned shards_answered;
    struct found_page *results;
    unsigned result_count;
    bool shows_duplicates;    /* as results of their own */
    unsigned folded_count;    /* pages that are listed with, or behind, these results only */
    const char *did_you_mean; /* a query that finds clearly more; NULL: none */
    uint64_t did_you_mean_total;
};

/*
 * Searches. A bad query is never an error. STATUS_INVALID: deeper than SEARCH_DEPTH_MAX, or a
 * cursor that is none (any more); STATUS_UNAVAILABLE: no shard answered; STATUS_OVERLOADED.
 */
enum status service_search(struct service *service, const struct search_question *question,
                           struct arena *arena, struct search_answer *ret_answer,
                           struct error *err);

struct suggest_answer {
    const char *query;        /* as asked, cut to QUERY_BYTES_MAX */
    const char **suggestions; /* queries: what was typed with its last word completed, and titles */
    unsigned count;           /* at most SUGGESTIONS_MAX */
};

/* What somebody who has typed so much may mean. Fails as service_search(); shards that do not
 * answer are left out. */
enum status service_suggest(struct service *service, const char *query, bool is_admin,
                            struct arena *arena, struct suggest_answer *ret_answer,
                            struct error *err);

struct linking_page {
    const char *url;
    const char *title; /* "" where the linking page is not held */
    const char *anchor;
};

struct backlinks_answer {
    const char *url; /* normal form */
    uint64_t total;
    bool partial; /* there may be more: that part of the index is being made again */
    struct linking_page *links;
    unsigned link_count;
};

/* STATUS_INVALID: no such URL can be crawled; the words say why. */
enum status service_backlinks(struct service *service, const char *url, unsigned page,
                              unsigned size, bool is_admin, struct arena *arena,
                              struct backlinks_answer *ret_answer, struct error *err);

/* Why a page has its score for a query, or is not found. */
struct explain_answer {
    const char *query;
    const char *read_as;
    const char *url;                 /* normal form */
    const Wire__ExplainReply *reply; /* the barrel's */
    const char **failed; /* parts of the query: what the page does not match, or must not */
    unsigned failed_count;
    unsigned rank; /* from 1, among the best that are looked at again; 0: behind them */
    double score;  /* in the results; 0: it is not among them */
};

/* Private pages too: it needs an admin. Fails as service_search() does; STATUS_INVALID: no URL;
 * STATUS_UNAVAILABLE, too: it is not found, but its part of the index is being made again. */
enum status service_explain(struct service *service, const char *query, const char *url,
                            struct arena *arena, struct explain_answer *ret_answer,
                            struct error *err);

/* "title", ...; "" of no field. */
const char *service_field_name(uint32_t field);

/* The rest needs an admin: the caller has checked. Replies are the indexserver's and the
 * orchestrator's own. */
enum status service_add_urls(struct service *service, const char *const *urls, size_t count,
                             struct arena *arena, Wire__SubmitReply **ret_reply, struct error *err);
enum status service_remove(struct service *service, Log__RemoveScope scope, const char *value,
                           struct arena *arena, Wire__RemoveReply **ret_reply, struct error *err);
enum status service_control(struct service *service, Log__Action action, const char *source,
                            struct error *err);
enum status service_why(struct service *service, const char *url, struct arena *arena,
                        Wire__LookupReply **ret_reply, struct error *err);
/* Fetches a page now, and keeps nothing of it. Waits some seconds for the turn of its host. */
enum status service_test_url(struct service *service, const char *url, struct arena *arena,
                             Wire__TestUrlReply **ret_reply, struct error *err);
enum status service_stats(struct service *service, struct arena *arena, Wire__Stats **ret_stats,
                          struct error *err);
/* Takes a one-time code; STATUS_DENIED when it is wrong, used or old. */
enum status service_login(struct service *service, const char *code, struct error *err);

/* Whether a search would find all shards and the indexserver; the words name what is missing. */
enum status service_ready(struct service *service, struct error *err);

#endif
