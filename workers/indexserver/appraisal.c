#include "indexserver/appraisal.h"

#include <string.h>

#include "indexserver/found.h"
#include "indexserver/losses.h"
#include "indexserver/pages.h"
#include "indexserver/revisit.h"
#include "indexserver/urls.h"
#include "rpc/message.h"

enum sameness { SAME_NOT, SAME_TEXT, SAME_WHOLLY };

static struct revisit_bounds bounds_of(struct views *views, const struct url_state *state)
{
    static const Log__Source none = LOG__SOURCE__INIT;
    const Log__CrawlSettings *settings = scope_settings(views->scope);
    const struct source *source = scope_source_by_id(views->scope, state->source);
    const Log__Source *definition = source == NULL ? &none : source->definition;
    return revisit_bounds(settings->recrawl_s, definition->recrawl_min_s, definition->recrawl_max_s,
                          (state->flags & URL_LISTING) != 0);
}

static bool same_bytes(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Without what parsers read from headers that servers renew with each answer. */
static void pack(const Page__Page *page, struct buffer *ret)
{
    Page__Page copy = *page;
    copy.modified_us = 0;
    message_pack(&copy.base, ret, NULL);
}

static bool same_text(const Page__Page *a, const Page__Page *b)
{
    if (a->fingerprint != 0 && b->fingerprint != 0)
        return a->fingerprint == b->fingerprint;
    return strcmp(a->text, b->text) == 0 && strcmp(a->title, b->title) == 0;
}

static enum sameness compare_pages(const Page__Page *held, const Page__Page *page)
{
    struct buffer a = {0}, b = {0};
    pack(held, &a);
    pack(page, &b);
    bool same = !a.failed && !b.failed && a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
    buffer_release(&a);
    buffer_release(&b);
    return same ? SAME_WHOLLY : same_text(held, page) ? SAME_TEXT : SAME_NOT;
}

/* Bodies are compared as they were compressed: that one is always done the same way. */
static enum sameness compare_bodies(struct views *views, uint64_t sequence,
                                    const Log__Content *content, struct arena *arena)
{
    Log__Entry *entry;
    bool same = log_get(views->log, sequence, arena, &entry, NULL) == STATUS_OK &&
                entry->kind_case == LOG__ENTRY__KIND_CONTENT &&
                entry->content->body_size == content->body_size &&
                same_bytes(&entry->content->body_zstd, &content->body_zstd);
    return same ? SAME_WHOLLY : SAME_NOT;
}

static enum sameness compare(struct views *views, const struct url_state *state,
                             const Log__Content *content, const Page__Page *page,
                             struct arena *arena)
{
    Page__Page *held;
    if (page != NULL && pages_get_whole(views, state->content, arena, &held, NULL) == STATUS_OK)
        return compare_pages(held, page);
    return compare_bodies(views, state->content, content, arena);
}

void appraise_content(struct views *views, const struct url_state *state, Log__Content *content,
                      const Page__Page *page, struct arena *arena, struct appraisal *appraisal)
{
    enum revisit_finding finding = REVISIT_NEW;
    struct revisit_bounds bounds = bounds_of(views, state);
    if (state->content != 0) {
        enum sameness sameness = compare(views, state, content, page, arena);
        finding = sameness == SAME_NOT ? REVISIT_CHANGED : REVISIT_UNCHANGED;
        appraisal->same =
            sameness == SAME_WHOLLY &&
            state->private_address == (content->private_address || content->with_credentials);
    }
    content->recrawl_s = revisit_next(&bounds, state->interval_s, finding);
    /* What is the same becomes an outcome, which is appraised as one. */
    appraisal->kept = state->content != 0 && page != NULL && !appraisal->same &&
                      !url_state_is_document(state, content->url, page, appraisal->now_us) &&
                      !loss_is_allowed(views, state, appraisal->now_us);
}

static bool is_unavailable(const struct url_state *state, int64_t now_us)
{
    return state->content != 0 && state->unavailable_s != 0 &&
           state->unavailable_s <= now_us / 1000000;
}

/* Whether its page stands elsewhere from now on, where it will be fetched. Of the first page that
 * moves to a place nothing is lost; of others that lead there, too, it is. */
static bool is_move(struct views *views, const struct url_state *from, const Log__Outcome *outcome,
                    struct arena *arena, const struct appraisal *appraisal)
{
    const struct finding finding = {.depth = from->depth, .from = outcome->url};
    struct url target;
    struct url_state state = {0};
    if (!outcome_is_permanent_redirect(outcome) || from->redirects >= URL_REDIRECTS_MAX ||
        url_parse(outcome->target, strlen(outcome->target), NULL, arena, &target, NULL) !=
            STATUS_OK ||
        !found_would_take(views->scope, &target, &finding, arena) ||
        strcmp(target.text, outcome->url) == 0 || table_get(appraisal->moves, target.text) != NULL)
        return false;
    if (urls_get(views, target.text, &state, NULL) == STATUS_OK &&
        (state.flags & URL_MOVED_HERE) != 0)
        return false;
    table_put(appraisal->moves, target.text, outcome->target);
    return true;
}

static enum revisit_finding finding_of(const Log__Outcome *outcome)
{
    if (outcome->reason == LOG__REASON__REASON_NOT_MODIFIED)
        return REVISIT_UNCHANGED;
    return outcome_is_permanent_redirect(outcome) ? REVISIT_MOVED : REVISIT_NEW;
}

void appraise_outcome(struct views *views, const struct url_state *state, Log__Outcome *outcome,
                      struct arena *arena, struct appraisal *appraisal)
{
    struct revisit_bounds bounds = bounds_of(views, state);
    bool same = outcome->reason == LOG__REASON__REASON_NOT_MODIFIED;
    bool unavailable = same && is_unavailable(state, appraisal->now_us);
    outcome->recrawl_s = revisit_next(&bounds, state->interval_s, finding_of(outcome));
    if (outcome_says_gone(outcome))
        outcome->gone_since_us = state->first_gone_us;
    appraisal->by = unavailable ? LOG__REMOVE_BY__REMOVED_BY_NOINDEX
                    : outcome->reason == LOG__REASON__REASON_ROBOTS_DENIED
                        ? LOG__REMOVE_BY__REMOVED_BY_ROBOTS
                        : LOG__REMOVE_BY__REMOVED_BY_GONE;
    appraisal->removes =
        unavailable || url_state_outcome_removes(state, outcome, appraisal->now_us);
    if (appraisal->removes && !is_move(views, state, outcome, arena, appraisal))
        appraisal->removes = loss_is_allowed(views, state, appraisal->now_us);
    outcome->kept = !appraisal->removes &&
                    (unavailable || url_state_outcome_removes(state, outcome, appraisal->now_us));
}
