#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/check.h"
#include "base/clock.h"
#include "cluster/member.h"
#include "orchestrator/orchestrator_parts.h"

static Wire__MemberStatus *new_status(struct arena *arena)
{
    Wire__MemberStatus *status = check_alloc(arena_alloc(arena, sizeof(*status)));
    wire__member_status__init(status);
    return status;
}

static Wire__Memory *new_memory(struct arena *arena)
{
    Wire__Memory *memory = check_alloc(arena_alloc(arena, sizeof(*memory)));
    wire__memory__init(memory);
    return memory;
}

static bool find_child(struct orchestrator *orchestrator, const char *name,
                       struct child_view *ret_view)
{
    for (unsigned i = 0; i < children_count(orchestrator->children); i++) {
        children_view(orchestrator->children, i, ret_view);
        if (strcmp(ret_view->name, name) == 0)
            return true;
    }
    return false;
}

static const char *own_trouble(const struct member_entry *entry, int64_t now_ms,
                               struct arena *arena)
{
    if (entry->is_gone)
        return check_alloc(arena_format(arena, "no sign of life for %lld s",
                                        (long long)(now_ms - entry->last_ms) / 1000));
    if (entry->refusal[0] != '\0')
        return check_alloc(
            arena_format(arena, "the newest settings are refused: %s", entry->refusal));
    return "";
}

static void fill_memory(const struct member_entry *entry, const struct child_view *child,
                        Wire__Memory *memory)
{
    if (child->pid != 0 && entry->role == WIRE__ROLE__ROLE_DOWNLOADER) {
        memory_add_tree((pid_t)child->pid, memory); /* its parsers too */
        return;
    }
    memory->anonymous = entry->memory.anonymous;
    memory->shared = entry->memory.shared;
    memory->mapped = entry->memory.mapped;
}

static Wire__MemberStatus *member_status(struct orchestrator *orchestrator,
                                         const struct member_entry *entry, struct arena *arena)
{
    struct child_view child = {.trouble = ""};
    int64_t now_ms = clock_boot_ms();
    bool is_child = find_child(orchestrator, entry->name, &child);
    if (!is_child)
        child = (struct child_view){.trouble = ""};
    Wire__MemberStatus *status = new_status(arena);
    status->member = entry->id;
    status->name = check_alloc(arena_string(arena, entry->name));
    status->role = entry->role;
    status->pid = entry->pid;
    status->machine = entry->machine;
    status->address = entry->address;
    status->version = entry->version;
    status->state = entry->is_gone ? WIRE__MEMBER_STATE__STATE_STARTING : entry->state;
    status->restarts = child.restarts;
    status->memory = new_memory(arena);
    fill_memory(entry, &child, status->memory);
    status->barrel = entry->barrel;
    status->downloader = entry->downloader;
    status->calls = entry->latency.calls;
    status->mean_response_us = latency_mean_us(&entry->latency, now_ms);
    const char *trouble = own_trouble(entry, now_ms, arena);
    status->trouble =
        check_alloc(arena_string(arena, child.trouble[0] != '\0' ? child.trouble : trouble));
    status->started_us = entry->started_us;
    return status;
}

/* A child that does not register (the proxy), or has not yet. */
static Wire__MemberStatus *child_status(const struct child_view *child, struct arena *arena)
{
    Wire__MemberStatus *status = new_status(arena);
    bool runs = child->pid != 0;
    bool is_proxy = child->role == WIRE__ROLE__ROLE_PROXY;
    status->name = check_alloc(arena_string(arena, child->name));
    status->role = child->role;
    status->pid = child->pid;
    status->state =
        runs && is_proxy ? WIRE__MEMBER_STATE__STATE_READY : WIRE__MEMBER_STATE__STATE_STARTING;
    status->restarts = child->restarts;
    status->memory = new_memory(arena);
    if (runs)
        memory_add_tree((pid_t)child->pid, status->memory);
    status->trouble = check_alloc(arena_string(arena, child->trouble));
    status->started_us = child->started_us;
    return status;
}

