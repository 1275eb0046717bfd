/*
 * The story of a URL, told for LOOKUP: stages with a verdict, words, the facts that they go by, and
 * what would change them. The files that tell parts of it share this.
 */
#ifndef TIERCE_INDEXSERVER_STORY_H
#define TIERCE_INDEXSERVER_STORY_H

#include "base/check.h"
#include "crawl/url.h"
#include "indexserver/scope.h"
#include "indexserver/url_state.h"
#include "indexserver/views.h"
#include "wire.pb-c.h"

enum { STORY_STAGES_MAX = 80, STORY_FACTS_MAX = 24 };

struct story {
    struct views *views;
    struct log_store *log;
    struct arena *arena;
    const char *asked;
    struct url plain;      /* normal form of what was asked */
    struct url url;        /* as its source spells it: what the rest is about */
    struct source *source; /* that wants it; NULL: none */
    struct url_state state;
    bool known;
    Page__Page *page; /* what the parser made of it, with its links; NULL: there is none */
    Wire__Stage **stages;
    size_t stage_count;
};

#define STORY_WORDS(story, ...) check_alloc(arena_format((story)->arena, __VA_ARGS__))

/* Adds a stage. The strings are borrowed for the arena's time; time 0: none. */
Wire__Stage *story_add(struct story *story, const char *name, const char *verdict,
                       const char *words, int64_t time_us);
/* What it goes by; an empty value, or more than STORY_FACTS_MAX, are left out. */
void story_fact(struct story *story, Wire__Stage *stage, const char *name, const char *value);
void story_fact_number(struct story *story, Wire__Stage *stage, const char *name, uint64_t number);
void story_fact_time(struct story *story, Wire__Stage *stage, const char *name, int64_t time_us);

/* An entry of the log; NULL: it was forgotten, or never was. */
const Log__Entry *story_entry(struct story *story, uint64_t sequence);

/* ---- the parts, under the views' lock ---- */

void story_tell_scope(struct story *story);   /* url, scope, found */
void story_tell_crawl(struct story *story);   /* robots, frontier */
void story_tell_fetches(struct story *story); /* fetch, redirects */
void story_tell_contents(
    struct story *story); /* content, canonical, duplicates, visibility, index */

/* content, canonical, visibility: of story->page, as story->state has it. */
void story_tell_page(struct story *story);
/* Every fetch that is still known, the newest first. */
void story_list_fetches(struct story *story, Wire__LookupReply *reply);

#endif
