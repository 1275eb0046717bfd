#include "orchestrator/children.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/back_off.h"
#include "orchestrator/children_state.h"
#include "orchestrator/process.h"

enum {
    SOFT_STOP_MS = 3000,      /* after a stop signal that is not SIGTERM, SIGTERM follows */
    RESTART_LIMIT_MS = 25000, /* for a replacement to answer, the old one's end included */
    WORDS_BYTES = 160,
    ARGUMENTS_MAX = 64,
};

/* One process. */
struct runner {
    struct child *child;
    char name[CHILD_NAME_BYTES];
    pid_t pid;
    int pidfd;
    uint64_t ticks;
    uint64_t fingerprint;
    int64_t started_ms; /* clock_boot_ms() */
    int stop_signal;
    int64_t stop_ms; /* when it was asked to end; 0: it was not */
    bool was_termed;
    bool was_killed;
    char failure[WORDS_BYTES]; /* why the program could not be executed */
    struct loop_watch watch;
};

/* One job and the processes that do it. */
struct child {
    struct children *children;
    struct arena arena; /* of the job */
    struct child_job job;
    uint64_t job_hash;
    bool is_wanted;
    struct runner *current;   /* or NULL */
    struct runner *successor; /* started, but does not answer yet */
    struct runner *draining;  /* replaced, not yet ended */
    int64_t start_ms;         /* when `current` is to be started, while there is none */
    bool restart_wished;
    bool restarting;
    int64_t restart_since_ms;
    struct back_off back_off;
    uint32_t restarts;
    char last_end[WORDS_BYTES];
    char trouble[2 * WORDS_BYTES];
};

struct orphan {
    struct child_record record;
    int pidfd;
};

struct children {
    struct children_options options;
    char *state_file;
    struct child *items[CHILDREN_MAX];
    unsigned count;
    struct orphan orphans[2 * CHILDREN_MAX]; /* before the first children_want() */
    unsigned orphan_count;
    bool is_stopping;
    bool state_failed; /* said once */
};

/* ---- the state file ------------------------------------------------------------------------ */

static void append_record(const struct runner *runner, struct buffer *text)
{
    if (runner == NULL)
        return;
    struct child_record record = {.role = runner->child->job.role,
                                  .pid = runner->pid,
                                  .ticks = runner->ticks,
                                  .fingerprint = runner->fingerprint,
                                  .stop_signal = runner->stop_signal};
    snprintf(record.slot, sizeof(record.slot), "%s", runner->child->job.slot);
    snprintf(record.name, sizeof(record.name), "%s", runner->name);
    child_record_append(&record, text);
}

static void write_state(struct children *children)
{
    struct buffer text = {0};
    for (unsigned i = 0; i < children->count; i++) {
        append_record(children->items[i]->current, &text);
        append_record(children->items[i]->successor, &text);
        append_record(children->items[i]->draining, &text);
    }
    struct error err;
    if (children_state_write(children->state_file, &text, &err) != STATUS_OK) {
        if (!children->state_failed)
            log_error("%s; the next orchestrator will not find these processes", err.text);
        children->state_failed = true;
    }
    buffer_release(&text);
}

/* ---- processes ----------------------------------------------------------------------------- */

static uint64_t hash_texts(uint64_t hash, const char *const *texts)
{
    for (; texts != NULL && *texts != NULL; texts++) {
        uint64_t parts[2] = {hash, hash64(*texts, strlen(*texts))};
        hash = hash64(parts, sizeof(parts));
    }
    return hash;
}

static uint64_t hash_job(const struct child_job *job)
{
    return hash_texts(hash_texts(1, job->arguments), job->variables);
}

/* What runs: the job, and which build of the program does it. */
static uint64_t fingerprint_of(const struct child *child)
{
    struct stat info = {0};
    if (stat(child->job.arguments[0], &info) != 0)
        info = (struct stat){0};
    uint64_t parts[] = {child->job_hash,
                        info.st_dev,
                        info.st_ino,
                        (uint64_t)info.st_size,
                        (uint64_t)info.st_mtim.tv_sec,
                        (uint64_t)info.st_mtim.tv_nsec};
    return hash64(parts, sizeof(parts));
}

