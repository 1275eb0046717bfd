#include <string.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "orchestrator/members_parts.h"
#include "rpc/message.h"

/* Gone for long, it is not even tried. */
static bool is_listed(const struct member_entry *entry, int64_t now_ms)
{
    return !entry->is_gone || now_ms - entry->last_ms < MEMBER_FORGOTTEN_MS;
}

static Wire__Replica *make_replica(const struct member_entry *entry, struct arena *arena)
{
    Wire__Replica *replica = check_alloc(arena_alloc(arena, sizeof(*replica)));
    wire__replica__init(replica);
    replica->member = entry->id;
    replica->name = (char *)entry->name;
    replica->address = entry->address;
    replica->state = entry->is_gone ? WIRE__MEMBER_STATE__STATE_STARTING : entry->state;
    replica->position = entry->barrel == NULL ? 0 : entry->barrel->position;
    replica->rebuilding = entry->barrel != NULL && entry->barrel->rebuilding;
    return replica;
}

/* The living one where two stand in a place: a successor and the one that it replaced. */
static void put_in_place(const struct member_entry *places[REPLICAS_MAX],
                         const struct member_entry *entry)
{
    const struct member_entry *before = places[entry->replica];
    if (before == NULL || (before->is_gone && !entry->is_gone))
        places[entry->replica] = entry;
}

static Wire__Shard *make_shard(const struct members *members, unsigned index, struct arena *arena)
{
    Wire__Shard *shard = check_alloc(arena_alloc(arena, sizeof(*shard)));
    const struct member_entry *places[REPLICAS_MAX] = {NULL};
    int64_t now_ms = clock_boot_ms();
    wire__shard__init(shard);
    members_slots(members->options.shards, index, &shard->slot_first, &shard->slot_last);
    for (unsigned i = 0; i < members->count; i++) {
        const struct member_entry *entry = members->entries[i];
        if (entry->role == WIRE__ROLE__ROLE_BARREL && entry->shard == index &&
            is_listed(entry, now_ms))
            put_in_place(places, entry);
    }
    shard->replicas = check_alloc(arena_alloc(arena, REPLICAS_MAX * sizeof(Wire__Replica *)));
    for (unsigned i = 0; i < REPLICAS_MAX; i++) {
        if (places[i] != NULL)
            shard->replicas[shard->n_replicas++] = make_replica(places[i], arena);
    }
    return shard;
}

/* The newest member of a role, a living one first; NULL: none. */
static const struct member_entry *newest(const struct members *members, Wire__Role role)
{
    const struct member_entry *best = NULL;
    int64_t now_ms = clock_boot_ms();
    for (unsigned i = 0; i < members->count; i++) {
        const struct member_entry *entry = members->entries[i];
        if (entry->role != role || !is_listed(entry, now_ms))
            continue;
        if (best == NULL || (best->is_gone && !entry->is_gone) ||
            (best->is_gone == entry->is_gone && entry->id > best->id))
            best = entry;
    }
    return best;
}

static const char *advertised_host(const struct members *members)
{
    static const Wire__Role roles[] = {WIRE__ROLE__ROLE_GRPC, WIRE__ROLE__ROLE_GATEWAY};
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        const struct member_entry *entry = newest(members, roles[i]);
        if (entry != NULL && entry->advertise_host[0] != '\0')
            return entry->advertise_host;
    }
    return members->hostname;
}

/* Of who serves what, and where; neither of how far each has read, nor of the statistics. */
static uint64_t membership_hash(Wire__Routing *routing)
{
    struct buffer bytes = {0};
    Wire__CorpusStats *corpus = routing->corpus;
    routing->corpus = NULL;
    for (size_t i = 0; i < routing->n_shards; i++) {
        for (size_t j = 0; j < routing->shards[i]->n_replicas; j++) {
            const Wire__Replica *replica = routing->shards[i]->replicas[j];
            buffer_append_format(&bytes, "%zu %llu %s %s %d\n", i,
                                 (unsigned long long)replica->member, replica->name,
                                 replica->address, replica->state);
        }
    }
    buffer_append_format(&bytes, "%s %s %s", routing->indexserver, routing->grpc,
                         routing->advertise_host);
    routing->corpus = corpus;
    uint64_t hash = hash64(bytes.data, bytes.size);
    buffer_release(&bytes);
    return hash;
}

Wire__Routing *members_routing(struct members *members, struct arena *arena)
{
    Wire__Routing *routing = check_alloc(arena_alloc(arena, sizeof(*routing)));
    wire__routing__init(routing);
    routing->n_shards = members->options.shards;
    routing->shards = check_alloc(arena_alloc(arena, routing->n_shards * sizeof(Wire__Shard *)));
    for (unsigned i = 0; i < routing->n_shards; i++)
        routing->shards[i] = make_shard(members, i, arena);
    const struct member_entry *indexserver = newest(members, WIRE__ROLE__ROLE_INDEXSERVER);
    const struct member_entry *grpc = newest(members, WIRE__ROLE__ROLE_GRPC);
    routing->indexserver = indexserver == NULL ? (char *)"" : indexserver->address;
    routing->grpc = grpc == NULL ? (char *)"" : grpc->address;
    routing->advertise_host = (char *)advertised_host(members);
    routing->corpus = corpus_stats(&members->corpus, arena);
    uint64_t hash = membership_hash(routing);
    if (hash != members->routing_hash) {
        members->routing_hash = hash;
        members->routing_version++;
    }
    routing->version = members->routing_version;
    return routing;
}
