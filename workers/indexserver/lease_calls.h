/* LEASE calls that wait until a host may be asked, or a content in the log is to be parsed: that is
 * leased while the crawl is paused, too. All on the sequencer's thread. */
#ifndef TIERCE_INDEXSERVER_LEASE_CALLS_H
#define TIERCE_INDEXSERVER_LEASE_CALLS_H

#include "indexserver/views.h"
#include "rpc/server.h"
#include "wire.pb-c.h"

enum { LEASE_CALLS_MAX = 256, LEASE_WAIT_MS_MAX = 60 * 1000, LEASE_RETRY_MS = 1000 };

struct service;

struct lease_call {
    struct rpc_call *call;
    const Wire__LeaseRequest *request;
    int64_t until_ms;
    uint64_t controls; /* how many had come when its held leases were last looked at */
};

struct lease_calls {
    struct lease_call waiting[LEASE_CALLS_MAX]; /* in the order they came */
    size_t count;
    bool draining;
};

/* From any thread: queues the call. */
void lease_call(struct service *service, struct rpc_call *call);

/* Answers what can be answered; returns when to look again, clock_boot_ms(). */
int64_t lease_calls_serve(struct service *service);

#endif
