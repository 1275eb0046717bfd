/*
 * Membership: every process registers with the orchestrator, tells it twice a second how it is, and
 * learns its settings and the routing table in return. A thread of its own does this; it goes on
 * trying while the orchestrator is away, and the last table stays in force.
 */
#ifndef TIERCE_CLUSTER_MEMBER_H
#define TIERCE_CLUSTER_MEMBER_H

#include <stdint.h>

#include "base/error.h"
#include "cluster/routing.h"
#include "rpc/key.h"
#include "wire.pb-c.h"

struct member;

struct member_options {
    const char *orchestrator; /* "host:port" or "unix:/path" */
    const struct cluster_key *key;
    Wire__Role role;
    const char *name;    /* as given on the command line; NULL or "": the orchestrator chooses */
    const char *address; /* where this process serves; NULL or "" */
    const char *advertise_host; /* NULL or "" */
    const char *data_folder;    /* NULL or "" */
    int shard;                  /* a barrel's wish; -1: any */

    /* All of these run on the member's thread; each may be NULL. */
    void *context;
    /* New settings (also the first, before member_start() returns). To refuse them: words in `err`;
     * the old ones stay. */
    enum status (*take_settings)(void *context, const Wire__Settings *settings, struct error *err);
    /* Adds this process's own report to a heartbeat; what it points to must live until the next
     * one. */
    void (*fill_heartbeat)(void *context, Wire__HeartbeatRequest *heartbeat);
    /* The heartbeat was answered: deltas that it carried are counted. */
    void (*heartbeat_sent)(void *context);
};

/* A barrel's place, known after registration. */
struct member_place {
    uint32_t shard;
    uint32_t replica;
    uint32_t slot_first;
    uint32_t slot_last;
};

/*
 * Registers, waiting up to `wait_ms` for the orchestrator, and starts the thread. STATUS_TIMEOUT
 * (it did not answer; nothing is waited for beyond that), STATUS_DENIED (the key does not match),
 * STATUS_UNSUPPORTED (another protocol), STATUS_CONFLICT (the place is taken) carry one line that
 * says what to do.
 */
enum status member_start(const struct member_options *options, unsigned wait_ms,
                         struct member **ret_member, struct error *err);
void member_stop(struct member *member); /* says good-bye (draining), joins, frees; accepts NULL */

void member_set_state(struct member *member, Wire__MemberState state);
/* The next heartbeat goes out at once: it says what others must know before they ask again. */
void member_hurry(struct member *member);
uint64_t member_id(const struct member *member);
const char *member_name(const struct member *member);
struct member_place member_place(const struct member *member);

/* The newest table, to be given back with routing_release(); never NULL after member_start(). From
 * any thread. */
struct routing *member_routing(struct member *member);

/* This process's memory, from /proc/self/status, which the first call opens: a process that
 * confines itself asks once before. */
void member_memory(Wire__Memory *ret_memory);

#endif
