/*
 * An indexserver for tests of the downloader: it gives the leases that a test puts in, keeps what
 * is reported, and can be made to fail.
 */
#ifndef TIERCE_TESTS_FAKE_INDEXSERVER_H
#define TIERCE_TESTS_FAKE_INDEXSERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "rpc/message.h"
#include "rpc/server.h"
#include "wire.pb-c.h"

enum { FAKE_MAX = 256 };

struct fake_indexserver {
    struct rpc_server *server;
    struct cluster_key key;
    pthread_mutex_t mutex;
    pthread_cond_t changed;            /* by CLOCK_MONOTONIC */
    Wire__HostLease *leases[FAKE_MAX]; /* to be given */
    size_t lease_count;
    Wire__HostLease *more;            /* to be given when its lease runs out; NULL: nothing */
    Wire__Fetched *fetched[FAKE_MAX]; /* as reported, in order */
    int64_t fetched_us[FAKE_MAX];     /* clock_boot_us() when their report was acknowledged */
    size_t fetched_count;
    uint64_t finished[FAKE_MAX];
    size_t finished_count;
    size_t reports;
    size_t largest_report;        /* jobs */
    uint64_t prolonged[FAKE_MAX]; /* how often a lease, by its id, was named as held */
    enum status report_status;    /* what reports are answered with, where it is not STATUS_OK */
    uint64_t revoked;             /* a lease that is taken back; 0: none */
    const char *poison;           /* a URL that makes its report invalid */
    bool away;                    /* nobody knows where it is */
    bool reports_hang;            /* they are not answered until this is false again */
    bool closing;
};

static inline void fake_lock(struct fake_indexserver *fake)
{
    CHECK(pthread_mutex_lock(&fake->mutex) == 0);
}

static inline void fake_unlock(struct fake_indexserver *fake)
{
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->mutex);
}

/* Waits for a change until `until_ms` (clock_boot_ms()); false: that is over. */
static inline bool fake_wait(struct fake_indexserver *fake, int64_t until_ms)
{
    int64_t left_ms = until_ms - clock_boot_ms();
    struct timespec until;
    if (left_ms <= 0)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (until.tv_nsec + left_ms * 1000000) / 1000000000;
    until.tv_nsec = (until.tv_nsec + left_ms * 1000000) % 1000000000;
    pthread_cond_timedwait(&fake->changed, &fake->mutex, &until);
    return true;
}

static inline void fake_answer_lease(struct fake_indexserver *fake, struct rpc_call *call)
{
    Wire__LeaseRequest *request = rpc_call_request(call, &wire__lease_request__descriptor);
    Wire__LeaseReply reply = WIRE__LEASE_REPLY__INIT;
    Wire__HostLease *leases[FAKE_MAX];
    int64_t until_ms = clock_boot_ms() + (request != NULL ? request->wait_ms : 0);
    if (request == NULL)
        return;
    fake_lock(fake);
    for (size_t i = 0; i < request->n_held; i++)
        fake->prolonged[request->held[i] % FAKE_MAX]++;
    while (fake->lease_count == 0 && fake->revoked == 0 && !fake->closing &&
           fake_wait(fake, until_ms))
        ;
    uint64_t revoked = fake->revoked;
    fake->revoked = 0;
    reply.revoked = &revoked;
    reply.n_revoked = revoked != 0;
    while (fake->lease_count > 0 && reply.n_leases < request->max_hosts)
        leases[reply.n_leases++] = fake->leases[--fake->lease_count];
    fake_unlock(fake);
    reply.leases = leases;
    rpc_call_reply(call, &reply.base);
    for (size_t i = 0; i < reply.n_leases; i++)
        wire__host_lease__free_unpacked(leases[i], NULL);
}

static inline bool fake_is_poisoned(const struct fake_indexserver *fake,
                                    const Wire__ReportRequest *request)
{
    for (size_t i = 0; fake->poison != NULL && i < request->n_fetched; i++) {
        if (strcmp(request->fetched[i]->url, fake->poison) == 0)
            return true;
    }
    return false;
}

static inline void fake_keep(struct fake_indexserver *fake, const Wire__ReportRequest *request)
{
    fake->reports++;
    if (request->n_fetched > fake->largest_report)
        fake->largest_report = request->n_fetched;
    CHECK(fake->fetched_count + request->n_fetched <= FAKE_MAX);
    CHECK(fake->finished_count + request->n_finished <= FAKE_MAX);
    for (size_t i = 0; i < request->n_fetched; i++) {
        fake->fetched_us[fake->fetched_count] = clock_boot_us();
        fake->fetched[fake->fetched_count++] = message_copy(&request->fetched[i]->base);
    }
    for (size_t i = 0; i < request->n_finished; i++)
        fake->finished[fake->finished_count++] = request->finished[i];
}

/* What the lease that is named as running out grows by; NULL: nothing. The caller's. */
static inline Wire__HostLease *fake_take_more(struct fake_indexserver *fake,
                                              const Wire__ReportRequest *request)
{
    for (size_t i = 0; fake->more != NULL && i < request->n_running_out; i++) {
        if (request->running_out[i] == fake->more->lease) {
            Wire__HostLease *more = fake->more;
            fake->more = NULL;
            return more;
        }
    }
    return NULL;
}

