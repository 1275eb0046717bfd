/*
 * Trials: TEST_URL fetches a page now, by a lease like any other (docs/decisions/0030-trials.md),
 * and what comes of it goes to whoever asked and nowhere else. A trial waits for its host's turn,
 * fetches robots.txt where that is not known, and follows redirects, each step as a lease of its
 * own. All on the sequencer's thread.
 */
#ifndef TIERCE_INDEXSERVER_TRIALS_H
#define TIERCE_INDEXSERVER_TRIALS_H

#include "indexserver/lease_calls.h"
#include "indexserver/views.h"
#include "wire.pb-c.h"

enum {
    TRIALS_MAX = 16,
    TRIAL_WAIT_MS_MAX = 120 * 1000,
    TRIAL_LINKS_SHOWN = 50,
};

struct trial;

/* A zeroed struct has none. */
struct trials {
    struct trial *running[TRIALS_MAX];
    unsigned count;
};

/* From any thread: queues the call. */
void test_url_call(struct service *service, struct rpc_call *call);

/* A lease for a trial whose host may be asked now, for this downloader, in the arena; NULL: none.
 */
Wire__HostLease *trials_lease(struct service *service, uint64_t member, struct arena *arena);
/* Takes what was fetched where it is a trial's; under the views' lock. */
bool trials_take(struct service *service, const Wire__Fetched *fetched);
/* Goes on with those of which something came, and answers those that are done or out of time.
 * Returns when to look again, clock_boot_ms(). */
int64_t trials_serve(struct service *service, bool draining);

#endif