static void free_runner(struct runner *runner)
{
    if (runner == NULL)
        return;
    if (runner->pidfd >= 0)
        loop_remove(runner->child->children->options.loop, &runner->watch);
    fd_close(runner->pidfd);
    free(runner);
}

static void runner_ended(void *context);

static enum status watch_runner(struct runner *runner, struct error *err)
{
    runner->watch =
        (struct loop_watch){.fd = runner->pidfd, .ready = runner_ended, .context = runner};
    return loop_add(runner->child->children->options.loop, &runner->watch, err);
}

static enum status begin_runner(const struct child *child, const char *name,
                                struct process_begun *ret_begun, struct error *err)
{
    const char *arguments[ARGUMENTS_MAX + 3];
    unsigned count = 0;
    while (count < ARGUMENTS_MAX && child->job.arguments[count] != NULL) {
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

/* The process is written down before it may run: whenever we are killed, nobody runs unknown. */
static enum status start_runner(struct child *child, const char *name, struct runner **place,
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
    runner->fingerprint = fingerprint_of(child);
    runner->stop_signal = child->job.stop_signal;
    process_start_ticks(begun.pid, &runner->ticks);
    runner->pidfd = pidfd_open(begun.pid, 0);
    status = runner->pidfd < 0 ? error_set_errno(err, errno, "pidfd") : watch_runner(runner, err);
    if (status != STATUS_OK) {
        process_forsake(&begun);
        fd_close(runner->pidfd);
        free(runner);
        return status;
    }
    *place = runner;
    write_state(child->children);
    struct error failure;
    if (process_go(&begun, &failure) != STATUS_OK)
        /* it ends at once, and these are the words */
        snprintf(runner->failure, sizeof(runner->failure), "%.80s: %.70s", child->job.arguments[0],
                 failure.text);
    else
        log_debug("%s started: PID %d", name, (int)runner->pid);
    return STATUS_OK;
}

static void stop_runner(struct runner *runner)
{
    if (runner == NULL || runner->stop_ms != 0)
        return;
    runner->stop_ms = clock_boot_ms();
    runner->was_termed = runner->stop_signal == SIGTERM;
    pidfd_send_signal(runner->pidfd, runner->stop_signal, NULL, 0);
}

/* More and more urgently. Returns when to look again. */
static int64_t press_runner(struct runner *runner, int64_t now_ms)
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

/* ---- jobs ---------------------------------------------------------------------------------- */

static const char *const *copy_texts(struct arena *arena, const char *const *texts)
{
    if (texts == NULL)
        return NULL;
    unsigned count = 0;
    while (texts[count] != NULL)
        count++;
    CHECK(count <= ARGUMENTS_MAX);
    const char **copy = check_alloc(arena_zalloc(arena, (count + 1) * sizeof(*copy)));
    for (unsigned i = 0; i < count; i++)
        copy[i] = check_alloc(arena_string(arena, texts[i]));
    return copy;
}

static void take_job(struct child *child, const struct child_job *job)
{
    CHECK(strlen(job->slot) <= CHILD_NAME_BYTES - 2);
    struct arena old = child->arena;
    child->arena = (struct arena){0};
    child->job = *job;
    child->job.slot = check_alloc(arena_string(&child->arena, job->slot));
    child->job.arguments = copy_texts(&child->arena, job->arguments);
    child->job.variables = copy_texts(&child->arena, job->variables);
    child->job_hash = hash_job(&child->job);
    arena_release(&old);
}

static struct child *add_child(struct children *children, const struct child_job *job)
{
    CHECK(children->count < CHILDREN_MAX);
    struct child *child = check_alloc(calloc(1, sizeof(*child)));
    child->children = children;
    take_job(child, job);
    children->items[children->count++] = child;
    return child;
}

static void free_child(struct child *child)
{
    free_runner(child->current);
    free_runner(child->successor);
    free_runner(child->draining);
    arena_release(&child->arena);
    free(child);
}

static struct child *find_child(const struct children *children, const char *slot)
{
    for (unsigned i = 0; i < children->count; i++) {
        if (strcmp(children->items[i]->job.slot, slot) == 0)
            return children->items[i];
    }
    return NULL;
}

static bool has_name(const struct runner *runner, const char *name)
{
    return runner != NULL && strcmp(runner->name, name) == 0;
}

/* A name that none of the job's living processes has; there are at most two when one is wanted. */
static void free_name(const struct child *child, char ret[CHILD_NAME_BYTES])
{
    static const char *const endings[] = {"", "b", "c"};
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        snprintf(ret, CHILD_NAME_BYTES, "%s%s", child->job.slot, endings[i]);
        if (!has_name(child->current, ret) && !has_name(child->successor, ret) &&
            !has_name(child->draining, ret))
            return;
    }
}

/* ---- ends ---------------------------------------------------------------------------------- */

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

static void runner_ended(void *context)
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
    write_state(children);
    if (children->options.ended != NULL)
        children->options.ended(children->options.context, runner->name, (uint32_t)runner->pid);
    free_runner(runner);
}

