/* Shared by the children's own files, and by nobody else. */
#ifndef TIERCE_ORCHESTRATOR_CHILDREN_PARTS_H
#define TIERCE_ORCHESTRATOR_CHILDREN_PARTS_H

#include "base/arena.h"
#include "orchestrator/back_off.h"
#include "orchestrator/children.h"
#include "orchestrator/children_state.h"

enum { CHILD_WORDS_BYTES = 160, CHILD_ARGUMENTS_MAX = 64 };

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
    char failure[CHILD_WORDS_BYTES]; /* why the program could not be executed */
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
    char last_end[CHILD_WORDS_BYTES];
    char trouble[2 * CHILD_WORDS_BYTES];
};

/* A process that an earlier orchestrator left running, before a job takes it up. */
struct orphan {
    struct child_record record;
    int pidfd; /* -1: taken up */
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

/* ---- children_fingerprint.c: whether what runs is still what is wanted ---- */

uint64_t child_job_hash(const struct child_job *job);
/* The job, and which build of the program does it. */
uint64_t child_fingerprint(const struct child *child);

/* ---- children_record.c: what the next orchestrator is told ---- */

void children_write_state(struct children *children);

/* ---- children_runner.c: one process, from its start until it ends; all accept NULL, but the first
 * two ---- */

/* Starts a process of the job under that name and puts it into `place`. It is written down before
 * it may run: whenever we are killed, nobody runs unknown. */
enum status runner_start(struct child *child, const char *name, struct runner **place,
                         struct error *err);
/* From now on runner_ended() is called at its end. */
enum status runner_watch(struct runner *runner, struct error *err);
void runner_stop(struct runner *runner); /* asks it to end, once */
/* One that was asked, more and more urgently. Returns when to look again. */
int64_t runner_press(struct runner *runner, int64_t now_ms);
void runner_kill(struct runner *runner);
void runner_free(struct runner *runner); /* leaves the process alone */

/* ---- children_job.c: the jobs, as a list ---- */

void child_take_job(struct child *child, const struct child_job *job); /* copies */
struct child *child_add(struct children *children, const struct child_job *job);
struct child *child_find(const struct children *children, const char *slot); /* or NULL */
void child_free(struct child *child);
/* A name that none of the job's living processes has. */
void child_free_name(const struct child *child, char ret[CHILD_NAME_BYTES]);
bool child_is_idle(const struct child *child); /* no process does it */

/* ---- children_end.c: a process ended; when its job is started again, with back-off ---- */

void runner_ended(void *runner); /* a loop_watch's `ready` */
void child_start(struct child *child, int64_t now_ms);

/* ---- children_replace.c: a new process for an old one, one job after the other, without a gap
 * where the job allows it ---- */

void children_advance_restarts(struct children *children, int64_t now_ms);
/* Gives up a replacement that does not answer in time. Returns when to look again. */
int64_t child_press_restart(struct child *child, int64_t now_ms);
void child_finish_restart(struct child *child);

/* ---- children_adopt.c: what an earlier orchestrator left running ---- */

void children_find_orphans(struct children *children); /* those of the state file that still run */
void child_adopt(struct child *child);                 /* the one that does this job */
/* Those that no job asked for: a second one of an interrupted replacement, a removed job. */
void children_end_orphans(struct children *children);
void children_forget_orphans(struct children *children);

/* ---- children_stop.c: the end of all, in its order ---- */

void children_advance_stop(struct children *children);

#endif
