/*
 * The downloader's work: leases from the indexserver, up to 64 hosts at a time on one event loop,
 * what they bring to the parser and back to the indexserver. Threads: this loop, one that asks for
 * leases, one that has pages parsed, one that reports.
 */
#ifndef TIERCE_DOWNLOADER_CREW_H
#define TIERCE_DOWNLOADER_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "downloader/credentials.h"
#include "downloader/fetch.h"
#include "downloader/link.h"
#include "downloader/spawner.h"
#include "wire.pb-c.h"

enum {
    CREW_STOP_MS = 3000, /* from the order to stop until the end */
    CREW_LARGE_BODIES = 4,
};

struct crew;

/* Settings that may change while it works, from any thread. */
struct crew_settings {
    atomic_uint connections_per_address; /* 0: ADDRESSES_CONNECTIONS_USUAL */
    atomic_uint_fast64_t bandwidth;      /* bytes a second for all fetches together; 0: no limit */
};

struct crew_options {
    struct link_options link;          /* to the indexserver */
    uint64_t (*member)(void *context); /* our id with the orchestrator; from any thread */
    void *member_context;
    struct spawner *spawner;           /* of the parser; borrowed */
    struct credentials *credentials;   /* borrowed; NULL: none */
    uint32_t page_ms;                  /* for parsing a page */
    const struct fetch_limits *limits; /* borrowed */
    struct crew_settings *settings;    /* borrowed; looked at again and again */
};

enum status crew_open(const struct crew_options *options, struct crew **ret_crew,
                      struct error *err);

/*
 * Works until `stop_fd` is readable; then begins no fetch, ends those under way or gives them up,
 * and reports. Takes at most CREW_STOP_MS for that.
 *
 * Returns STATUS_OK, or STATUS_IO: it stopped because no parser can be started any more.
 */
enum status crew_run(struct crew *crew, int stop_fd, struct error *err);

/* Accepts NULL. */
void crew_close(struct crew *crew);

/* From any thread. */
void crew_fill_status(struct crew *crew, Wire__DownloaderStatus *ret_status);

#endif
