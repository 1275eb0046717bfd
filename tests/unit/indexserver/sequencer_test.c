/* The one writer: what waits is appended together, in order, and nothing is written after a fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "indexserver/sequencer.h"

enum { JOBS = 8 };

struct fixture {
    char folder[PATH_MAX];
    struct log_store *log;
    struct views *views;
    struct sequencer *sequencer;
    uint64_t epoch;
    struct error err;
    sem_t gate; /* the first job waits for it */
    sem_t done;
    atomic_int applied;
    atomic_int failed;
    char order[256]; /* what happened, on the sequencer's thread */
};

struct job {
    struct sequencer_job job;
    struct fixture *f;
    char name;
    bool waits;
    Log__Entry entry;
    Log__Submit submit;
    enum status status;
    uint64_t first;
};

static void note(struct fixture *f, char what, char name)
{
    size_t size = strlen(f->order);
    if (size + 4 < sizeof(f->order))
        snprintf(f->order + size, sizeof(f->order) - size, "%c%c ", what, name);
}

static bool prepare(struct sequencer_job *sequencer_job, struct batch *batch)
{
    struct job *job = (struct job *)sequencer_job;
    note(job->f, 'p', job->name);
    if (job->waits) {
        sem_wait(&job->f->gate);
        return true; /* nothing to append */
    }
    log__entry__init(&job->entry);
    log__submit__init(&job->submit);
    job->entry.kind_case = LOG__ENTRY__KIND_SUBMIT;
    job->entry.submit = &job->submit;
    batch_add(batch, &job->entry, NULL);
    return true;
}

static void done(struct sequencer_job *sequencer_job, enum status status, uint64_t first,
                 const struct error *err)
{
    struct job *job = (struct job *)sequencer_job;
    (void)err;
    note(job->f, 'd', job->name);
    job->status = status;
    job->first = first;
    sem_post(&job->f->done);
}

static void applied(void *context)
{
    struct fixture *f = context;
    atomic_fetch_add(&f->applied, 1);
}

static void failed(void *context, const struct error *err)
{
    struct fixture *f = context;
    (void)err;
    atomic_fetch_add(&f->failed, 1);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char path[PATH_MAX + 8];
    const char *temporary = getenv("TMPDIR");
    snprintf(f->folder, sizeof(f->folder), "%s/sequencer-test-XXXXXX",
             temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(f->folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/log", f->folder);
    assert_int_equal(log_open_embedded(path, 0, &f->log, &f->err), STATUS_OK);
    assert_int_equal(log_begin_epoch(f->log, &f->epoch, &f->err), STATUS_OK);
    snprintf(path, sizeof(path), "%s/views", f->folder);
    assert_int_equal(views_open(path, 0, f->log, &f->views, &f->err), STATUS_OK);
    sem_init(&f->gate, 0, 0);
    sem_init(&f->done, 0, 0);
    struct sequencer_options options = {.log = f->log,
                                        .views = f->views,
                                        .epoch = f->epoch,
                                        .jobs_max = JOBS,
                                        .bytes_max = 1000,
                                        .applied = applied,
                                        .failed = failed,
                                        .context = f};
    assert_int_equal(sequencer_start(&options, &f->sequencer, &f->err), STATUS_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[PATH_MAX + 16];
    sequencer_stop(f->sequencer);
    views_close(f->views);
    log_close(f->log);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
    if (system(command) != 0)
        print_message("%s is left\n", f->folder);
    free(f);
    return 0;
}

static void init_job(struct fixture *f, struct job *job, char name)
{
    *job = (struct job){.f = f, .name = name};
    job->job.prepare = prepare;
    job->job.done = done;
    job->job.bytes = 1;
}

/* Keeps the sequencer busy, so that what is added now waits together. */
static void block(struct fixture *f, struct job *job)
{
    init_job(f, job, '0');
    job->waits = true;
    assert_int_equal(sequencer_add(f->sequencer, &job->job, &f->err), STATUS_OK);
    while (f->order[0] == '\0')
        usleep(100);
}

static void release(struct fixture *f, int jobs)
{
    sem_post(&f->gate);
    for (int i = 0; i < jobs; i++)
        sem_wait(&f->done);
}

static void jobs_that_wait_are_appended_together_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct job blocker, jobs[JOBS];
    block(f, &blocker);
    for (int i = 0; i < JOBS; i++) {
        init_job(f, &jobs[i], (char)('a' + i));
        assert_int_equal(sequencer_add(f->sequencer, &jobs[i].job, &f->err), STATUS_OK);
    }
    release(f, JOBS + 1);
    assert_int_equal(blocker.status, STATUS_OK);
    assert_int_equal(blocker.first, 0);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].status, STATUS_OK);
        assert_int_equal(jobs[i].first, i + 1);
    }
    assert_int_equal(atomic_load(&f->applied), 1); /* one append for all */
    assert_int_equal(f->views->position[VIEW_FRONTIER], JOBS);
}

