/*
 * The thread between fetching and reporting: has each body parsed by the parser's process, packs it
 * for the log, and hands the job to the ledger. A slow page holds up others here, but no fetch.
 */
#ifndef TIERCE_DOWNLOADER_PARSING_H
#define TIERCE_DOWNLOADER_PARSING_H

#include <stdint.h>

#include "base/error.h"
#include "downloader/job.h"
#include "downloader/ledger.h"
#include "downloader/spawner.h"

struct parsing;

/* spawner  borrowed. STATUS_IO: the parser cannot be started. */
enum status parsing_open(struct ledger *ledger, struct spawner *spawner, uint32_t page_ms,
                         struct parsing **ret_parsing, struct error *err);
/* What waits is parsed until the deadline (clock_boot_ms()), the rest dropped. Ends the process and
 * joins the thread; nothing may be taken afterwards. */
void parsing_stop(struct parsing *parsing, int64_t deadline_ms);
/* After parsing_stop(). Accepts NULL. */
void parsing_close(struct parsing *parsing);

/* Takes over a job whose `body` is unparsed. */
void parsing_take(struct parsing *parsing, struct job *job);

uint64_t parsing_restarts(const struct parsing *parsing);

#endif
