/* SCOPE_DIFF: what another configuration would add and take away. */
#include <string.h>

#include "base/check.h"
#include "indexserver/pages.h"
#include "indexserver/scope_fate.h"
#include "indexserver/service_parts.h"
#include "indexserver/urls.h"

enum {
    URLS_MAX = 1000 * 1000, /* looked at for one answer */
    PAGES_MAX = 20 * 1000,  /* whose links are */
    GAINS_MAX = 100 * 1000, /* told apart */
    SAMPLES = 5,
};

struct diff {
    struct views *views;
    struct scope *now, *then; /* our own: what is asked of them waits for nobody */
    struct arena *arena;      /* the answer's */
    struct arena scratch;
    struct table gained; /* URLs that nobody knows yet */
    Wire__ScopeDiffReply *reply;
    Wire__SourceDiff **of; /* by the number of a source; NULL: it does not change */
    unsigned urls_left, pages_left;
};

/* ---- which sources change ------------------------------------------------------------------ */

static bool is_ours(const struct source *source)
{
    return source->definition->connect_to[0] != '\0'; /* the handbook: no edit takes it out */
}

static Wire__SourceChange change_of(const struct source *before, const struct source *after)
{
    if (is_ours(after) || (before != NULL && is_ours(before)))
        return WIRE__SOURCE_CHANGE__SOURCE_SAME;
    if (before == NULL || !before->configured)
        return after->configured ? WIRE__SOURCE_CHANGE__SOURCE_ADDED
                                 : WIRE__SOURCE_CHANGE__SOURCE_SAME;
    if (!after->configured)
        return WIRE__SOURCE_CHANGE__SOURCE_TAKEN_OUT;
    return source_scope_is_same(before->definition, after->definition)
               ? WIRE__SOURCE_CHANGE__SOURCE_SAME
               : WIRE__SOURCE_CHANGE__SOURCE_CHANGED;
}

static void add_source(struct diff *d, const struct source *source, Wire__SourceChange change)
{
    Wire__SourceDiff *made = check_alloc(arena_alloc(d->arena, sizeof(*made)));
    wire__source_diff__init(made);
    made->url = check_alloc(arena_string(d->arena, source->definition->url));
    made->change = change;
    made->lost = check_alloc(arena_alloc(d->arena, SAMPLES * sizeof(*made->lost)));
    made->gained = check_alloc(arena_alloc(d->arena, SAMPLES * sizeof(*made->gained)));
    if (change == WIRE__SOURCE_CHANGE__SOURCE_TAKEN_OUT)
        made->held = source->counts.fetched;
    d->of[source->id] = made;
    d->reply->sources[d->reply->n_sources++] = made;
}

static void compare_sources(struct diff *d)
{
    size_t count = scope_source_count(d->then);
    d->of = check_alloc(arena_zalloc(d->arena, (count + 1) * sizeof(*d->of)));
    d->reply->sources = check_alloc(arena_alloc(d->arena, (count + 1) * sizeof(*d->of)));
    for (size_t i = 0; i < count; i++) {
        const struct source *after = scope_source_at(d->then, i);
        Wire__SourceChange change = change_of(scope_source_by_id(d->now, after->id), after);
        if (change != WIRE__SOURCE_CHANGE__SOURCE_SAME)
            add_source(d, after, change);
    }
}

/* ---- what is known of them ----------------------------------------------------------------- */

static void sample(struct diff *d, char **samples, size_t *count, const char *url)
{
    if (*count < SAMPLES)
        samples[(*count)++] = check_alloc(arena_string(d->arena, url));
}

static void gain(struct diff *d, Wire__SourceDiff *source, const char *url)
{
    source->gains++;
    sample(d, source->gained, &source->n_gained, url);
}

static bool is_taken(struct scope *scope, struct url *url, unsigned depth, struct arena *arena,
                     struct source **ret_source)
{
    *ret_source = scope_source_for(scope, url, arena);
    return *ret_source != NULL && source_scope_takes((*ret_source)->scope, url, depth);
}

/* A link that is passed over now and would be followed. */
static void count_link(struct diff *d, const char *text, unsigned depth)
{
    struct url now, then;
    struct url_state state;
    struct source *source;
    if (d->gained.count >= GAINS_MAX ||
        url_parse(text, strlen(text), NULL, &d->scratch, &now, NULL) != STATUS_OK)
        return;
    then = now;
    if (is_taken(d->now, &now, depth, &d->scratch, &source) ||
        !is_taken(d->then, &then, depth, &d->scratch, &source) || d->of[source->id] == NULL ||
        table_get(&d->gained, then.text) != NULL ||
        urls_get(d->views, then.text, &state, NULL) != STATUS_NOT_FOUND)
        return;
    char *copy = check_alloc(arena_string(d->arena, then.text));
    table_put(&d->gained, copy, copy);
    gain(d, d->of[source->id], copy);
}

