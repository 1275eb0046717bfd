/* The routing table: who serves which slots. A snapshot never changes; a newer one replaces it. */
#ifndef TIERCE_CLUSTER_ROUTING_H
#define TIERCE_CLUSTER_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOT_COUNT = 256, ROUTING_FIELDS = 5 };

struct routing_replica {
    uint64_t member;
    const char *name;
    const char *address;
    uint64_t position; /* of the log, as last reported */
    bool ready;
    bool rebuilding; /* less is found in it than in its siblings */
};

struct routing_shard {
    uint32_t slot_first;
    uint32_t slot_last; /* inclusive */
    const struct routing_replica *replicas;
    unsigned replica_count;
};

struct routing {
    uint64_t version;
    const struct routing_shard *shards;
    unsigned shard_count;
    const char *indexserver; /* address; "" while there is none */
    const char *grpc;
    const char *advertise_host;
    struct {
        uint64_t epoch;
        uint64_t documents;
        uint64_t field_lengths[ROUTING_FIELDS];
    } corpus;
    /* below: not for callers */
    int references;
    void *memory;
};

void routing_release(struct routing *routing); /* accepts NULL; from any thread */

/* Index of the shard that holds the slot; shard_count when none does. */
unsigned routing_shard_of(const struct routing *routing, uint32_t slot);

#endif
