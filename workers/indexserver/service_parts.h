/* What the files of the service share. */
#ifndef TIERCE_INDEXSERVER_SERVICE_PARTS_H
#define TIERCE_INDEXSERVER_SERVICE_PARTS_H

#include <stdatomic.h>

#include "indexserver/disk_watch.h"
#include "indexserver/feed_calls.h"
#include "indexserver/lease_calls.h"
#include "indexserver/scope_sweep.h"
#include "indexserver/scrubber.h"
#include "indexserver/sequencer.h"
#include "indexserver/service.h"
#include "indexserver/trials.h"
#include "indexserver/views.h"

struct settings_job;

struct service {
    struct service_options options;
    atomic_bool open;
    struct log_store *log;
    struct views *views;
    struct sequencer *sequencer;
    struct lease_calls leases;     /* the sequencer's thread's */
    struct trials trials;          /* the same */
    struct scope_sweep sweep;      /* the sequencer's thread's */
    struct settings_job *settings; /* to be appended; NULL: none. The sequencer's thread's */
    struct feed_calls feeds;
    struct disk_watch disk;
    struct scrubber scrubber;
    pthread_mutex_t lock;  /* of what follows, and of opening */
    pthread_cond_t opened; /* or closing */
    bool closing;
    Wire__Settings *early; /* came before the service was open; NULL: none */
};

/* A call that is a job: in the call's arena, gone with its answer. */
struct call_job {
    struct sequencer_job job; /* first: the sequencer hands this back */
    struct service *service;
    struct rpc_call *call;
    void *request;
    void *state; /* what prepare() leaves to done() */
};

/* Reads the request and queues the job; answers where that fails. */
void call_job_add(struct service *service, struct rpc_call *call,
                  const ProtobufCMessageDescriptor *descriptor,
                  bool (*prepare)(struct sequencer_job *job, struct batch *batch),
                  void (*done)(struct sequencer_job *job, enum status status, uint64_t first,
                               const struct error *err),
                  bool alone);

/* The methods. */
void submit_call(struct service *service, struct rpc_call *call);
void remove_call(struct service *service, struct rpc_call *call);
void control_call(struct service *service, struct rpc_call *call);
void report_call(struct service *service, struct rpc_call *call);
void scope_diff_call(struct service *service, struct rpc_call *call);
void lookup_call(struct service *service, struct rpc_call *call);
void import_call(struct service *service, struct rpc_call *call);
void export_call(struct service *service, struct rpc_call *call);

/* Entries in the arena; never NULL. */
Log__Entry *entry_of_submit(struct arena *arena, Log__Origin origin, char **urls, size_t count);
Log__Entry *entry_of_remove(struct arena *arena, Log__RemoveScope scope, const char *value,
                            Log__RemoveBy by);
Log__Entry *entry_of_content(struct arena *arena, Log__Content *content);
Log__Entry *entry_of_outcome(struct arena *arena, Log__Outcome *outcome);
Log__Entry *entry_of_robots(struct arena *arena, Log__Robots *robots);
Log__Entry *entry_of_control(struct arena *arena, Log__Control *control);

/* Appends new settings and the seeds that they bring. On the sequencer's thread. */
enum status settings_append(struct service *service, const Log__CrawlSettings *settings,
                            struct error *err);

/* Why nothing is leased at present; NULL: the crawl goes on. In the arena. */
const char *service_paused(struct service *service, struct arena *arena);

#endif
