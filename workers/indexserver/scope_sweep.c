#include "indexserver/scope_sweep.h"

#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "indexserver/pages.h"
#include "indexserver/scope_fate.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"

enum {
    URLS_AT_ONCE = 1000,              /* looked at for one piece */
    PAGES_AT_ONCE = 50,               /* whose links are, */
    BYTES_AT_ONCE = 16 * 1024 * 1024, /* while they are no larger than that */
    STEPS_AT_ONCE = 5 * 1000 * 1000,  /* of the rules that those links are compared with */
    URLS_OF_ENTRY = 256,              /* submitted by one */
};

void scope_sweep_release(struct scope_sweep *sweep)
{
    buffer_release(&sweep->at);
}

/* One piece of work. */
struct piece {
    struct scope_sweep *sweep;
    struct views *views;
    struct scope *scope;
    struct source *source;
    struct arena arena;
    struct batch batch;
    struct table submitted; /* URLs, each once */
    Log__Submit *newest;    /* the last entry that submits; NULL: none */
    unsigned left;          /* to be looked at */
    uint64_t rule_steps;    /* taken for links (crawl/scope_rule.h) */
};

/* ---- entries ------------------------------------------------------------------------------- */

static void submit(struct piece *p, const char *url, unsigned depth)
{
    if (table_get(&p->submitted, url) != NULL)
        return;
    char *copy = check_alloc(arena_string(&p->arena, url));
    table_put(&p->submitted, copy, copy);
    if (p->newest == NULL || p->newest->depth != depth || p->newest->n_urls == URLS_OF_ENTRY) {
        char **urls = check_alloc(arena_alloc(&p->arena, URLS_OF_ENTRY * sizeof(*urls)));
        Log__Entry *entry = entry_of_submit(&p->arena, LOG__ORIGIN__ORIGIN_SCOPE, urls, 0);
        batch_add(&p->batch, entry, NULL);
        p->newest = entry->submit;
        p->newest->depth = depth;
    }
    p->newest->urls[p->newest->n_urls++] = copy;
    p->sweep->submitted++;
}

static void take_away(struct piece *p, const char *url, Log__RemoveBy by)
{
    batch_add(&p->batch, entry_of_remove(&p->arena, LOG__REMOVE_SCOPE__REMOVE_PAGE, url, by), NULL);
    p->sweep->removed++;
}

/* ---- what becomes of a URL ----------------------------------------------------------------- */

/* What came after the owner asked for the purge was wanted again: also where the purge is over, and
 * runs once more because the frontier is made anew. */
static bool is_purged(const struct source *source, const struct url_state *state)
{
    return source->sweep == SWEEP_PURGE && state->source == source->id &&
           state->found_at <= source->sweep_sequence;
}

static void settle(struct piece *p, const char *url, const struct url_state *state,
                   const struct scope_fate *fate)
{
    bool purges = p->source->sweep == SWEEP_PURGE;
    if (fate->fate == FATE_WANTED)
        submit(p, url, state->depth);
    else if (is_purged(p->source, state))
        take_away(p, url, LOG__REMOVE_BY__REMOVED_BY_PURGE);
    else if (fate->fate == FATE_LEAVES && state->content != 0 && !p->sweep->keeps && !purges)
        take_away(p, url, LOG__REMOVE_BY__REMOVED_BY_SCOPE);
    if (fate->fate == FATE_LEAVES && fate->instead != NULL && !purges)
        submit(p, fate->instead, state->depth);
}

/* A link that no page brings again as long as its page does not change. */
static void take_link(struct piece *p, const char *text, unsigned depth)
{
    struct url url;
    struct url_state state;
    if (url_parse(text, strlen(text), NULL, &p->arena, &url, NULL) != STATUS_OK)
        return;
    struct source *source = scope_source_for(p->scope, &url, &p->arena);
    if (source != NULL && source_scope_takes_counted(source->scope, &url, depth, &p->rule_steps) &&
        urls_get(p->views, url.text, &state, NULL) == STATUS_NOT_FOUND)
        submit(p, url.text, depth);
}

