#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/members_parts.h"

enum { SLOTS = 256 };

void members_slots(unsigned shards, unsigned shard, uint32_t *ret_first, uint32_t *ret_last)
{
    *ret_first = SLOTS * shard / shards;
    *ret_last = SLOTS * (shard + 1) / shards - 1;
}

bool member_name_place(const char *name, uint32_t *ret_shard, uint32_t *ret_replica)
{
    unsigned shard, replica;
    int used = 0;
    if (sscanf(name, "barrel-%3u-%2u%n", &shard, &replica, &used) != 2 ||
        (name[used] != '\0' && (strchr("bc", name[used]) == NULL || name[used + 1] != '\0')))
        return false;
    *ret_shard = shard;
    *ret_replica = replica;
    return true;
}

/* The living barrel in a place; NULL: it is free. */
static const struct member_entry *holder(const struct members *members,
                                         const Wire__RegisterRequest *request,
                                         const struct member_entry *self, uint32_t shard,
                                         uint32_t replica)
{
    for (unsigned i = 0; i < members->count; i++) {
        const struct member_entry *entry = members->entries[i];
        bool same = entry->pid == request->pid && strcmp(entry->machine, request->machine) == 0;
        if (entry != self && !same && entry->role == WIRE__ROLE__ROLE_BARREL &&
            entry->shard == shard && entry->replica == replica &&
            member_is_alive(members, entry, clock_boot_ms()))
            return entry;
    }
    return NULL;
}

/* The place that a barrel with this data had before. */
static const struct member_entry *former(const struct members *members,
                                         const Wire__RegisterRequest *request)
{
    for (unsigned i = 0; i < members->count && request->data_folder[0] != '\0'; i++) {
        const struct member_entry *entry = members->entries[i];
        if (entry->role == WIRE__ROLE__ROLE_BARREL &&
            strcmp(entry->machine, request->machine) == 0 &&
            strcmp(entry->data_folder, request->data_folder) == 0)
            return entry;
    }
    return NULL;
}

static unsigned living_replicas(const struct members *members, uint32_t shard)
{
    unsigned count = 0;
    for (unsigned i = 0; i < members->count; i++) {
        const struct member_entry *entry = members->entries[i];
        count += entry->role == WIRE__ROLE__ROLE_BARREL && entry->shard == shard &&
                 member_is_alive(members, entry, clock_boot_ms());
    }
    return count;
}

static uint32_t emptiest_shard(const struct members *members)
{
    uint32_t best = 0;
    for (uint32_t shard = 1; shard < members->options.shards; shard++) {
        if (living_replicas(members, shard) < living_replicas(members, best))
            best = shard;
    }
    return best;
}

/* For a barrel that names no place: its former one, or the first free one behind those that belong
 * to our own children. */
static enum status choose_place(const struct members *members, const Wire__RegisterRequest *request,
                                const struct member_entry *self, uint32_t *ret_shard,
                                uint32_t *ret_replica, struct error *err)
{
    const struct member_entry *before = former(members, request);
    uint32_t shard = request->shard >= 0 ? (uint32_t)request->shard
                     : before != NULL    ? before->shard
                                         : emptiest_shard(members);
    if (before != NULL && before->shard == shard &&
        holder(members, request, self, shard, before->replica) == NULL) {
        *ret_shard = shard;
        *ret_replica = before->replica;
        return STATUS_OK;
    }
    for (uint32_t replica = members->options.reserved_replicas; replica < REPLICAS_MAX; replica++) {
        if (holder(members, request, self, shard, replica) != NULL)
            continue;
        *ret_shard = shard;
        *ret_replica = replica;
        return STATUS_OK;
    }
    return error_set(err, STATUS_CONFLICT, "shard %u has %d replicas already", shard, REPLICAS_MAX);
}

enum status members_place_barrel(const struct members *members,
                                 const Wire__RegisterRequest *request,
                                 const struct member_entry *self, uint32_t *ret_shard,
                                 uint32_t *ret_replica, struct error *err)
{
    uint32_t shard = 0, replica = 0;
    bool named = member_name_place(request->name, &shard, &replica);
    uint32_t wished = named ? shard : request->shard >= 0 ? (uint32_t)request->shard : 0;
    if (wished >= members->options.shards)
        return error_set(err, STATUS_CONFLICT,
                         "there is no shard %u: the index is divided into %u (barrels.shards in "
                         "config.yaml), numbered from 0",
                         wished, members->options.shards);
    if (named && request->shard >= 0 && (uint32_t)request->shard != shard)
        return error_set(err, STATUS_INVALID, "--name %s and --shard %d contradict each other",
                         request->name, request->shard);
    if (!named)
        return choose_place(members, request, self, ret_shard, ret_replica, err);
    const struct member_entry *other = holder(members, request, self, shard, replica);
    if (other != NULL)
        return error_set(err, STATUS_CONFLICT,
                         "replica %u of shard %u is served by %s (PID %u on %s); stop it, or leave "
                         "--name away",
                         replica, shard, other->name, other->pid, other->machine);
    *ret_shard = shard;
    *ret_replica = replica;
    return STATUS_OK;
}