/* ---- restarts ------------------------------------------------------------------------------ */

static void finish_restart(struct child *child)
{
    child->restarting = false;
}

static void promote_successor(struct child *child)
{
    child->draining = child->current;
    child->current = child->successor;
    child->successor = NULL;
    stop_runner(child->draining);
    finish_restart(child);
}

void children_ready(struct children *children, const char *name)
{
    for (unsigned i = 0; i < children->count; i++) {
        struct child *child = children->items[i];
        if (child->successor != NULL && strcmp(child->successor->name, name) == 0)
            promote_successor(child);
        else if (child->restarting && child->successor == NULL && child->current != NULL &&
                 child->current->stop_ms == 0 && strcmp(child->current->name, name) == 0)
            finish_restart(child);
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
        stop_runner(child->current);
        return;
    }
    char name[CHILD_NAME_BYTES];
    struct error err;
    free_name(child, name);
    if (start_runner(child, name, &child->successor, &err) != STATUS_OK) {
        log_error("%s: %s", name, err.text);
        finish_restart(child);
    }
}

static void give_up_restart(struct child *child)
{
    log_warning("%s: the replacement did not answer within %d s%s", child->job.slot,
                RESTART_LIMIT_MS / 1000, child->successor == NULL ? "" : "; the old one stays");
    stop_runner(child->successor);
    finish_restart(child);
}

/* One at a time, so that the others serve meanwhile. A job whose old process still drains waits. */
static void advance_restarts(struct children *children, int64_t now_ms)
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

void children_signal(struct children *children, Wire__Role role, int number)
{
    for (unsigned i = 0; i < children->count; i++) {
        const struct child *child = children->items[i];
        if (child->job.role == role && child->current != NULL && child->current->stop_ms == 0)
            pidfd_send_signal(child->current->pidfd, number, NULL, 0);
    }
}

/* ---- what there is to be ------------------------------------------------------------------- */

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
    if (watch_runner(runner, &err) != STATUS_OK) {
        log_error("%s: %s", runner->name, err.text);
        fd_close(runner->pidfd);
        free(runner);
        return;
    }
    *place = runner;
    log_info("%s (PID %d) still runs and is taken over", runner->name, (int)runner->pid);
}

static void adopt_for(struct child *child)
{
    struct children *children = child->children;
    for (unsigned i = 0; i < children->orphan_count && child->current == NULL; i++) {
        struct orphan *orphan = &children->orphans[i];
        if (orphan->pidfd >= 0 && strcmp(orphan->record.slot, child->job.slot) == 0)
            adopt(child, orphan, &child->current);
    }
    if (child->current != NULL && child->current->fingerprint != fingerprint_of(child))
        child->restart_wished = true; /* another build, or other arguments */
}

/* Processes that no job asks for: a second one of an interrupted replacement, a removed job. */
static void end_orphans(struct children *children)
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
        struct child *child = add_child(children, &job);
        adopt(child, orphan, &child->current);
        stop_runner(child->current);
    }
    children->orphan_count = 0;
}

static void want_job(struct children *children, const struct child_job *job)
{
    struct child *child = find_child(children, job->slot);
    if (child == NULL) {
        child = add_child(children, job);
        child->is_wanted = true;
        child->start_ms = clock_boot_ms();
        adopt_for(child);
        return;
    }
    bool changed = child->job_hash != hash_job(job);
    take_job(child, job);
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
        stop_runner(children->items[i]->current);
        stop_runner(children->items[i]->successor);
    }
    for (unsigned i = 0; i < count; i++)
        want_job(children, &jobs[i]);
    end_orphans(children);
    write_state(children);
}

