#include "orchestrator/children_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { RESTART_LIMIT_MS = 25000 }; /* for a replacement to answer, the old one's end included */

void child_finish_restart(struct child *child)
{
    child->restarting = false;
}

static void promote_successor(struct child *child)
{
    child->draining = child->current;
    child->current = child->successor;
    child->successor = NULL;
    runner_stop(child->draining);
    child_finish_restart(child);
}

void children_ready(struct children *children, const char *name)
{
    for (unsigned i = 0; i < children->count; i++) {
        struct child *child = children->items[i];
        if (child->successor != NULL && strcmp(child->successor->name, name) == 0)
            promote_successor(child);
        else if (child->restarting && child->successor == NULL && child->current != NULL &&
                 child->current->stop_ms == 0 && strcmp(child->current->name, name) == 0)
            child_finish_restart(child);
    }
}

static void begin_restart(struct child *child, int64_t now_ms)
{
    child->restart_wished = false;
    if (child->current == NULL) {
        child->start_ms = now_ms;
        return;
    }
    child->restarting = true;
    child->restart_since_ms = now_ms;
    if (!child->job.overlaps) {
        runner_stop(child->current);
        return;
    }
    char name[CHILD_NAME_BYTES];
    struct error err;
    child_free_name(child, name);
    if (runner_start(child, name, &child->successor, &err) != STATUS_OK) {
        log_error("%s: %s", name, err.text);
        child_finish_restart(child);
    }
}

static void give_up_restart(struct child *child)
{
    log_warning("%s: the replacement did not answer within %d s%s", child->job.slot,
                RESTART_LIMIT_MS / 1000, child->successor == NULL ? "" : "; the old one stays");
    runner_stop(child->successor);
    child_finish_restart(child);
}

int64_t child_press_restart(struct child *child, int64_t now_ms)
{
    if (!child->restarting)
        return INT64_MAX;
    if (now_ms < child->restart_since_ms + RESTART_LIMIT_MS)
        return child->restart_since_ms + RESTART_LIMIT_MS;
    give_up_restart(child);
    return INT64_MAX;
}

/* One at a time, so that the others serve meanwhile. A job whose old process still drains waits. */
void children_advance_restarts(struct children *children, int64_t now_ms)
{
    for (unsigned i = 0; i < children->count; i++) {
        if (children->items[i]->restarting)
            return;
    }
    for (unsigned i = 0; i < children->count; i++) {
        struct child *child = children->items[i];
        if (!child->restart_wished || child->draining != NULL || child->successor != NULL)
            continue;
        begin_restart(child, now_ms);
        if (child->restarting)
            return;
    }
}

unsigned children_restart(struct children *children, Wire__Role role)
{
    unsigned count = 0;
    for (unsigned i = 0; i < children->count; i++) {
        struct child *child = children->items[i];
        if (child->is_wanted && (role == WIRE__ROLE__ROLE_UNKNOWN || child->job.role == role)) {
            child->restart_wished = true;
            count++;
        }
    }
    return count;
}
