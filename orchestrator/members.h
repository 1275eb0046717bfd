/*
 * Who is there: every process of the installation, as it registered and as its last heartbeat said.
 * From this follow the barrels' places, the routing table and the corpus statistics.
 */
#ifndef TIERCE_ORCHESTRATOR_MEMBERS_H
#define TIERCE_ORCHESTRATOR_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "orchestrator/latency.h"
#include "wire.pb-c.h"

enum {
    MEMBERS_MAX = 1024,
    MEMBER_NAME_BYTES = 48,
    HEARTBEAT_MS = 500,
    MEMBER_DEAD_MS = 5000,       /* without a heartbeat */
    MEMBER_FORGOTTEN_MS = 60000, /* gone so long, it is shown and routed to no more */
    BARREL_PLACE_MS = 3600000,   /* so long its place is remembered for its data folder */
    CORPUS_MIN_MS = 2000,        /* between two epochs */
    REPLICAS_MAX = 64,           /* of one shard */
    FIELDS = 5,
};

struct member_entry {
    uint64_t id;
    Wire__Role role;
    char name[MEMBER_NAME_BYTES];
    uint32_t pid;
    char *machine;
    char *address;
    char *version;
    char *advertise_host;
    char *data_folder;
    uint32_t shard, replica; /* of a barrel */
    Wire__MemberState state;
    bool is_gone;     /* ended, or silent for too long */
    bool is_restored; /* from the last orchestrator's file: it must register again */
    int64_t last_ms;  /* of the last sign of life, clock_boot_ms() */
    int64_t started_us;
    uint64_t settings_version;
    char *refusal; /* of settings; "" */
    Wire__Memory memory;
    Wire__BarrelStatus *barrel; /* or NULL */
    Wire__IndexserverStatus *indexserver;
    Wire__DownloaderStatus *downloader;
    struct latency latency; /* of a barrel */
};

struct members;

struct members_options {
    unsigned shards;
    unsigned reserved_replicas; /* the first so many places of each shard are our own children's */
    const char *state_file;     /* copied; NULL: none */
    const char *hostname;       /* copied; advertised where no gateway says otherwise */
    void *context;
    /* What this role is to be set to, in the arena. */
    Wire__Settings *(*settings)(void *context, Wire__Role role, struct arena *arena);
    uint64_t (*settings_version)(void *context);
    /* A heartbeat said that this member is ready. */
    void (*ready)(void *context, const char *name);
};

struct members *members_open(const struct members_options *options);
void members_close(struct members *members); /* writes the state file; accepts NULL */

/* After an edit of the configuration. */
void members_set(struct members *members, const char *hostname, unsigned reserved_replicas);

/*
 * Takes a process in. The reply lies in the arena. STATUS_UNSUPPORTED (another protocol),
 * STATUS_CONFLICT (name or place belongs to a living member), STATUS_INVALID, STATUS_OVERLOADED say
 * what to do.
 */
enum status members_register(struct members *members, const Wire__RegisterRequest *request,
                             struct arena *arena, Wire__RegisterReply *ret_reply,
                             struct error *err);

void members_heartbeat(struct members *members, const Wire__HeartbeatRequest *request,
                       struct arena *arena, Wire__HeartbeatReply *ret_reply);

/* A child of ours ended. */
void members_ended(struct members *members, const char *name, uint32_t pid);

/* Marks the silent, forgets the forgotten, publishes statistics. Returns when to call it again. */
int64_t members_tick(struct members *members, int64_t now_ms);

/* The table as it is now, in the arena. */
Wire__Routing *members_routing(struct members *members, struct arena *arena);

/* A gateway's measurement of a barrel. */
void members_add_latency(struct members *members, uint64_t id, uint64_t calls, uint64_t total_us);

unsigned members_count(const struct members *members);
const struct member_entry *members_entry(const struct members *members, unsigned index);
/* NULL: nobody has this name. */
const struct member_entry *members_find(const struct members *members, const char *name);

/* The first and last slot of a shard. */
void members_slots(unsigned shards, unsigned shard, uint32_t *ret_first, uint32_t *ret_last);

#endif
