#include "orchestrator/children_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/process.h"

enum { SOFT_STOP_MS = 3000 }; /* after a stop signal that is not SIGTERM, SIGTERM follows */

static enum status begin_runner(const struct child *child, const char *name,
                                struct process_begun *ret_begun, struct error *err)
{
    const char *arguments[CHILD_ARGUMENTS_MAX + 3];
    unsigned count = 0;
    while (count < CHILD_ARGUMENTS_MAX && child->job.arguments[count] != NULL) {
        arguments[count] = child->job.arguments[count];
        count++;
    }
    if (child->job.is_named) {
        arguments[count++] = "--name";
        arguments[count++] = name;
    }
    arguments[count] = NULL;
    struct process_start start = {
        .arguments = arguments, .variables = child->job.variables, .stdin_fd = child->job.stdin_fd};
    return process_begin(&start, ret_begun, err);
}

enum status runner_watch(struct runner *runner, struct error *err)
{
    runner->watch =
        (struct loop_watch){.fd = runner->pidfd, .ready = runner_ended, .context = runner};
    return loop_add(runner->child->children->options.loop, &runner->watch, err);
}

enum status runner_start(struct child *child, const char *name, struct runner **place,
                         struct error *err)
{
    struct process_begun begun;
    enum status status = begin_runner(child, name, &begun, err);
    if (status != STATUS_OK)
        return status;
    struct runner *runner = check_alloc(calloc(1, sizeof(*runner)));
    runner->child = child;
    snprintf(runner->name, sizeof(runner->name), "%s", name);
    runner->pid = begun.pid;
    runner->started_ms = clock_boot_ms();
    runner->fingerprint = child_fingerprint(child);
    runner->stop_signal = child->job.stop_signal;
    process_start_ticks(begun.pid, &runner->ticks);
    runner->pidfd = pidfd_open(begun.pid, 0);
    status = runner->pidfd < 0 ? error_set_errno(err, errno, "pidfd") : runner_watch(runner, err);
    if (status != STATUS_OK) {
        process_forsake(&begun);
        fd_close(runner->pidfd);
        free(runner);
        return status;
    }
    *place = runner;
    children_write_state(child->children);
    struct error failure;
    if (process_go(&begun, &failure) != STATUS_OK)
        /* it ends at once, and these are the words */
        snprintf(runner->failure, sizeof(runner->failure), "%.80s: %.70s", child->job.arguments[0],
                 failure.text);
    else
        log_debug("%s started: PID %d", name, (int)runner->pid);
    return STATUS_OK;
}

void runner_stop(struct runner *runner)
{
    if (runner == NULL || runner->stop_ms != 0)
        return;
    runner->stop_ms = clock_boot_ms();
    runner->was_termed = runner->stop_signal == SIGTERM;
    pidfd_send_signal(runner->pidfd, runner->stop_signal, NULL, 0);
}

int64_t runner_press(struct runner *runner, int64_t now_ms)
{
    if (runner == NULL || runner->stop_ms == 0 || runner->was_killed)
        return INT64_MAX;
    if (now_ms >= runner->stop_ms + CHILD_STOP_MS) {
        log_warning("%s (PID %d) did not end within %d s: killed", runner->name, (int)runner->pid,
                    CHILD_STOP_MS / 1000);
        kill(-runner->pid, SIGKILL);
        pidfd_send_signal(runner->pidfd, SIGKILL, NULL, 0);
        runner->was_killed = true;
        return INT64_MAX;
    }
    if (!runner->was_termed && now_ms >= runner->stop_ms + SOFT_STOP_MS) {
        pidfd_send_signal(runner->pidfd, SIGTERM, NULL, 0);
        runner->was_termed = true;
    }
    return runner->stop_ms + (runner->was_termed ? CHILD_STOP_MS : SOFT_STOP_MS);
}

void runner_kill(struct runner *runner)
{
    if (runner == NULL)
        return;
    runner->stop_ms = clock_boot_ms();
    runner->was_killed = true;
    kill(-runner->pid, SIGKILL);
    pidfd_send_signal(runner->pidfd, SIGKILL, NULL, 0);
}

void runner_free(struct runner *runner)
{
    if (runner == NULL)
        return;
    if (runner->pidfd >= 0)
        loop_remove(runner->child->children->options.loop, &runner->watch);
    fd_close(runner->pidfd);
    free(runner);
}
