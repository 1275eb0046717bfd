/*
 * What an edit of config.yaml means for what is known already. A source whose scope has changed is
 * gone through, a piece at a time, on the writer's thread: pages that it wants no more are removed,
 * URLs that it refused and wants now are submitted, and so are links of its pages that were passed
 * over. All of it goes through the log, so that a replay comes to the same; which sources are still
 * to be gone through is kept in the store, so that a restart goes on.
 *
 * A slip of the pen must not empty the index: an edit by which a source would lose more than a few
 * of its pages (scope_loss_is_small()) takes none away until the owner confirms it.
 *
 * A purge goes the same way: everything of the source is forgotten.
 */
#ifndef TIERCE_INDEXSERVER_SCOPE_SWEEP_H
#define TIERCE_INDEXSERVER_SCOPE_SWEEP_H

#include "indexserver/scope.h"
#include "indexserver/sequencer.h"

enum sweep_phase {
    SWEEP_COUNT,  /* what would go */
    SWEEP_SETTLE, /* what goes and what comes back */
    SWEEP_LINKS,  /* what was passed over */
};

struct scope_sweep {
    uint32_t source; /* being gone through; 0: none */
    enum sweep_phase phase;
    struct buffer at; /* the URL that was looked at last */
    uint64_t held, leaving;
    uint64_t removed, submitted;
    bool keeps; /* too much would go */
};

void scope_sweep_release(struct scope_sweep *sweep);

/* Does a piece of what is to be done; *ret_more: more is left. On the sequencer's thread, when the
 * views have caught up. */
enum status scope_sweep_run(struct scope_sweep *sweep, struct views *views,
                            struct sequencer *sequencer, bool *ret_more, struct error *err);

#endif
