#include "indexserver/neighbours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "indexserver/scope.h"

enum { RESPONSE_GUESS_US = 500 * 1000 };

static struct neighbours *find_or_make(struct frontier *frontier, const char *address)
{
    struct neighbours *at = table_get(&frontier->by_address, address);
    if (at != NULL)
        return at;
    at = check_alloc(calloc(1, sizeof(*at)));
    snprintf(at->address, sizeof(at->address), "%s", address);
    table_put(&frontier->by_address, at->address, at);
    return at;
}

void neighbours_release(struct frontier *frontier)
{
    for (size_t i = 0; i < frontier->by_address.capacity; i++)
        free(frontier->by_address.slots[i].value);
    table_release(&frontier->by_address);
}

/* ---- those that wait ---- */

static void stop_waiting(struct host *host)
{
    struct neighbours *at = host->neighbours;
    struct host *before = host->waits_before, *behind = host->waits_behind;
    if (!host->waits)
        return;
    CHECK(at != NULL); /* it waits for them */
    if (before != NULL)
        before->waits_behind = behind;
    else
        at->waiting = behind;
    if (behind != NULL)
        behind->waits_before = before;
    else
        at->waiting_last = before;
    host->waits = false;
    host->waits_before = host->waits_behind = NULL;
}

static void start_waiting(struct frontier *frontier, struct host *host)
{
    struct neighbours *at = host->neighbours;
    host_sleep(frontier, host, INT64_MAX);
    if (host->waits)
        return; /* it keeps its place */
    host->waits = true;
    host->waits_before = at->waiting_last;
    if (at->waiting_last != NULL)
        at->waiting_last->waits_behind = host;
    else
        at->waiting = host;
    at->waiting_last = host;
}

/* ---- leases ---- */

static void wake_first(struct frontier *frontier, const struct neighbours *at)
{
    if (at->waiting != NULL)
        host_wake(frontier, at->waiting, at->waiting->ready_ms);
}

void neighbours_give_way(struct frontier *frontier, struct host *host)
{
    if (!host->waits)
        return;
    stop_waiting(host);
    wake_first(frontier, host->neighbours);
}

void neighbours_enter(struct frontier *frontier, struct host *host, uint64_t member)
{
    struct neighbours *at = host->neighbours;
    host->lease_member = member;
    if (at == NULL)
        return;
    if (at->leased++ == 0)
        at->member = member;
    neighbours_give_way(frontier, host); /* there may be room for the next one, too */
}

void neighbours_leave(struct frontier *frontier, struct host *host)
{
    struct neighbours *at = host->neighbours;
    host->lease_member = 0;
    if (at == NULL)
        return;
    CHECK(at->leased > 0);
    if (--at->leased == 0)
        at->member = 0;
    wake_first(frontier, at);
}

void neighbours_held_by(struct host *host, uint64_t member)
{
    struct neighbours *at = host->neighbours;
    if (at != NULL && at->member == host->lease_member)
        at->member = member;
    host->lease_member = member;
}

bool neighbours_wait(const struct host *host)
{
    return host->neighbours != NULL && host->neighbours->waiting != NULL;
}

bool neighbours_meet(struct frontier *frontier, struct host *host, const char *address)
{
    if (*address == '\0' || strlen(address) >= INET6_ADDRSTRLEN ||
        (host->neighbours != NULL && strcmp(host->neighbours->address, address) == 0))
        return false;
    uint64_t member = host->lease_member;
    if (host->lease != 0)
        neighbours_leave(frontier, host);
    stop_waiting(host);
    host->neighbours = find_or_make(frontier, address);
    if (host->lease != 0)
        neighbours_enter(frontier, host, member);
    if (host->lease != 0 && host->neighbours->member != member)
        host->lease_grows = false; /* another has this address: the next lease is that one's */
    return true;
}

/* ---- who may be leased ---- */

/*
 * So many hosts keep the address's connections busy: while one is answered, delay / response others
 * wait their delays.
 */
static uint64_t hosts_max(struct views *views, const struct host *host, uint32_t delay_ms)
{
    uint64_t connections = scope_settings(views->scope)->connections_per_address;
    uint64_t response_us = host->record.response_us;
    if (connections == 0)
        connections = NEIGHBOURS_CONNECTIONS_DEFAULT;
    if (response_us == 0)
        response_us = RESPONSE_GUESS_US;
    uint64_t useful = connections * (1 + (uint64_t)delay_ms * 1000 / response_us);
    return useful < NEIGHBOURS_LEASED_MAX ? useful : NEIGHBOURS_LEASED_MAX;
}

enum neighbours_word neighbours_ask(struct views *views, struct host *host, uint64_t member,
                                    uint32_t delay_ms)
{
    const struct neighbours *at = host->neighbours;
    if (at == NULL || at->leased == 0)
        return NEIGHBOURS_LET_IN;
    if (at->member != member)
        return NEIGHBOURS_ELSEWHERE;
    if (at->leased < hosts_max(views, host, delay_ms))
        return NEIGHBOURS_LET_IN;
    start_waiting(views->frontier, host);
    return NEIGHBOURS_FULL;
}
