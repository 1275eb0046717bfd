/*
 * The indexserver's calls: SUBMIT, REMOVE, CONTROL, REPORT and IMPORT become jobs of the sequencer;
 * LEASE and READ_FEED wait until there is something to answer; LOOKUP, EXPORT and
 * INDEXSERVER_STATUS read.
 */
#ifndef TIERCE_INDEXSERVER_SERVICE_H
#define TIERCE_INDEXSERVER_SERVICE_H

#include "base/arena.h"
#include "base/error.h"
#include "rpc/server.h"
#include "wire.pb-c.h"

struct service;

struct service_options {
    const char *folder; /* holds log/ and views/ */
    /* The log or the views can no longer be written: the process must end. From another thread. */
    void (*failed)(void *context, const struct error *err);
    void *context;
    unsigned scrub_after_ms; /* removed pages leave the disk after so long; 0: as usual */
    unsigned feed_settle_ms; /* what readers have read, they have written by then; 0: as usual */
};

/* Makes it; calls wait (on their worker's thread) until service_open() or service_drain(). */
struct service *service_new(const struct service_options *options);
/* Opens the log and the views, and begins to serve. */
enum status service_open(struct service *service, struct error *err);
/* Ends the calls that wait: none waits any more from now on. */
void service_drain(struct service *service);
/* No call may come in any more. Does what was accepted, then closes. Accepts NULL. */
void service_close(struct service *service);

/* For rpc_server_options. */
void service_handle(void *context, struct rpc_call *call);

/* New settings; they are in the log a moment later. */
enum status service_take_settings(struct service *service, const Wire__Settings *settings,
                                  struct error *err);

/* Everything in the arena. */
void service_status(struct service *service, struct arena *arena,
                    Wire__IndexserverStatus *ret_status);

#endif
