#include "orchestrator/children_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/process.h"

static void take_orphan(void *context, const struct child_record *record)
{
    struct children *children = context;
    if (children->orphan_count == 2 * CHILDREN_MAX)
        return;
    int pidfd = process_open(record->pid, record->ticks);
    if (pidfd >= 0)
        children->orphans[children->orphan_count++] =
            (struct orphan){.record = *record, .pidfd = pidfd};
}

void children_find_orphans(struct children *children)
{
    children_state_read(children->state_file, children, take_orphan);
}

static void adopt(struct child *child, struct orphan *orphan, struct runner **place)
{
    const struct child_record *record = &orphan->record;
    struct runner *runner = check_alloc(calloc(1, sizeof(*runner)));
    runner->child = child;
    snprintf(runner->name, sizeof(runner->name), "%s", record->name);
    runner->pid = record->pid;
    runner->pidfd = orphan->pidfd;
    runner->ticks = record->ticks;
    runner->fingerprint = record->fingerprint;
    runner->stop_signal = record->stop_signal;
    int64_t ticks_per_second = sysconf(_SC_CLK_TCK);
    runner->started_ms = (int64_t)record->ticks * 1000 / ticks_per_second;
    orphan->pidfd = -1;
    struct error err;
    if (runner_watch(runner, &err) != STATUS_OK) {
        log_error("%s: %s", runner->name, err.text);
        fd_close(runner->pidfd);
        free(runner);
        return;
    }
    *place = runner;
    log_info("%s (PID %d) still runs and is taken over", runner->name, (int)runner->pid);
}

void child_adopt(struct child *child)
{
    struct children *children = child->children;
    for (unsigned i = 0; i < children->orphan_count && child->current == NULL; i++) {
        struct orphan *orphan = &children->orphans[i];
        if (orphan->pidfd >= 0 && strcmp(orphan->record.slot, child->job.slot) == 0)
            adopt(child, orphan, &child->current);
    }
    if (child->current != NULL && child->current->fingerprint != child_fingerprint(child))
        child->restart_wished = true; /* another build, or other arguments */
}

void children_end_orphans(struct children *children)
{
    static const char *const nothing[] = {"", NULL};
    for (unsigned i = 0; i < children->orphan_count; i++) {
        struct orphan *orphan = &children->orphans[i];
        if (orphan->pidfd < 0 || children->count == CHILDREN_MAX)
            continue;
        char slot[CHILD_NAME_BYTES];
        snprintf(slot, sizeof(slot), "old-%u", i);
        struct child_job job = {
            .slot = slot, .role = orphan->record.role, .arguments = nothing, .stdin_fd = -1};
        struct child *child = child_add(children, &job);
        adopt(child, orphan, &child->current);
        runner_stop(child->current);
    }
    children->orphan_count = 0;
}

void children_forget_orphans(struct children *children)
{
    for (unsigned i = 0; i < children->orphan_count; i++)
        fd_close(children->orphans[i].pidfd);
    children->orphan_count = 0;
}

int children_borrow_stdin(const struct children *children, Wire__Role role)
{
    for (unsigned i = 0; i < children->orphan_count; i++) {
        const struct orphan *orphan = &children->orphans[i];
        if (orphan->record.role != role)
            continue;
        int fd = pidfd_getfd(orphan->pidfd, STDIN_FILENO, 0);
        if (fd >= 0)
            return fd; /* close-on-exec is set */
    }
    return -1;
}