static void count_links(struct diff *d, const struct url_state *state)
{
    Page__Page *page;
    if (d->pages_left == 0) {
        d->reply->cut = true;
        return;
    }
    d->pages_left--;
    if (pages_get_whole(d->views, state->content, &d->scratch, &page, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; !page->nofollow && i < page->n_links; i++) {
        if (!page->links[i]->nofollow)
            count_link(d, page->links[i]->url, state->depth + 1u);
    }
}

static void count_url(struct diff *d, const struct url *url, const struct url_state *state)
{
    struct scope_fate before, after;
    scope_fate_of(d->now, url, state, &d->scratch, &before);
    scope_fate_of(d->then, url, state, &d->scratch, &after);
    Wire__SourceDiff *source = after.source == NULL ? NULL : d->of[after.source->id];
    bool was_refused = state->kind == URL_REFUSED || before.fate == FATE_LEAVES;
    if (source == NULL)
        return;
    source->held += state->content != 0 && source->change != WIRE__SOURCE_CHANGE__SOURCE_TAKEN_OUT;
    if (after.fate == FATE_LEAVES && before.fate != FATE_LEAVES && state->content != 0) {
        source->loses++;
        sample(d, source->lost, &source->n_lost, url->text);
    } else if (after.fate == FATE_LEAVES && before.fate != FATE_LEAVES && !was_refused) {
        source->drops++;
    } else if (after.fate == FATE_WANTED && was_refused) {
        gain(d, source, url->text);
    }
    if (state->content != 0 && after.fate != FATE_LEAVES)
        count_links(d, state);
}

static bool look_at(void *context, const char *text, const struct url_state *state)
{
    struct diff *d = context;
    struct url url;
    if (d->urls_left == 0) {
        d->reply->cut = true;
        return false;
    }
    d->urls_left--;
    if (url_parse(text, strlen(text), NULL, &d->scratch, &url, NULL) == STATUS_OK)
        count_url(d, &url, state);
    arena_reset(&d->scratch);
    return true;
}

/* Each site once, however many of its sources change. */
static enum status count_sites(struct diff *d, struct error *err)
{
    struct table done = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < scope_source_count(d->then) && status == STATUS_OK; i++) {
        struct source *source = scope_source_at(d->then, i);
        if (d->of[source->id] == NULL || table_get(&done, source->authority) != NULL ||
            d->of[source->id]->change == WIRE__SOURCE_CHANGE__SOURCE_TAKEN_OUT)
            continue;
        table_put(&done, source->authority, source);
        status = scope_visit(d->views, source->authority, "", look_at, d, err);
    }
    table_release(&done);
    return status;
}

static void judge_losses(struct diff *d)
{
    for (size_t i = 0; i < d->reply->n_sources; i++) {
        Wire__SourceDiff *source = d->reply->sources[i];
        source->kept = !scope_loss_is_small(source->held, source->loses);
    }
}

void scope_diff_call(struct service *service, struct rpc_call *call)
{
    const Wire__ScopeDiffRequest *request =
        rpc_call_request(call, &wire__scope_diff_request__descriptor);
    if (request == NULL)
        return;
    Wire__ScopeDiffReply reply = WIRE__SCOPE_DIFF_REPLY__INIT;
    struct error err = {0};
    if (request->crawl == NULL) {
        rpc_call_fail(call, STATUS_INVALID, "no settings to compare with");
        return;
    }
    struct diff d = {.views = service->views,
                     .arena = rpc_call_arena(call),
                     .reply = &reply,
                     .urls_left = URLS_MAX,
                     .pages_left = PAGES_MAX};
    pthread_mutex_lock(&service->views->lock);
    d.now = scope_imagine(service->views->scope, NULL);
    d.then = scope_imagine(service->views->scope, request->crawl);
    pthread_mutex_unlock(&service->views->lock);
    compare_sources(&d);
    enum status status = count_sites(&d, &err);
    judge_losses(&d);
    if (status == STATUS_OK)
        rpc_call_reply(call, &reply.base);
    else
        rpc_call_fail(call, status, "%s", err.text);
    scope_close(d.now);
    scope_close(d.then);
    table_release(&d.gained);
    arena_release(&d.scratch);
}
