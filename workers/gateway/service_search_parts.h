/*
 * One search, for service_search*.c, each of which does a part of it, and for service_explain.c.
 * Whatever returns a status returns STATUS_OK, STATUS_NO_MEMORY or what is said with it.
 */
#ifndef TIERCE_GATEWAY_SERVICE_SEARCH_PARTS_H
#define TIERCE_GATEWAY_SERVICE_SEARCH_PARTS_H

#include "gateway/cache.h"
#include "gateway/cursor.h"
#include "gateway/service.h"
#include "gateway/service_parts.h"
#include "index/query_languages.h"
#include "index/search.h"

enum {
    /* Where fewer pages match, those with any of the words follow. Fewer than the window, so that
     * all that match are known. */
    RELAX_BELOW = 10,
    /* Statistics, and other spellings, may take this part of the time left: a shard that hangs
     * leaves the rest to the search, which does without what it would have said. */
    ASIDE_PART = 4,
    /* A question to the shards leaves this part of the time to what follows it: one that hangs
     * shall not take away what the others have found. */
    REST_PART = 4,
};

/* The hits of all shards, in the order of results. */
struct merged {
    struct search_hit *hits;
    size_t count;
    bool is_cut; /* there are more behind them */
};

/* A result, and the hits with the same text that are listed with it. */
struct page_result {
    struct search_hit shown;
    size_t place; /* of the first of them in the order of hits */
    struct search_hit *duplicates;
    unsigned duplicate_count;
    unsigned duplicate_total;
};

/* One search, from question to answer. All of it lies in the arena. */
struct searching {
    struct service *service;
    const struct search_question *question;
    struct arena *arena;
    const struct routing *routing;
    int64_t ends_ms;

    query_languages languages; /* whose stems are looked for */
    bool lacks_statistics;     /* some shard did not say its own: better ones may come soon */
    struct query query;
    struct query_node *relaxed; /* any of its words; NULL: that is no more, or not yet made */
    Wire__Node *node;           /* what is asked now */
    struct query_term terms[QUERY_TERMS_MAX];
    size_t term_count;

    /* what scores are reckoned with */
    struct cursor basis; /* its score and hash: where this page begins, when `has_after` */
    bool has_after;
    uint64_t frequencies[QUERY_TERMS_MAX];

    struct fanout_answer *answers; /* of SEARCH, by shard */
    uint64_t *positions;           /* of the shards that answered */
    bool is_unsettled;             /* one of them finds something else than its position says */
    int64_t asked_ms, heard_ms;    /* when the shards were asked, and had answered */
    struct merged matching;        /* pages that match, where others follow */
    enum cursor_part ends_in;      /* this page */
    bool is_relaxed;               /* what is asked now is any of the words */
    uint32_t more;                 /* hits to ask for beyond those that the page itself needs */
    uint32_t asked;                /* hits that each shard was asked for */
    struct page_result *page;
    unsigned page_count;
    unsigned listed_count;      /* duplicates listed on it */
    struct search_hit page_end; /* the last hit that is on it */
    bool has_next;              /* there are results behind it */
    struct cache_place place;
};

/* ---- service_search.c: from the question to the answer ---- */

/* Reads the query and, where one was given, the cursor. STATUS_INVALID: it cannot be answered. */
enum status searching_understand(struct searching *search, struct search_answer *answer,
                                 struct error *err);

/* ---- service_search_statistics.c: what scores are reckoned with ---- */

/* The languages of the corpus, asked once an epoch; without them words are looked for as typed and
 * by the stems of their scripts. */
enum status searching_find_languages(struct searching *search);

/* In how many documents terms are, by the statistics in force. */
enum status searching_find_frequencies(struct searching *search, const struct query_term *terms,
                                       size_t term_count, uint64_t *ret_frequencies);

/* The statistics in force, or those of the cursor's first page. */
enum status searching_find_basis(struct searching *search, struct error *err);

/* ---- service_search_shards.c: asking the shards ---- */