static void take_links(struct piece *p, const struct url_state *state)
{
    Page__Page *page;
    if (state->content == 0 ||
        pages_get_whole(p->views, state->content, &p->arena, &page, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; !page->nofollow && i < page->n_links; i++) {
        if (!page->links[i]->nofollow)
            take_link(p, page->links[i]->url, state->depth + 1u);
    }
}

/* One more is done; false: that was the piece. */
static bool go_on(struct piece *p)
{
    bool is_large = p->arena.used_bytes > BYTES_AT_ONCE || p->rule_steps > STEPS_AT_ONCE;
    p->left = is_large ? 0 : p->left - 1;
    return p->left > 0;
}

static bool look_at(void *context, const char *text, const struct url_state *state)
{
    struct piece *p = context;
    struct scope_sweep *sweep = p->sweep;
    struct scope_fate fate;
    struct url url;
    buffer_clear(&sweep->at);
    buffer_append_string(&sweep->at, text);
    if (url_parse(text, strlen(text), NULL, &p->arena, &url, NULL) != STATUS_OK)
        return go_on(p);
    scope_fate_of(p->scope, &url, state, &p->arena, &fate);
    if (fate.source != p->source && state->source != p->source->id)
        return go_on(p); /* of another source of the host */
    switch (sweep->phase) {
    case SWEEP_COUNT:
        sweep->held += state->content != 0;
        sweep->leaving += state->content != 0 && fate.fate == FATE_LEAVES;
        break;
    case SWEEP_SETTLE:
        settle(p, text, state, &fate);
        break;
    case SWEEP_LINKS:
        if (fate.fate != FATE_LEAVES)
            take_links(p, state);
        break;
    }
    return go_on(p);
}

/* ---- a source after the other -------------------------------------------------------------- */

static void begin(struct scope_sweep *sweep, struct source *source)
{
    buffer_clear(&sweep->at);
    sweep->source = source->id;
    sweep->phase = source->sweep == SWEEP_PURGE ? SWEEP_SETTLE : SWEEP_COUNT;
    sweep->held = sweep->leaving = sweep->removed = sweep->submitted = 0;
    sweep->keeps = false;
    source->sweep_is_due = false;
}

static bool find_source(struct scope_sweep *sweep, struct scope *scope)
{
    for (size_t i = 0; i < scope_source_count(scope); i++) {
        struct source *source = scope_source_at(scope, i);
        if (source->sweep_is_due) {
            begin(sweep, source);
            return true;
        }
    }
    return false;
}

static void say_end(const struct scope_sweep *sweep, const struct source *source)
{
    const char *url = source->definition->url;
    if (source->sweep == SWEEP_PURGE)
        log_info("source %s is purged: %lu URLs are forgotten", url, sweep->removed);
    else if (sweep->keeps)
        log_warning("source %s: its new scope would take away %lu of its %lu pages: they stay "
                    "until that is confirmed (tierce confirm %s)",
                    url, sweep->leaving, sweep->held, url);
    else if (sweep->removed + sweep->submitted > 0)
        log_info("source %s: its new scope takes away %lu pages and adds %lu URLs", url,
                 sweep->removed, sweep->submitted);
}

static enum status end(struct scope_sweep *sweep, struct views *views, struct source *source,
                       struct error *err)
{
    say_end(sweep, source);
    source->scope_kept = sweep->keeps ? sweep->leaving : 0;
    sweep->source = 0;
    if (sweep->keeps)
        return STATUS_OK; /* somebody must confirm it */
    return scope_note_swept(views, source, err);
}

/* Goes on with a source, or begins with one that is to be gone through. One that was changed again
 * meanwhile is begun with again: what was decided so far was about another scope. */
static bool choose(struct scope_sweep *sweep, struct scope *scope)
{
    struct source *source = scope_source_by_id(scope, sweep->source);
    if (source == NULL)
        return find_source(sweep, scope);
    if (source->sweep_is_due)
        begin(sweep, source);
    return true;
}

/* The phase is over: on to the next. */
static enum status advance(struct scope_sweep *sweep, struct views *views, struct source *source,
                           struct error *err)
{
    buffer_clear(&sweep->at);
    switch (sweep->phase) {
    case SWEEP_COUNT:
        sweep->keeps =
            source->sweep != SWEEP_CONFIRMED && !scope_loss_is_small(sweep->held, sweep->leaving);
        sweep->phase = SWEEP_SETTLE;
        return STATUS_OK;
    case SWEEP_SETTLE:
        if (source->sweep != SWEEP_PURGE) {
            sweep->phase = SWEEP_LINKS;
            return STATUS_OK;
        }
        /* fall through */
    default:
        return end(sweep, views, source, err);
    }
}

static enum status run_piece(struct piece *p, struct error *err)
{
    char *after = check_alloc(arena_string(&p->arena, buffer_string(&p->sweep->at)));
    p->left = p->sweep->phase == SWEEP_LINKS ? PAGES_AT_ONCE : URLS_AT_ONCE;
    pthread_mutex_lock(&p->views->lock);
    enum status status = scope_visit(p->views, p->source->authority, after, look_at, p, err);
    if (status == STATUS_OK && p->left > 0)
        status = advance(p->sweep, p->views, p->source, err);
    pthread_mutex_unlock(&p->views->lock);
    return status;
}

enum status scope_sweep_run(struct scope_sweep *sweep, struct views *views,
                            struct sequencer *sequencer, bool *ret_more, struct error *err)
{
    struct scope *scope = views->scope;
    uint64_t first;
    *ret_more = choose(sweep, scope);
    if (!*ret_more)
        return STATUS_OK;
    struct piece p = {.sweep = sweep,
                      .views = views,
                      .scope = scope,
                      .source = scope_source_by_id(scope, sweep->source)};
    enum status status = run_piece(&p, err);
    if (status == STATUS_OK && p.batch.count > 0)
        status = sequencer_append(sequencer, &p.batch, &first, NULL, err);
    batch_release(&p.batch);
    table_release(&p.submitted);
    arena_release(&p.arena);
    return status;
}
