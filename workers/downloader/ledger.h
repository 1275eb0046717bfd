/*
 * What is owed to the indexserver: the leases that are held, each until its time ends, and the
 * fetches that it has not acknowledged yet. Shared by all threads of the downloader; bounded in
 * bytes, so that an indexserver that is away makes the fetching pause and not the memory grow.
 */
#ifndef TIERCE_DOWNLOADER_LEDGER_H
#define TIERCE_DOWNLOADER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "downloader/job.h"

enum {
    LEDGER_LEASES_MAX = 72,
    LEDGER_LEASES_WANTED = 64, /* more are not asked for, but one to parse may come in addition */
    LEDGER_BACKLOG_BYTES = 64 * 1024 * 1024, /* above this no new fetch begins */
    LEDGER_FEW_URLS = 50,                    /* a lease with so many left asks for more */
    LEDGER_UNREPORTED_MAX = 32,              /* fetches of one lease that are not acknowledged */
    LEDGER_BATCH_JOBS = 64,                  /* of one report */
    LEDGER_BATCH_BYTES = 8 * 1024 * 1024,    /* one job may be larger, then it goes alone */
};

struct ledger;

/* What one report says. */
struct ledger_batch {
    struct job *jobs[LEDGER_BATCH_JOBS];
    size_t job_count;
    uint64_t finished[LEDGER_LEASES_MAX]; /* leases that end with it */
    size_t finished_count;
    uint64_t running_out[LEDGER_LEASES_MAX]; /* leases that could do with more URLs */
    size_t running_out_count;
};

/* wake  called, from any thread, when something that was not allowed may be allowed now. */
enum status ledger_open(void (*wake)(void *context), void *context, struct ledger **ret_ledger,
                        struct error *err);
/* Frees it, and all jobs that were not delivered. No other thread may use it. Accepts NULL. */
void ledger_close(struct ledger *ledger);

/* ---- leases: ids and times; all times are clock_boot_ms() ---- */

/* False: it is held already, or there are too many. */
bool ledger_add(struct ledger *ledger, uint64_t lease, uint32_t expires_ms, int64_t now_ms);
/* Ids of all that are held; `ret` has room for LEDGER_LEASES_MAX. */
size_t ledger_held(struct ledger *ledger, uint64_t *ret);
/* The indexserver has prolonged these, when it was asked at `asked_ms`. */
void ledger_prolong(struct ledger *ledger, const uint64_t *leases, size_t count, int64_t asked_ms);
/* How many more leases may be taken. Waits until there is room for one, or `until_ms`, or
 * ledger_stop_leasing(). */
unsigned ledger_wait_for_room(struct ledger *ledger, int64_t until_ms);
void ledger_stop_leasing(struct ledger *ledger);
/* The time of the first lease to end; INT64_MAX: none is held. */
int64_t ledger_first_end_ms(struct ledger *ledger);
/* So many of its URLs are left, and more may be asked for: with the next report, where they are
 * few. */
void ledger_note_left(struct ledger *ledger, uint64_t lease, size_t left);
/* Nothing more is to be begun under these; what is being fetched is finished. */
void ledger_revoke(struct ledger *ledger, const uint64_t *leases, size_t count);
enum ledger_word {
    LEDGER_GO_ON,
    LEDGER_REVOKED, /* what is under way is wanted, and nothing more */
    LEDGER_OVER,    /* it is not held, or its time is over */
};
enum ledger_word ledger_ask(struct ledger *ledger, uint64_t lease);
bool ledger_holds(struct ledger *ledger, uint64_t lease); /* it is not over */
/* Nothing more will be begun under it: it is given back with its last report. */
void ledger_finish(struct ledger *ledger, uint64_t lease);
/* Waits so long, whatever happens, except that a stop or its deadline ends it. */
void ledger_pause(struct ledger *ledger, int64_t wait_ms);

/* ---- jobs ---- */

/* Whether a further fetch of this lease may begin, as far as what is unreported goes. */
bool ledger_may_begin(struct ledger *ledger, uint64_t lease);
/* Every job begins here and ends by ledger_report() or ledger_drop(). */
void ledger_begin(struct ledger *ledger, struct job *job);
/* Its size has changed. */
void ledger_weigh(struct ledger *ledger, struct job *job);
/* Hands it over to be reported. */
void ledger_report(struct ledger *ledger, struct job *job);
/* Frees it, unreported: its URL stays in the frontier. */
void ledger_drop(struct ledger *ledger, struct job *job);

/* ---- reporting ---- */

/*
 * Waits for something to report. At most `job_max` jobs. False: stopped and nothing is left, or the
 * stop's deadline is over.
 */
bool ledger_take(struct ledger *ledger, size_t job_max, struct ledger_batch *ret_batch);
/* Takes out what belongs to leases whose time is over: nobody waits for it any more. */
void ledger_prune(struct ledger *ledger, struct ledger_batch *batch);
/* It was acknowledged (or can never be): forgets it. */
void ledger_settle(struct ledger *ledger, struct ledger_batch *batch);
/* Back to where it came from, in front of the rest. */
void ledger_put_back(struct ledger *ledger, struct ledger_batch *batch);

/* From now on no waiting: what is there is reported until the deadline. */
void ledger_stop(struct ledger *ledger, int64_t deadline_ms);
bool ledger_is_over(struct ledger *ledger); /* stopped, and the deadline has passed */

#endif
