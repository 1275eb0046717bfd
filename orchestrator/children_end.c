#include "orchestrator/children_parts.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/process.h"

static void count_failure(struct child *child, const struct runner *runner, const char *words)
{
    int64_t now_ms = clock_boot_ms();
    uint32_t wait_ms = back_off_failed(&child->back_off, now_ms, now_ms - runner->started_ms,
                                       child->job.free_failures);
    child->restarts++;
    snprintf(child->last_end, sizeof(child->last_end), "%s", words);
    child->start_ms = now_ms + wait_ms;
    log_warning("%s (PID %d) ended: %s; starting it again%s", runner->name, (int)runner->pid, words,
                wait_ms == 0 ? "" : " after a pause");
}

static void current_ended(struct child *child, const struct runner *runner, const char *words)
{
    child->current = NULL;
    bool goes_on = child->is_wanted && !child->children->is_stopping;
    if (child->successor != NULL) {
        child->current = child->successor; /* it stands in, ready or not */
        child->successor = NULL;
    } else if (runner->stop_ms == 0 && goes_on) {
        count_failure(child, runner, words);
    } else {
        child->start_ms = clock_boot_ms();
        log_debug("%s (PID %d) ended: %s", runner->name, (int)runner->pid, words);
    }
}

static void successor_ended(struct child *child, const struct runner *runner, const char *words)
{
    child->successor = NULL;
    child->restarting = false;
    snprintf(child->last_end, sizeof(child->last_end), "%s", words);
    if (runner->stop_ms == 0)
        log_warning("%s (PID %d), the replacement of %s, ended: %s; the old one stays",
                    runner->name, (int)runner->pid, child->current->name, words);
}

void runner_ended(void *context)
{
    struct runner *runner = context;
    struct child *child = runner->child;
    struct children *children = child->children;
    char words[PROCESS_WORDS_BYTES];
    if (!process_reap(runner->pid, runner->pidfd, words))
        return;
    const char *told = runner->failure[0] != '\0' ? runner->failure : words;
    if (runner == child->current)
        current_ended(child, runner, told);
    else if (runner == child->successor)
        successor_ended(child, runner, told);
    else
        child->draining = NULL;
    children_write_state(children);
    if (children->options.ended != NULL)
        children->options.ended(children->options.context, runner->name, (uint32_t)runner->pid);
    runner_free(runner);
}

void child_start(struct child *child, int64_t now_ms)
{
    char name[CHILD_NAME_BYTES];
    struct error err;
    child_free_name(child, name);
    child->restart_wished = false; /* what starts now is what is wanted now */
    if (runner_start(child, name, &child->current, &err) != STATUS_OK) {
        snprintf(child->last_end, sizeof(child->last_end), "%.*s", CHILD_WORDS_BYTES - 1, err.text);
        log_error("%s: %s", name, err.text);
        child->start_ms = now_ms + back_off_failed(&child->back_off, now_ms, 0, 0);
    } else if (!child->job.is_named) {
        child_finish_restart(child); /* it never tells that it is ready */
    }
}
