/* The thread that reports what was fetched, and keeps at it while the indexserver is away. */
#ifndef TIERCE_DOWNLOADER_REPORTER_H
#define TIERCE_DOWNLOADER_REPORTER_H

#include "base/error.h"
#include "downloader/ledger.h"
#include "downloader/link.h"
#include "wire.pb-c.h"

/* More URLs for a lease that is held, which came with the answer to a report: the receiver's to
 * free with wire__host_lease__free_unpacked(). Called on the reporter's thread. */
typedef void reporter_more(void *context, Wire__HostLease *more);

struct reporter_options {
    struct ledger *ledger;
    struct link_options link;
    reporter_more *more;
    void *more_context;
};

struct reporter;

enum status reporter_open(const struct reporter_options *options, struct reporter **ret_reporter,
                          struct error *err);
/* Stops the ledger: what can be reported until the deadline (clock_boot_ms()) is. Joins, frees.
 * Accepts NULL. */
void reporter_close(struct reporter *reporter, int64_t deadline_ms);

#endif
