#include "cluster/routing.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "cluster/routing_wire.h"

static void free_routing(struct routing *routing)
{
    struct arena *arena = routing->memory; /* holds `routing` too */
    arena_release(arena);
    free(arena);
}

void routing_release(struct routing *routing)
{
    if (routing != NULL && __atomic_sub_fetch(&routing->references, 1, __ATOMIC_ACQ_REL) == 0)
        free_routing(routing);
}

struct routing *routing_share(struct routing *routing)
{
    __atomic_add_fetch(&routing->references, 1, __ATOMIC_RELAXED);
    return routing;
}

unsigned routing_shard_of(const struct routing *routing, uint32_t slot)
{
    for (unsigned i = 0; i < routing->shard_count; i++) {
        if (slot >= routing->shards[i].slot_first && slot <= routing->shards[i].slot_last)
            return i;
    }
    return routing->shard_count;
}

static enum status check_wire(const Wire__Routing *wire, struct error *err)
{
    bool held[SLOT_COUNT] = {false};
    for (size_t i = 0; i < wire->n_shards; i++) {
        const Wire__Shard *shard = wire->shards[i];
        if (shard->slot_first > shard->slot_last || shard->slot_last >= SLOT_COUNT)
            return error_set(err, STATUS_CORRUPT, "shard %zu holds the slots %u to %u", i,
                             shard->slot_first, shard->slot_last);
        if (shard->n_replicas > ROUTING_REPLICAS_MAX)
            return error_set(err, STATUS_CORRUPT, "shard %zu has %zu replicas", i,
                             shard->n_replicas);
        for (uint32_t slot = shard->slot_first; slot <= shard->slot_last; slot++) {
            if (held[slot])
                return error_set(err, STATUS_CORRUPT, "slot %u is held twice", slot);
            held[slot] = true;
        }
    }
    return STATUS_OK;
}

/* The arena ran out of memory where this returns false. */
static bool copy_shard(struct arena *arena, const Wire__Shard *wire, struct routing_shard *ret)
{
    struct routing_replica *replicas =
        arena_zalloc(arena, (wire->n_replicas + 1) * sizeof(*replicas));
    if (replicas == NULL)
        return false;
    for (size_t i = 0; i < wire->n_replicas; i++) {
        const Wire__Replica *from = wire->replicas[i];
        replicas[i] =
            (struct routing_replica){.member = from->member,
                                     .name = arena_string(arena, from->name),
                                     .address = arena_string(arena, from->address),
                                     .position = from->position,
                                     .ready = from->state == WIRE__MEMBER_STATE__STATE_READY,
                                     .rebuilding = from->rebuilding};
        if (replicas[i].name == NULL || replicas[i].address == NULL)
            return false;
    }
    *ret = (struct routing_shard){.slot_first = wire->slot_first,
                                  .slot_last = wire->slot_last,
                                  .replicas = replicas,
                                  .replica_count = (unsigned)wire->n_replicas};
    return true;
}

static void copy_corpus(const Wire__CorpusStats *wire, struct routing *ret)
{
    if (wire == NULL)
        return;
    ret->corpus.epoch = wire->epoch;
    ret->corpus.documents = wire->documents;
    for (size_t i = 0; i < wire->n_field_lengths && i < ROUTING_FIELDS; i++)
        ret->corpus.field_lengths[i] = wire->field_lengths[i];
}

static struct routing *copy_routing(struct arena *arena, const Wire__Routing *wire)
{
    struct routing *routing = arena_zalloc(arena, sizeof(*routing));
    struct routing_shard *shards =
        arena_zalloc(arena, (wire->n_shards + 1) * sizeof(struct routing_shard));
    if (routing == NULL || shards == NULL)
        return NULL;
    for (size_t i = 0; i < wire->n_shards; i++) {
        if (!copy_shard(arena, wire->shards[i], &shards[i]))
            return NULL;
    }
    routing->version = wire->version;
    routing->shards = shards;
    routing->shard_count = (unsigned)wire->n_shards;
    routing->indexserver = arena_string(arena, wire->indexserver);
    routing->grpc = arena_string(arena, wire->grpc);
    routing->advertise_host = arena_string(arena, wire->advertise_host);
    if (routing->indexserver == NULL || routing->grpc == NULL || routing->advertise_host == NULL)
        return NULL;
    copy_corpus(wire->corpus, routing);
    routing->references = 1;
    routing->memory = arena;
    return routing;
}

enum status routing_from_wire(const Wire__Routing *wire, struct routing **ret_routing,
                              struct error *err)
{
    static const Wire__Routing empty = WIRE__ROUTING__INIT;
    if (wire == NULL)
        wire = &empty;
    enum status status = check_wire(wire, err);
    if (status != STATUS_OK)
        return status;
    struct arena *arena = check_alloc(calloc(1, sizeof(*arena)));
    struct routing *routing = copy_routing(arena, wire);
    if (routing == NULL) {
        arena_release(arena);
        free(arena);
        return error_set(err, STATUS_NO_MEMORY, "routing table");
    }
    *ret_routing = routing;
    return STATUS_OK;
}