static void a_job_alone_sees_what_was_before_it_and_is_seen_by_what_is_behind(void **state)
{
    struct fixture *f = *state;
    struct job blocker, jobs[4];
    block(f, &blocker);
    for (int i = 0; i < 4; i++) {
        init_job(f, &jobs[i], (char)('a' + i));
        jobs[i].job.alone = i == 1;
        assert_int_equal(sequencer_add(f->sequencer, &jobs[i].job, &f->err), STATUS_OK);
    }
    release(f, 5);
    assert_string_equal(f->order, "p0 d0 pa da pb db pc pd dc dd ");
}

static void more_than_may_wait_is_refused(void **state)
{
    struct fixture *f = *state;
    struct job blocker, jobs[JOBS], one_more;
    block(f, &blocker);
    for (int i = 0; i < JOBS; i++) {
        init_job(f, &jobs[i], 'a');
        assert_int_equal(sequencer_add(f->sequencer, &jobs[i].job, &f->err), STATUS_OK);
    }
    init_job(f, &one_more, 'z');
    assert_int_equal(sequencer_add(f->sequencer, &one_more.job, &f->err), STATUS_OVERLOADED);
    release(f, JOBS + 1);
    one_more.job.bytes = 1001;
    assert_int_equal(sequencer_add(f->sequencer, &one_more.job, &f->err), STATUS_OVERLOADED);
    one_more.job.bytes = 1000;
    assert_int_equal(sequencer_add(f->sequencer, &one_more.job, &f->err), STATUS_OK);
    sem_wait(&f->done);
    assert_int_equal(one_more.status, STATUS_OK);
}

static void after_a_fault_nothing_is_written_any_more(void **state)
{
    struct fixture *f = *state;
    struct job blocker, before, behind;
    uint64_t next;
    struct log_status log;
    block(f, &blocker);
    init_job(f, &before, 'a');
    assert_int_equal(sequencer_add(f->sequencer, &before.job, &f->err), STATUS_OK);
    /* Another writer's term of office has begun. */
    assert_int_equal(log_begin_epoch(f->log, &next, &f->err), STATUS_OK);
    release(f, 2);
    assert_int_equal(before.status, STATUS_CONFLICT);
    init_job(f, &behind, 'b');
    assert_int_equal(sequencer_add(f->sequencer, &behind.job, &f->err), STATUS_OK);
    sem_wait(&f->done);
    assert_int_equal(behind.status, STATUS_UNAVAILABLE);
    assert_int_equal(atomic_load(&f->failed), 1);
    log_get_status(f->log, &log);
    assert_int_equal(log.head, 0);
}

static void what_was_accepted_is_done_before_the_end(void **state)
{
    struct fixture *f = *state;
    struct job blocker, jobs[4];
    block(f, &blocker);
    for (int i = 0; i < 4; i++) {
        init_job(f, &jobs[i], 'a');
        assert_int_equal(sequencer_add(f->sequencer, &jobs[i].job, &f->err), STATUS_OK);
    }
    sem_post(&f->gate);
    sequencer_stop(f->sequencer);
    f->sequencer = NULL;
    for (int i = 0; i < 4; i++)
        assert_int_equal(jobs[i].first, i + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jobs_that_wait_are_appended_together_in_their_order),
        TEST(a_job_alone_sees_what_was_before_it_and_is_seen_by_what_is_behind),
        TEST(more_than_may_wait_is_refused),
        TEST(after_a_fault_nothing_is_written_any_more),
        TEST(what_was_accepted_is_done_before_the_end),
    };
    return cmocka_run_group_tests_name("indexserver/sequencer", tests, NULL, NULL);
}
