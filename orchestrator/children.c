#include "orchestrator/children_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

static void want_job(struct children *children, const struct child_job *job)
{
    struct child *child = child_find(children, job->slot);
    if (child == NULL) {
        child = child_add(children, job);
        child->is_wanted = true;
        child->start_ms = clock_boot_ms();
        child_adopt(child);
        return;
    }
    bool changed = child->job_hash != child_job_hash(job);
    child_take_job(child, job);
    if (changed || !child->is_wanted)
        child->restart_wished = true;
    child->is_wanted = true;
}

void children_want(struct children *children, const struct child_job *jobs, unsigned count)
{
    for (unsigned i = 0; i < children->count; i++) {
        bool found = false;
        for (unsigned j = 0; j < count && !found; j++)
            found = strcmp(children->items[i]->job.slot, jobs[j].slot) == 0;
        if (found)
            continue;
        children->items[i]->is_wanted = false;
        children->items[i]->restart_wished = false;
        runner_stop(children->items[i]->current);
        runner_stop(children->items[i]->successor);
    }
    for (unsigned i = 0; i < count; i++)
        want_job(children, &jobs[i]);
    children_end_orphans(children);
    children_write_state(children);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t tick_child(struct child *child, int64_t now_ms)
{
    int64_t next_ms = runner_press(child->current, now_ms);
    next_ms = earlier(next_ms, runner_press(child->successor, now_ms));
    next_ms = earlier(next_ms, runner_press(child->draining, now_ms));
    if (child->current == NULL && child->is_wanted && !child->children->is_stopping) {
        if (child->start_ms <= now_ms)
            child_start(child, now_ms);
        if (child->current == NULL)
            next_ms = earlier(next_ms, child->start_ms);
    }
    return earlier(next_ms, child_press_restart(child, now_ms));
}

static void drop_unwanted(struct children *children)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < children->count; i++) {
        struct child *child = children->items[i];
        if (!child->is_wanted && child_is_idle(child))
            child_free(child);
        else
            children->items[kept++] = child;
    }
    children->count = kept;
}

int64_t children_tick(struct children *children, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    drop_unwanted(children);
    if (children->is_stopping)
        children_advance_stop(children);
    else
        children_advance_restarts(children, now_ms);
    for (unsigned i = 0; i < children->count; i++)
        next_ms = earlier(next_ms, tick_child(children->items[i], now_ms));
    return next_ms;
}

void children_signal(struct children *children, Wire__Role role, int number)
{
    for (unsigned i = 0; i < children->count; i++) {
        const struct child *child = children->items[i];
        if (child->job.role == role && child->current != NULL && child->current->stop_ms == 0)
            pidfd_send_signal(child->current->pidfd, number, NULL, 0);
    }
}

enum status children_open(const struct children_options *options, struct children **ret_children,
                          struct error *err)
{
    struct children *children = check_alloc(calloc(1, sizeof(*children)));
    children->options = *options;
    children->state_file = strdup(options->state_file);
    if (children->state_file == NULL) {
        free(children);
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    }
    children_find_orphans(children);
    *ret_children = children;
    return STATUS_OK;
}

void children_close(struct children *children)
{
    if (children == NULL)
        return;
    if (children->is_stopping && children_all_stopped(children))
        unlink(children->state_file);
    for (unsigned i = 0; i < children->count; i++)
        child_free(children->items[i]);
    children_forget_orphans(children);
    free(children->state_file);
    free(children);
}

bool children_has(const struct children *children, Wire__Role role)
{
    for (unsigned i = 0; i < children->orphan_count; i++) {
        if (children->orphans[i].record.role == role)
            return true;
    }
    for (unsigned i = 0; i < children->count; i++) {
        const struct child *child = children->items[i];
        if (child->job.role == role && child->current != NULL)
            return true;
    }
    return false;
}

unsigned children_count(const struct children *children)
{
    return children->count;
}

static void describe_trouble(struct child *child, int64_t now_ms)
{
    uint32_t recent = back_off_last_minute(&child->back_off, now_ms);
    child->trouble[0] = '\0';
    if (recent > 0)
        snprintf(child->trouble, sizeof(child->trouble), "restarted %u time%s in a minute: %s",
                 recent, recent == 1 ? "" : "s", child->last_end);
    else if (child->current == NULL && child->is_wanted)
        snprintf(child->trouble, sizeof(child->trouble), "not running: %s",
                 child->last_end[0] == '\0' ? "about to be started" : child->last_end);
}

void children_view(struct children *children, unsigned index, struct child_view *ret_view)
{
    CHECK(index < children->count);
    struct child *child = children->items[index];
    const struct runner *runner = child->current;
    int64_t now_ms = clock_boot_ms();
    describe_trouble(child, now_ms);
    *ret_view = (struct child_view){
        .slot = child->job.slot,
        .name = runner == NULL ? child->job.slot : runner->name,
        .role = child->job.role,
        .pid = runner == NULL ? 0 : (uint32_t)runner->pid,
        .restarts = child->restarts,
        .started_us = runner == NULL ? 0 : clock_unix_us() - (now_ms - runner->started_ms) * 1000,
        .trouble = child->trouble};
}
