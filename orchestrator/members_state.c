/*
 * What the next orchestrator must know at once: the table that everybody works by. It is a
 * wire.Stats with the members, the corpus and what is known of its shards. Who stands in it stays
 * in force until it registers again or stays silent too long, so that a restart of the orchestrator
 * changes no answer.
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/members_parts.h"
#include "orchestrator/process.h"
#include "orchestrator/run_file.h"
#include "rpc/message.h"

enum { STATE_BYTES_MAX = 16 * 1024 * 1024 };

static Wire__MemberStatus *describe(const struct member_entry *entry, struct arena *arena)
{
    Wire__MemberStatus *status = check_alloc(arena_alloc(arena, sizeof(*status)));
    wire__member_status__init(status);
    status->member = entry->id;
    status->name = (char *)entry->name;
    status->role = entry->role;
    status->pid = entry->pid;
    status->machine = entry->machine;
    status->address = entry->address;
    status->version = entry->version;
    status->state = entry->state;
    status->started_us = entry->started_us;
    status->barrel = entry->barrel;
    return status;
}

static void describe_shards(const struct members *members, Wire__Stats *stats, struct arena *arena)
{
    unsigned count = members->options.shards;
    stats->shard_corpora =
        check_alloc(arena_alloc(arena, (count + 1) * sizeof(*stats->shard_corpora)));
    for (unsigned i = 0; i < count && i < CORPUS_SHARDS_MAX; i++)
        stats->shard_corpora[stats->n_shard_corpora++] =
            corpus_shard_stats(&members->corpus, i, arena);
}

void members_state_write(struct members *members)
{
    if (members->state_file[0] == '\0')
        return;
    struct arena arena = {0};
    struct buffer bytes = {0};
    struct error err;
    Wire__Stats stats = WIRE__STATS__INIT;
    stats.corpus = corpus_stats(&members->corpus, &arena);
    describe_shards(members, &stats, &arena);
    stats.members =
        check_alloc(arena_alloc(&arena, (members->count + 1) * sizeof(Wire__MemberStatus *)));
    for (unsigned i = 0; i < members->count; i++) {
        if (!members->entries[i]->is_gone)
            stats.members[stats.n_members++] = describe(members->entries[i], &arena);
    }
    if (message_pack(&stats.base, &bytes, &err) != STATUS_OK ||
        run_file_write(members->state_file, bytes.data, bytes.size, &err) != STATUS_OK)
        log_warning("%s", err.text);
    buffer_release(&bytes);
    arena_release(&arena);
}

/* Of this machine, and no more: after a power cut all are, and their successors must not wait. */
static bool is_dead(const struct members *members, const Wire__MemberStatus *status)
{
    uint64_t ticks;
    return strcmp(status->machine, members->machine) == 0 && status->pid != 0 &&
           !process_start_ticks((pid_t)status->pid, &ticks);
}

static void restore(struct members *members, const Wire__MemberStatus *status)
{
    uint32_t shard = 0, replica = 0;
    if (status->role == WIRE__ROLE__ROLE_BARREL &&
        (!member_name_place(status->name, &shard, &replica) || shard >= members->options.shards ||
         replica >= REPLICAS_MAX))
        return;
    if (status->barrel != NULL)
        corpus_learn(&members->corpus, shard, status->barrel);
    if (is_dead(members, status))
        return;
    struct member_entry *entry = member_add(members);
    if (entry == NULL)
        return;
    entry->id = status->member;
    snprintf(entry->name, sizeof(entry->name), "%s", status->name);
    entry->role = status->role;
    entry->pid = status->pid;
    member_set(&entry->machine, status->machine);
    member_set(&entry->address, status->address);
    member_set(&entry->version, status->version);
    entry->state = status->state;
    entry->started_us = status->started_us;
    entry->shard = shard;
    entry->replica = replica;
    entry->is_restored = true;
    entry->last_ms = clock_boot_ms();
    if (status->barrel != NULL)
        entry->barrel = message_copy(&status->barrel->base);
}

/* The shards first: a member's numbers are newer, and a rebuilding one's do not count then. An
 * older file has no shards; those of another number of shards hold other documents. */
static void restore_all(struct members *members, const Wire__Stats *stats)
{
    for (size_t i = 0;
         stats->n_shard_corpora == members->options.shards && i < stats->n_shard_corpora; i++)
        corpus_restore_shard(&members->corpus, (unsigned)i, stats->shard_corpora[i]);
    for (size_t i = 0; i < stats->n_members; i++)
        restore(members, stats->members[i]);
    if (stats->corpus != NULL)
        corpus_restore(&members->corpus, stats->corpus);
}

void members_state_read(struct members *members)
{
    struct arena arena = {0};
    struct buffer bytes = {0};
    if (members->state_file[0] != '\0' &&
        file_read(members->state_file, STATE_BYTES_MAX, &bytes, NULL) == STATUS_OK) {
        const Wire__Stats *stats =
            message_unpack(&wire__stats__descriptor, bytes.data, bytes.size, &arena);
        if (stats == NULL)
            log_warning("%s is not readable: every process registers anew", members->state_file);
        else
            restore_all(members, stats);
    }
    buffer_release(&bytes);
    arena_release(&arena);
}

void members_settle(struct members *members)
{
    if (!members->is_dirty)
        return;
    members_state_write(members);
    members->is_dirty = false;
    members->written_ms = clock_boot_ms();
}
