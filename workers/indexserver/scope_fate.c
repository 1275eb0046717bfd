#include "indexserver/scope_fate.h"

#include <string.h>

enum { LOSS_MIN = 10, LOSS_PERCENT = 20 };

static bool is_wanted(const struct source *source)
{
    return source != NULL && (source->configured || source->owner);
}

static bool was_refused(const struct url_state *state)
{
    return state->kind == URL_REFUSED && state->reason == LOG__REASON__REASON_OUT_OF_SCOPE;
}

static enum fate fate_of(struct source *own, struct source *best, const struct url *url,
                         const struct url *spelt, const struct url_state *state)
{
    bool respelt = strcmp(url->text, spelt->text) != 0 && state->redirects == 0;
    bool takes = best != NULL && !respelt && source_scope_takes(best->scope, url, state->depth);
    if (!takes)
        return is_wanted(own) ? FATE_LEAVES : FATE_SAME;
    return best != own || was_refused(state) ? FATE_WANTED : FATE_SAME;
}

void scope_fate_of(struct scope *scope, const struct url *url, const struct url_state *state,
                   struct arena *arena, struct scope_fate *ret_fate)
{
    struct source *own = scope_source_by_id(scope, state->source);
    *ret_fate = (struct scope_fate){.fate = FATE_SAME, .source = own};
    if (state->kind == URL_REMOVED || (state->flags & URL_LISTING) != 0)
        return; /* the owner has said what becomes of it; or it needs no rule */
    struct url spelt = *url;
    struct source *best = scope_source_for(scope, &spelt, arena);
    ret_fate->fate = fate_of(own, best, url, &spelt, state);
    if (ret_fate->fate == FATE_WANTED)
        ret_fate->source = best;
    if (ret_fate->fate == FATE_LEAVES && best != NULL && strcmp(url->text, spelt.text) != 0 &&
        source_scope_takes(best->scope, &spelt, state->depth))
        ret_fate->instead = spelt.text;
}

bool scope_loss_is_small(uint64_t held, uint64_t leaving)
{
    return leaving < LOSS_MIN || leaving * 100 <= held * LOSS_PERCENT;
}

/* ---- visiting ------------------------------------------------------------------------------ */

static bool in_range(const struct buffer *range, struct kv_slice key)
{
    return key.size >= range->size && memcmp(key.data, range->data, range->size) == 0;
}

static enum status visit_range(struct views *views, const struct buffer *range, const char *after,
                               scope_visitor *visit, void *context, bool *more, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_URLS);
    struct kv_slice start = kv_slice(range->data, range->size);
    struct kv_slice behind = kv_slice(after, strlen(after) + 1); /* with its zero: what is next */
    struct buffer url = {0};
    bool valid = kv_iterator_seek(it, in_range(range, behind) ? behind : start);
    for (; valid && *more && in_range(range, kv_iterator_key(it)); valid = kv_iterator_next(it)) {
        struct kv_slice key = kv_iterator_key(it), value = kv_iterator_value(it);
        struct url_state state;
        buffer_clear(&url);
        buffer_append(&url, key.data, key.size);
        if (url_state_decode(value.data, value.size, &state))
            *more = visit(context, buffer_string(&url), &state);
    }
    enum status status = kv_iterator_status(it, err);
    buffer_release(&url);
    kv_iterator_close(it);
    return status;
}

enum status scope_visit(struct views *views, const char *authority, const char *after,
                        scope_visitor *visit, void *context, struct error *err)
{
    static const char *const schemes[] = {"http://", "https://"};
    enum status status = STATUS_OK;
    bool more = true;
    for (int i = 0; i < 2 && more && status == STATUS_OK; i++) {
        struct buffer range = {0};
        buffer_append_format(&range, "%s%s/", schemes[i], authority);
        /* The first scheme is done where the last URL was of the second. */
        if (i == 1 || strncmp(after, schemes[1], strlen(schemes[1])) != 0)
            status = visit_range(views, &range, after, visit, context, &more, err);
        buffer_release(&range);
    }
    return status;
}