static inline void fake_answer_report(struct fake_indexserver *fake, struct rpc_call *call)
{
    Wire__ReportRequest *request = rpc_call_request(call, &wire__report_request__descriptor);
    Wire__ReportReply reply = WIRE__REPORT_REPLY__INIT;
    if (request == NULL)
        return;
    fake_lock(fake);
    while (fake->reports_hang && !fake->closing)
        fake_wait(fake, clock_boot_ms() + 1000);
    enum status status = fake_is_poisoned(fake, request) ? STATUS_INVALID : fake->report_status;
    if (status == STATUS_OK)
        fake_keep(fake, request);
    Wire__HostLease *more = status == STATUS_OK ? fake_take_more(fake, request) : NULL;
    fake_unlock(fake);
    reply.more = &more;
    reply.n_more = more != NULL ? 1 : 0;
    if (status == STATUS_OK)
        rpc_call_reply(call, &reply.base);
    else
        rpc_call_fail(call, status, "as the test wishes");
    if (more != NULL)
        wire__host_lease__free_unpacked(more, NULL);
}

static inline void fake_handle(void *context, struct rpc_call *call)
{
    if (rpc_call_method(call) == WIRE__METHOD__LEASE)
        fake_answer_lease(context, call);
    else if (rpc_call_method(call) == WIRE__METHOD__REPORT)
        fake_answer_report(context, call);
    else
        rpc_call_fail(call, STATUS_UNSUPPORTED, "unknown method");
}

static inline void fake_open(struct fake_indexserver *fake)
{
    struct error err;
    pthread_condattr_t attributes;
    memset(fake, 0, sizeof(*fake));
    pthread_mutex_init(&fake->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fake->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    struct rpc_server_options options = {.host = "127.0.0.1",
                                         .key = &fake->key,
                                         .handler = fake_handle,
                                         .context = fake,
                                         .threads = 4};
    CHECK(rpc_server_open(&options, &fake->server, &err) == STATUS_OK);
}

static inline void fake_close(struct fake_indexserver *fake)
{
    fake_lock(fake);
    fake->closing = true;
    fake_unlock(fake);
    rpc_server_close(fake->server, 1000);
    for (size_t i = 0; i < fake->fetched_count; i++)
        wire__fetched__free_unpacked(fake->fetched[i], NULL);
    for (size_t i = 0; i < fake->lease_count; i++)
        wire__host_lease__free_unpacked(fake->leases[i], NULL);
    if (fake->more != NULL)
        wire__host_lease__free_unpacked(fake->more, NULL);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->mutex);
}

/* For crew_options. */
static inline void fake_locate(void *context, char *ret_address)
{
    struct fake_indexserver *fake = context;
    fake_lock(fake);
    strcpy(ret_address, fake->away ? "" : rpc_server_address(fake->server));
    pthread_mutex_unlock(&fake->mutex);
}

static inline void fake_set_away(struct fake_indexserver *fake, bool away)
{
    fake_lock(fake);
    fake->away = away;
    fake_unlock(fake);
}

/* Copies the lease. */
static inline void fake_lease(struct fake_indexserver *fake, const Wire__HostLease *lease)
{
    fake_lock(fake);
    CHECK(fake->lease_count < FAKE_MAX);
    fake->leases[fake->lease_count++] = message_copy(&lease->base);
    fake_unlock(fake);
}

/* Copies what the lease of that number grows by when it runs out. */
static inline void fake_lease_more(struct fake_indexserver *fake, const Wire__HostLease *more)
{
    fake_lock(fake);
    CHECK(fake->more == NULL);
    fake->more = message_copy(&more->base);
    fake_unlock(fake);
}

/* Waits until so many fetches were reported and so many leases ended; false: not within 20 s. */
static inline bool fake_await(struct fake_indexserver *fake, size_t fetched, size_t finished)
{
    int64_t until_ms = clock_boot_ms() + 20000;
    fake_lock(fake);
    while ((fake->fetched_count < fetched || fake->finished_count < finished) &&
           fake_wait(fake, until_ms))
        ;
    bool done = fake->fetched_count >= fetched && fake->finished_count >= finished;
    fake_unlock(fake);
    return done;
}

static inline void fake_revoke(struct fake_indexserver *fake, uint64_t lease)
{
    fake_lock(fake);
    fake->revoked = lease;
    fake_unlock(fake);
}

/* The report on a URL; NULL: none. */
static inline const Wire__Fetched *fake_find(struct fake_indexserver *fake, const char *url)
{
    const Wire__Fetched *found = NULL;
    fake_lock(fake);
    for (size_t i = 0; i < fake->fetched_count && found == NULL; i++) {
        if (strcmp(fake->fetched[i]->url, url) == 0)
            found = fake->fetched[i];
    }
    fake_unlock(fake);
    return found;
}

#endif
