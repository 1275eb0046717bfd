#include "orchestrator/members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/members_parts.h"

enum { STATE_PAUSE_MS = 5000 }; /* between two writes of statistics alone */

/* ---- heartbeats ---------------------------------------------------------------------------- */

static void take_report(struct members *members, struct member_entry *entry,
                        const Wire__HeartbeatRequest *request)
{
    entry->last_ms = clock_boot_ms();
    entry->is_gone = false;
    entry->state = request->state;
    entry->settings_version = request->settings_version;
    member_set(&entry->refusal, request->settings_refusal);
    if (request->memory != NULL) {
        entry->memory.anonymous = request->memory->anonymous;
        entry->memory.shared = request->memory->shared;
        entry->memory.mapped = request->memory->mapped;
    }
    member_set_report(&entry->barrel, request->barrel == NULL ? NULL : &request->barrel->base);
    member_set_report(&entry->indexserver,
                      request->indexserver == NULL ? NULL : &request->indexserver->base);
    member_set_report(&entry->downloader,
                      request->downloader == NULL ? NULL : &request->downloader->base);
    if (entry->state == WIRE__MEMBER_STATE__STATE_READY && members->options.ready != NULL)
        members->options.ready(members->options.context, entry->name);
}

void members_heartbeat(struct members *members, const Wire__HeartbeatRequest *request,
                       struct arena *arena, Wire__HeartbeatReply *ret_reply)
{
    struct member_entry *entry = member_find_id(members, request->member);
    if (entry == NULL || entry->is_restored) {
        ret_reply->unknown = true;
        return;
    }
    if (entry->state != request->state || entry->is_gone)
        members->is_dirty = true;
    take_report(members, entry, request);
    members_settle(members);
    uint64_t newest = members->options.settings_version(members->options.context);
    if (request->settings_version != newest)
        ret_reply->settings =
            members->options.settings(members->options.context, entry->role, arena);
    ret_reply->routing = members_routing(members, arena);
}

void members_ended(struct members *members, const char *name, uint32_t pid)
{
    for (unsigned i = 0; i < members->count; i++) {
        struct member_entry *entry = members->entries[i];
        if (entry->pid != pid || strcmp(entry->name, name) != 0 || !member_is_here(members, entry))
            continue;
        if (entry->role == WIRE__ROLE__ROLE_BARREL || entry->role == WIRE__ROLE__ROLE_INDEXSERVER) {
            entry->is_gone = true;
            members->is_dirty = true;
        } else {
            member_remove(members, i);
        }
        members_settle(members);
        return;
    }
}

void members_add_latency(struct members *members, uint64_t id, uint64_t calls, uint64_t total_us)
{
    struct member_entry *entry = member_find_id(members, id);
    if (entry != NULL && entry->role == WIRE__ROLE__ROLE_BARREL)
        latency_add(&entry->latency, clock_boot_ms(), calls, total_us);
}

/* ---- time ---------------------------------------------------------------------------------- */

static int64_t keep_ms(const struct member_entry *entry)
{
    return entry->role == WIRE__ROLE__ROLE_BARREL ? BARREL_PLACE_MS : MEMBER_FORGOTTEN_MS;
}

static void mark_silent(struct members *members, int64_t now_ms)
{
    for (unsigned i = 0; i < members->count; i++) {
        struct member_entry *entry = members->entries[i];
        if (entry->is_gone || member_is_alive(members, entry, now_ms))
            continue;
        bool said_goodbye = entry->state == WIRE__MEMBER_STATE__STATE_DRAINING;
        if (!said_goodbye)
            log_warning("%s (PID %u on %s) is gone: no heartbeat", entry->name, entry->pid,
                        entry->machine);
        entry->is_gone = true;
        members->is_dirty = true;
    }
    for (unsigned i = members->count; i-- > 0;) {
        if (members->entries[i]->is_gone &&
            now_ms - members->entries[i]->last_ms >= keep_ms(members->entries[i]))
            member_remove(members, i);
    }
}

/* Whether its numbers are more of the shard's than another replica's are. */
static bool tells_more(const Wire__BarrelStatus *status, const Wire__BarrelStatus *other)
{
    if (status->rebuilding != other->rebuilding)
        return other->rebuilding;
    return status->position > other->position;
}

/* Of the replicas that are ready, a whole one if there is one, and the one that has read furthest.
 */
static void learn_corpus(struct members *members)
{
    const Wire__BarrelStatus *best[CORPUS_SHARDS_MAX] = {NULL};
    for (unsigned i = 0; i < members->count; i++) {
        const struct member_entry *entry = members->entries[i];
        if (entry->role != WIRE__ROLE__ROLE_BARREL || entry->is_gone || entry->barrel == NULL ||
            entry->state != WIRE__MEMBER_STATE__STATE_READY || entry->shard >= CORPUS_SHARDS_MAX)
            continue;
        const Wire__BarrelStatus **place = &best[entry->shard];
        if (*place == NULL || tells_more(entry->barrel, *place))
            *place = entry->barrel;
    }
    for (unsigned shard = 0; shard < CORPUS_SHARDS_MAX; shard++) {
        if (best[shard] != NULL)
            corpus_learn(&members->corpus, shard, best[shard]);
    }
}

int64_t members_tick(struct members *members, int64_t now_ms)
{
    mark_silent(members, now_ms);
    learn_corpus(members);
    bool new_epoch = corpus_publish(&members->corpus, now_ms, CORPUS_MIN_MS);
    if (new_epoch && now_ms - members->written_ms >= STATE_PAUSE_MS)
        members->is_dirty = true;
    members_settle(members);
    return now_ms + HEARTBEAT_MS;
}

/* ---- open and close ------------------------------------------------------------------------ */

struct members *members_open(const struct members_options *options)
{
    struct members *members = check_alloc(calloc(1, sizeof(*members)));
    members->options = *options;
    members->state_file =
        check_alloc(strdup(options->state_file == NULL ? "" : options->state_file));
    members->hostname = check_alloc(strdup(options->hostname == NULL ? "" : options->hostname));
    if (gethostname(members->machine, sizeof(members->machine) - 1) != 0)
        snprintf(members->machine, sizeof(members->machine), "unknown");
    /* Numbers that no earlier orchestrator gave out. */
    members->next_id = (uint64_t)clock_unix_us();
    members->routing_version = members->next_id;
    members_state_read(members);
    corpus_publish(&members->corpus, clock_boot_ms(), 0);
    return members;
}

void members_set(struct members *members, const char *hostname, unsigned reserved_replicas)
{
    member_set(&members->hostname, hostname);
    members->options.reserved_replicas = reserved_replicas;
}

void members_close(struct members *members)
{
    if (members == NULL)
        return;
    members_state_write(members);
    for (unsigned i = 0; i < members->count; i++)
        member_free(members->entries[i]);
    free(members->state_file);
    free(members->hostname);
    free(members);
}