static Wire__MemberStatus *orchestrator_status(const struct orchestrator *orchestrator,
                                               struct arena *arena)
{
    char machine[256] = "";
    Wire__MemberStatus *status = new_status(arena);
    gethostname(machine, sizeof(machine) - 1);
    status->name = (char *)"orchestrator";
    status->role = WIRE__ROLE__ROLE_ORCHESTRATOR;
    status->pid = (uint32_t)getpid();
    status->machine = check_alloc(arena_string(arena, machine));
    status->address = (char *)rpc_server_address(orchestrator->server);
    status->version = (char *)tierce_version();
    status->state = orchestrator->is_stopping ? WIRE__MEMBER_STATE__STATE_DRAINING
                                              : WIRE__MEMBER_STATE__STATE_READY;
    status->memory = new_memory(arena);
    member_memory(status->memory);
    status->started_us = orchestrator->started_us;
    return status;
}

static bool is_shown(const struct member_entry *entry, int64_t now_ms)
{
    return !entry->is_gone || now_ms - entry->last_ms < MEMBER_FORGOTTEN_MS;
}

static void add_member(Wire__Stats *stats, Wire__MemberStatus *status)
{
    stats->members[stats->n_members++] = status;
    stats->memory->anonymous += status->memory->anonymous;
    stats->memory->shared += status->memory->shared;
    stats->memory->mapped += status->memory->mapped;
}

static void fill_members(struct orchestrator *orchestrator, struct arena *arena, Wire__Stats *stats)
{
    const struct members *members = orchestrator->members;
    int64_t now_ms = clock_boot_ms();
    unsigned room = members_count(members) + children_count(orchestrator->children) + 1;
    stats->members = check_alloc(arena_alloc(arena, room * sizeof(*stats->members)));
    stats->memory = new_memory(arena);
    add_member(stats, orchestrator_status(orchestrator, arena));
    for (unsigned i = 0; i < members_count(members); i++) {
        const struct member_entry *entry = members_entry(members, i);
        if (!is_shown(entry, now_ms))
            continue;
        add_member(stats, member_status(orchestrator, entry, arena));
        if (entry->role == WIRE__ROLE__ROLE_INDEXSERVER && entry->indexserver != NULL)
            stats->indexserver = entry->indexserver;
    }
    for (unsigned i = 0; i < children_count(orchestrator->children); i++) {
        struct child_view child;
        children_view(orchestrator->children, i, &child);
        const struct member_entry *entry = members_find(members, child.name);
        if (entry == NULL || !is_shown(entry, now_ms))
            add_member(stats, child_status(&child, arena));
    }
}

Wire__Stats *orchestrator_stats(struct orchestrator *orchestrator, struct arena *arena)
{
    Wire__Stats *stats = check_alloc(arena_alloc(arena, sizeof(*stats)));
    wire__stats__init(stats);
    struct counters_totals totals = counters_totals(orchestrator->counters);
    stats->time_us = clock_unix_us();
    stats->top_queries =
        counters_top(orchestrator->counters, COUNTERS_TOP, arena, &stats->n_top_queries);
    stats->searches = totals.searches;
    stats->requests = totals.requests;
    stats->cache_hits = totals.cache_hits;
    stats->partial = totals.partial;
    stats->limited = totals.limited;
    fill_members(orchestrator, arena, stats);
    stats->memory_limit = orchestrator->settings.memory_total;
    stats->config_version = orchestrator->settings.version;
    stats->config_error =
        check_alloc(arena_string(arena, buffer_string(&orchestrator->config_error)));
    stats->routing = members_routing(orchestrator->members, arena);
    stats->corpus = stats->routing->corpus;
    stats->version = (char *)tierce_version();
    stats->base_url = (char *)settings_base_url(orchestrator->config, arena);
    return stats;
}
