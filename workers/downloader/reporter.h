/* The thread that reports what was fetched, and keeps at it while the indexserver is away. */
#ifndef TIERCE_DOWNLOADER_REPORTER_H
#define TIERCE_DOWNLOADER_REPORTER_H

#include "base/error.h"
#include "downloader/ledger.h"
#include "downloader/link.h"

struct reporter;

enum status reporter_open(struct ledger *ledger, const struct link_options *link,
                          struct reporter **ret_reporter, struct error *err);
/* Stops the ledger: what can be reported until the deadline (clock_boot_ms()) is. Joins, frees.
 * Accepts NULL. */
void reporter_close(struct reporter *reporter, int64_t deadline_ms);

#endif
