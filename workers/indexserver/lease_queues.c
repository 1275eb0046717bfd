/* Which queue of a host comes first. */
#include "indexserver/leasing.h"

#include "indexserver/scope.h"

enum {
    STALLED_MS = 60 * 1000, /* a host whose sources all stand still is looked at again */
};

static bool seek_place(struct kv_iterator *it, const struct origin *origin, uint32_t source,
                       const struct due_key *place, struct due_key *ret_due)
{
    struct buffer key = {0};
    due_key_encode(&key, origin->name, source, place);
    bool found = kv_iterator_seek(it, kv_slice(key.data, key.size)) &&
                 due_key_decode(kv_iterator_key(it), origin->name, source, ret_due);
    buffer_release(&key);
    return found;
}

bool leasing_is_passed_over(const struct candidate *candidate, int64_t due_ms)
{
    return !candidate->new_pages && due_ms != URL_DUE_OWNER && due_ms < URL_DUE_FIRST_TIME;
}

bool leasing_seek(struct kv_iterator *it, const struct candidate *candidate,
                  const struct due_key *place, struct due_key *ret_due)
{
    static const struct due_key first_time = {.due_ms = URL_DUE_FIRST_TIME};
    uint32_t source = candidate->queue->source;
    if (!seek_place(it, candidate->origin, source, place, ret_due))
        return false;
    return !leasing_is_passed_over(candidate, ret_due->due_ms) ||
           seek_place(it, candidate->origin, source, &first_time, ret_due);
}

bool leasing_is_due(const struct leasing *l, int64_t due_ms)
{
    return due_ms < URL_DUE_FIRST_TIME || due_ms <= l->unix_ms;
}

bool leasing_look_at_queue(struct leasing *l, struct kv_iterator *it, struct origin *origin,
                           struct host_queue *queue, struct candidate *candidate)
{
    struct scope *scope = l->views->scope;
    *candidate = (struct candidate){.origin = origin, .queue = queue, .new_pages = true};
    struct source *source = scope_source_by_id(scope, queue->source);
    if (source == NULL || scope_source_stopped(scope, source, false, l->arena) != NULL)
        return true;
    candidate->new_pages = scope_source_stopped(scope, source, true, l->arena) == NULL;
    if (!leasing_seek(it, candidate, &queue->low, &candidate->due))
        return !candidate->new_pages;
    if (candidate->new_pages)
        queue->low = candidate->due;
    candidate->source = source;
    return true;
}

static void wait_at_most(struct choice *choice, int64_t until_ms)
{
    if (until_ms < choice->next_ms)
        choice->next_ms = until_ms;
}

/* The source of a queue that stands still may do so for its quiet hours. */
static void wait_for_quiet_hours(const struct leasing *l, uint32_t source_id, struct choice *choice)
{
    const struct source *source = scope_source_by_id(l->views->scope, source_id);
    int64_t until_ms = source == NULL ? 0 : source_quiet_until_ms(source, l->unix_ms);
    if (until_ms != 0)
        wait_at_most(choice, l->now_ms + (until_ms - l->unix_ms));
}

/* `is_closed`: robots.txt cannot be reached, only those may be fetched from that do not ask for it.
 */
static void choose_among(struct leasing *l, struct kv_iterator *it, struct origin *origin,
                         bool is_closed, struct choice *choice)
{
    for (unsigned i = origin->queue_count; i-- > 0;) {
        struct candidate candidate;
        if (!leasing_look_at_queue(l, it, origin, &origin->queues[i], &candidate)) {
            origin_drop_queue(origin, origin->queues[i].source);
            continue;
        }
        if (candidate.source == NULL) {
            wait_for_quiet_hours(l, origin->queues[i].source, choice);
            continue;
        }
        if (is_closed && !candidate.source->definition->ignore_robots)
            continue;
        if (!leasing_is_due(l, candidate.due.due_ms)) {
            wait_at_most(choice, l->now_ms + (candidate.due.due_ms - l->unix_ms));
            continue;
        }
        if (!choice->found || due_key_is_before(&candidate.due, &choice->candidate.due))
            choice->candidate = candidate;
        choice->found = true;
    }
}

void leasing_choose_queue(struct leasing *l, struct kv_iterator *it, struct host *host,
                          struct choice *ret)
{
    *ret = (struct choice){.next_ms = l->now_ms + STALLED_MS};
    for (struct origin *origin = host->origins; origin != NULL; origin = origin->next) {
        origin_read_queues(it, origin);
        int64_t robots_ms = origin_robots_due_ms(l->views->scope, origin) - l->unix_ms;
        bool is_closed = origin->record.robots_kind == ROBOTS_UNREACHABLE && robots_ms > 0;
        if (is_closed && origin->queue_count > 0)
            wait_at_most(ret, l->now_ms + robots_ms);
        choose_among(l, it, origin, is_closed, ret);
    }
    if (host_queue_count(host) == 0)
        ret->next_ms = INT64_MAX;
}
