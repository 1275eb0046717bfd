/*
 * The processes that the orchestrator starts: which there are to be, starting them again when they
 * end, replacing them without a gap, adopting those that an earlier orchestrator left running.
 *
 * A job (`slot`) is what there is to be one of; a process does it. Processes survive the
 * orchestrator: a state file names them, and the next orchestrator takes them over.
 */
#ifndef TIERCE_ORCHESTRATOR_CHILDREN_H
#define TIERCE_ORCHESTRATOR_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "orchestrator/loop.h"
#include "wire.pb-c.h"

enum {
    CHILDREN_MAX = 512,
    CHILD_NAME_BYTES = 48,
    CHILD_STOP_MS = 10000, /* from the request to end until it is killed */
};

struct children;

/* A job. All pointers are borrowed for the call. */
struct child_job {
    const char *slot; /* unique: "barrel-0-1"; at most CHILD_NAME_BYTES - 2 */
    Wire__Role role;
    /* ends with NULL; the first is the program's path. "--name NAME" is added where `is_named`: a
     * process that stands in for another while that one drains has another name. */
    const char *const *arguments;
    bool is_named;
    const char *const *variables; /* environment; ends with NULL; or NULL */
    int stdin_fd;                 /* -1: /dev/null */
    int stop_signal;
    bool overlaps;          /* a replacement may run before the old process ends */
    uint32_t free_failures; /* back_off_failed() */
};

struct children_options {
    struct loop *loop;
    const char *state_file; /* copied */
    void *context;
    /* A process is gone: its registration is void. */
    void (*ended)(void *context, const char *name, uint32_t pid);
};

/* Takes up what the state file names and still runs. Nothing is started or stopped yet. */
enum status children_open(const struct children_options *options, struct children **ret_children,
                          struct error *err);
/* Leaves the processes alone. Accepts NULL. */
void children_close(struct children *children);

/*
 * A duplicate of the standard input of any process of this role that was taken over; -1 where there
 * is none, or the kernel does not allow it.
 */
int children_borrow_stdin(const struct children *children, Wire__Role role);

/* Whether a process of this role runs, started or taken over. */
bool children_has(const struct children *children, Wire__Role role);

/* From now on there are to be exactly these jobs: starts, stops and replaces what differs. */
void children_want(struct children *children, const struct child_job *jobs, unsigned count);

/* A process answers: whatever waited for this one can go on. */
void children_ready(struct children *children, const char *name);

/* Replaces the processes of a role (ROLE_UNKNOWN: of all), one after the other. Returns how many.
 */
unsigned children_restart(struct children *children, Wire__Role role);

/* Sends a signal to the processes of a role. */
void children_signal(struct children *children, Wire__Role role, int number);

/* Ends all, in the order proxy, gateways, downloaders, barrels, indexserver. */
void children_stop_all(struct children *children);
/* As stop_all, but at once. */
void children_kill_all(struct children *children);
bool children_all_stopped(const struct children *children);

/* Does what is due, and returns when it is to be called again (INT64_MAX: not before something
 * happens). */
int64_t children_tick(struct children *children, int64_t now_ms);

/* For the statistics. Strings live until the next call of anything above. */
struct child_view {
    const char *slot;
    const char *name;
    Wire__Role role;
    uint32_t pid; /* 0: none at present */
    uint32_t restarts;
    int64_t started_us;
    const char *trouble; /* "" */
};
unsigned children_count(const struct children *children);
void children_view(struct children *children, unsigned index, struct child_view *ret_view);

#endif
