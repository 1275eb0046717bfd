#include "orchestrator/children_parts.h"

#include <stdint.h>

static unsigned stop_step(Wire__Role role)
{
    switch (role) {
    case WIRE__ROLE__ROLE_PROXY:
        return 0;
    case WIRE__ROLE__ROLE_GATEWAY:
    case WIRE__ROLE__ROLE_GRPC:
        return 1;
    case WIRE__ROLE__ROLE_DOWNLOADER:
        return 2;
    case WIRE__ROLE__ROLE_BARREL:
        return 3;
    default:
        return 4;
    }
}

/* All of the earliest step that still runs. */
void children_advance_stop(struct children *children)
{
    unsigned step = UINT32_MAX;
    for (unsigned i = 0; i < children->count; i++) {
        const struct child *child = children->items[i];
        if (!child_is_idle(child) && stop_step(child->job.role) < step)
            step = stop_step(child->job.role);
    }
    for (unsigned i = 0; i < children->count; i++) {
        struct child *child = children->items[i];
        if (stop_step(child->job.role) != step)
            continue;
        runner_stop(child->current);
        runner_stop(child->successor);
    }
}

void children_stop_all(struct children *children)
{
    children->is_stopping = true;
    children_advance_stop(children);
}

void children_kill_all(struct children *children)
{
    children->is_stopping = true;
    for (unsigned i = 0; i < children->count; i++) {
        runner_kill(children->items[i]->current);
        runner_kill(children->items[i]->successor);
        runner_kill(children->items[i]->draining);
    }
}

bool children_all_stopped(const struct children *children)
{
    for (unsigned i = 0; i < children->count; i++) {
        if (!child_is_idle(children->items[i]))
            return false;
    }
    return true;
}