/* What the shards are asked; NULL: no memory. */
Wire__SearchRequest *searching_make_request(struct searching *search);

/* Asks for search->node; a part of the time stays. STATUS_UNAVAILABLE, STATUS_OVERLOADED ...: no
 * shard answered. */
enum status searching_ask_shards(struct searching *search, struct error *err);

/* Asks for the tree, and adds what was found. */
enum status searching_ask_for(struct searching *search, const struct query_node *root,
                              struct search_answer *answer, struct error *err);

/* All hits of the last answers. */
enum status searching_gather(struct searching *search, struct merged *ret);

/* How many results are in front of this page. */
uint32_t searching_first_result(const struct searching *search);

/* Whether this page continues the order of first scores: then shards can begin there. In the window
 * they cannot, which is that of all shards. */
bool searching_begins_behind_window(const struct searching *search);

/* ---- service_search_page.c: which of what they found is on the page ---- */

/* The first hit behind the last one shown. What was shown may be gone, and others come: it is found
 * by its score, not by its place. */
size_t searching_find_behind(const struct cursor *basis, const struct merged *merged);

/* Fills search->page with the results of the page asked for, asking the shards again where too many
 * of their hits have one text; `partial` of the answer is set where they fail then. */
enum status searching_make_page(struct searching *search, struct search_answer *answer,
                                struct error *err);

/* ---- service_search_fold.c: pages with the same text ---- */

/* The hits of a list as results, in the arena. */
struct folded {
    struct folded_result {
        uint32_t first; /* in the order of hits */
        uint32_t shown;
        uint32_t count; /* of hits, itself among them */
    } * results;
    uint32_t *of; /* for each hit its result */
    size_t count;
};

/*
 * Goes through the hits in their order. One whose text is that of an earlier result, or nearly, is
 * folded into it; each other one is a result of its own. So results depend on the hits in front of
 * them only, and every page of an answer tells the same. Of hits with one score, `precedence` says
 * which is shown. `shows_duplicates`: every hit is a result.
 */
enum status searching_fold(const struct merged *merged, bool shows_duplicates, struct arena *arena,
                           struct folded *ret_folded);

/* Says that some are not shown as results of their own. */
enum status searching_note_folded(struct searching *search, struct search_answer *answer,
                                  struct error *err);

/* ---- service_search_relaxed.c: pages with any of the words, behind those that match ---- */

/* Whether they shall follow: further pages of an answer do as the first. */
bool searching_wants_more(const struct searching *search, const struct search_answer *answer);

/* Makes search->relaxed, with the words read as two that the cursor names. */
void searching_relax(struct searching *search);

/* Keeps what matches, and asks for any of the words, where that is more. Where no shard answers any
 * more those of this page that match are its answer, a partial one. */
enum status searching_ask_for_more(struct searching *search, struct search_answer *answer,
                                   struct error *err);

/* Says that not all results have all words. */
enum status searching_note_relaxed(struct searching *search, struct search_answer *answer,
                                   struct error *err);

/* ---- service_search_results.c: titles and snippets ---- */

/* Pages that went away meanwhile are left out; a shard that does not tell, or lacks a page and is
 * being filled again, makes the answer partial. */
enum status searching_fill_results(struct searching *search, struct search_answer *answer,
                                   struct error *err);

/* ---- service_search_cursor.c: the next page ---- */

/* Where this page begins, if the question says so. STATUS_INVALID: the cursor is none of ours. */
enum status searching_read_cursor(struct searching *search, struct error *err);

/* Goes on from the cursor that was read, where there is one, with the query that was: makes
 * search->relaxed where the page ended among that. STATUS_INVALID: it belongs to another query. */
enum status searching_take_up_cursor(struct searching *search, struct error *err);

/* Where this page ends. */
void searching_note_place(struct searching *search);

/* "" where there is no next page. */
enum status searching_write_cursor(const struct searching *search, struct search_answer *answer,
                                   struct error *err);

#endif