/* ---- time ---------------------------------------------------------------------------------- */

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

static bool is_idle(const struct child *child)
{
    return child->current == NULL && child->successor == NULL && child->draining == NULL;
}

/* All of the earliest step that still runs. */
static void advance_stop(struct children *children)
{
    unsigned step = UINT32_MAX;
    for (unsigned i = 0; i < children->count; i++) {
        const struct child *child = children->items[i];
        if (!is_idle(child) && stop_step(child->job.role) < step)
            step = stop_step(child->job.role);
    }
    for (unsigned i = 0; i < children->count; i++) {
        struct child *child = children->items[i];
        if (stop_step(child->job.role) != step)
            continue;
        stop_runner(child->current);
        stop_runner(child->successor);
    }
}

void children_stop_all(struct children *children)
{
    children->is_stopping = true;
    advance_stop(children);
}

static void kill_runner(struct runner *runner)
{
    if (runner == NULL)
        return;
    runner->stop_ms = clock_boot_ms();
    runner->was_killed = true;
    kill(-runner->pid, SIGKILL);
    pidfd_send_signal(runner->pidfd, SIGKILL, NULL, 0);
}

void children_kill_all(struct children *children)
{
    children->is_stopping = true;
    for (unsigned i = 0; i < children->count; i++) {
        kill_runner(children->items[i]->current);
        kill_runner(children->items[i]->successor);
        kill_runner(children->items[i]->draining);
    }
}

bool children_all_stopped(const struct children *children)
{
    for (unsigned i = 0; i < children->count; i++) {
        if (!is_idle(children->items[i]))
            return false;
    }
    return true;
}

static void start_current(struct child *child, int64_t now_ms)
{
    char name[CHILD_NAME_BYTES];
    struct error err;
    free_name(child, name);
    child->restart_wished = false; /* what starts now is what is wanted now */
    if (start_runner(child, name, &child->current, &err) != STATUS_OK) {
        snprintf(child->last_end, sizeof(child->last_end), "%.*s", WORDS_BYTES - 1, err.text);
        log_error("%s: %s", name, err.text);
        child->start_ms = now_ms + back_off_failed(&child->back_off, now_ms, 0, 0);
    } else if (!child->job.is_named) {
        finish_restart(child); /* it never tells that it is ready */
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t tick_child(struct child *child, int64_t now_ms)
{
    int64_t next_ms = press_runner(child->current, now_ms);
    next_ms = earlier(next_ms, press_runner(child->successor, now_ms));
    next_ms = earlier(next_ms, press_runner(child->draining, now_ms));
    if (child->current == NULL && child->is_wanted && !child->children->is_stopping) {
        if (child->start_ms <= now_ms)
            start_current(child, now_ms);
        if (child->current == NULL)
            next_ms = earlier(next_ms, child->start_ms);
    }
    if (child->restarting) {
        if (now_ms >= child->restart_since_ms + RESTART_LIMIT_MS)
            give_up_restart(child);
        else
            next_ms = earlier(next_ms, child->restart_since_ms + RESTART_LIMIT_MS);
    }
    return next_ms;
}

static void drop_unwanted(struct children *children)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < children->count; i++) {
        struct child *child = children->items[i];
        if (!child->is_wanted && is_idle(child))
            free_child(child);
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
        advance_stop(children);
    else
        advance_restarts(children, now_ms);
    for (unsigned i = 0; i < children->count; i++)
        next_ms = earlier(next_ms, tick_child(children->items[i], now_ms));
    return next_ms;
}

/* ---- open and close ------------------------------------------------------------------------ */

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
    children_state_read(children->state_file, children, take_orphan);
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
        free_child(children->items[i]);
    for (unsigned i = 0; i < children->orphan_count; i++)
        fd_close(children->orphans[i].pidfd);
    free(children->state_file);
    free(children);
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

/* ---- statistics ---------------------------------------------------------------------------- */

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
