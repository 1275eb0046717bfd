#include "indexserver/losses.h"

#include "indexserver/removal.h"

enum { CONFIRM_URLS_MAX = 20000 }; /* made due at once; the others come at their own time */

static struct source *source_of(struct change *change, const struct url_entry *entry)
{
    return scope_source_by_id(change->views->scope, entry->after.source);
}

bool loss_is_allowed(struct views *views, const struct url_state *state, int64_t time_us)
{
    struct scope *scope = views->scope;
    struct source *source = scope_source_by_id(scope, state->source);
    if (source == NULL || (state->flags & URL_DOCUMENT) == 0)
        return true;            /* nothing that is found is lost */
    scope_touch(scope, source); /* stored with the next change */
    return valve_lets_go(&source->valve, source->counts.fetched, scope_settings(scope)->recrawl_s,
                         time_us);
}

void loss_note_kept(struct change *change, struct url_entry *entry)
{
    struct source *source = source_of(change, entry);
    if (source == NULL || (entry->after.flags & URL_KEPT) != 0)
        return;
    entry->after.flags |= URL_KEPT;
    valve_keep(&source->valve);
    scope_touch(change->views->scope, source);
}

void loss_settle(struct change *change, struct url_entry *entry)
{
    struct source *source = source_of(change, entry);
    if ((entry->after.flags & URL_KEPT) == 0)
        return;
    entry->after.flags &= (uint16_t)~URL_KEPT;
    if (source == NULL)
        return;
    valve_settle(&source->valve);
    scope_touch(change->views->scope, source);
}

void loss_made_up(struct change *change, const struct url_entry *entry)
{
    struct source *source = source_of(change, entry);
    if (source == NULL || source->valve.lost == 0)
        return;
    valve_gain(&source->valve);
    scope_touch(change->views->scope, source);
}

/* ---- the owner's word ------------------------------------------------------------------------ */

struct confirming {
    struct change *change;
    uint32_t source;
    unsigned count;
    enum status status;
    struct error *err;
};

static bool make_due(void *context, const char *url, struct kv_slice value)
{
    struct confirming *c = context;
    struct url_state state;
    struct url_entry *entry;
    if (!url_state_decode(value.data, value.size, &state) || (state.flags & URL_KEPT) == 0 ||
        state.source != c->source)
        return true;
    c->status = urls_touch(c->change, url, &entry, c->err);
    if (c->status == STATUS_OK)
        entry->after.due_ms = c->change->time_us / 1000; /* no new page: also of a full source */
    return c->status == STATUS_OK && ++c->count < CONFIRM_URLS_MAX;
}

enum status losses_confirm(struct change *change, const Log__Control *control, struct error *err)
{
    struct source *source = scope_source_by_url(change->views->scope, control->source);
    if (source == NULL)
        return STATUS_OK;
    valve_confirm(&source->valve, change->time_us);
    scope_touch(change->views->scope, source);
    struct confirming c = {.change = change, .source = source->id, .err = err};
    Log__Remove site = LOG__REMOVE__INIT;
    site.scope = LOG__REMOVE_SCOPE__REMOVE_SITE;
    site.value = source->authority;
    enum status status = removal_visit(change->views, COLUMN_URLS, &site, make_due, &c, err);
    return status == STATUS_OK ? c.status : status;
}
