#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/args.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "cluster/names.h"
#include "orchestrator/members_parts.h"
#include "rpc/frame.h"

enum {
    ADDRESS_BYTES_MAX = 300,
    MACHINE_BYTES_MAX = 255,
    VERSION_BYTES_MAX = 64,
    FOLDER_BYTES_MAX = 4096,
};

/* ---- what is asked ------------------------------------------------------------------------- */

/* The orchestrator itself and the web server do not. */
static bool can_register(Wire__Role role)
{
    return role == WIRE__ROLE__ROLE_INDEXSERVER || role == WIRE__ROLE__ROLE_BARREL ||
           role == WIRE__ROLE__ROLE_GATEWAY || role == WIRE__ROLE__ROLE_GRPC ||
           role == WIRE__ROLE__ROLE_DOWNLOADER;
}

static bool is_name(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("-_.@", name[i]) == NULL)
            return false;
    }
    return size < MEMBER_NAME_BYTES;
}

static enum status check_request(const Wire__RegisterRequest *request, struct error *err)
{
    if (request->protocol != PROTOCOL_VERSION)
        return error_set(err, STATUS_UNSUPPORTED,
                         "this orchestrator is Tierce %s and speaks protocol %d, the process is "
                         "Tierce %.20s and speaks %u: install the same version of both",
                         tierce_version(), PROTOCOL_VERSION, request->version, request->protocol);
    if (!can_register(request->role))
        return error_set(err, STATUS_INVALID, "role %d does not register", request->role);
    if (!is_name(request->name))
        return error_set(err, STATUS_INVALID,
                         "a name has at most %d letters, digits and - _ . @; choose another --name",
                         MEMBER_NAME_BYTES - 1);
    if (strlen(request->machine) > MACHINE_BYTES_MAX ||
        strlen(request->address) > ADDRESS_BYTES_MAX ||
        strlen(request->version) > VERSION_BYTES_MAX ||
        strlen(request->advertise_host) > MACHINE_BYTES_MAX ||
        strlen(request->data_folder) > FOLDER_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "the registration holds a text that is too long");
    bool serves =
        request->role == WIRE__ROLE__ROLE_BARREL || request->role == WIRE__ROLE__ROLE_INDEXSERVER;
    if (serves && request->address[0] == '\0')
        return error_set(err, STATUS_INVALID, "a %s serves at an address, none was given",
                         role_name(request->role));
    return STATUS_OK;
}

static bool is_same_process(const struct member_entry *entry, const Wire__RegisterRequest *request)
{
    return entry->pid == request->pid && entry->role == request->role &&
           strcmp(entry->machine, request->machine) == 0;
}

/* ---- who it is ----------------------------------------------------------------------------- */

/* The entry that it takes over: its own, or a dead one's of its name. */
static enum status find_self(struct members *members, const Wire__RegisterRequest *request,
                             struct member_entry **ret_entry, struct error *err)
{
    *ret_entry = NULL;
    if (request->name[0] == '\0')
        return STATUS_OK;
    struct member_entry *entry = member_find(members, request->name);
    if (entry != NULL && !is_same_process(entry, request) &&
        member_is_alive(members, entry, clock_boot_ms()))
        return error_set(err, STATUS_CONFLICT,
                         "%s runs already (PID %u on %s); stop it, or choose another --name",
                         request->name, entry->pid, entry->machine);
    *ret_entry = entry;
    return STATUS_OK;
}

/* One log: a second one would divide the crawl. */
static enum status refuse_second_indexserver(const struct members *members,
                                             const Wire__RegisterRequest *request,
                                             struct error *err)
{
    for (unsigned i = 0; i < members->count; i++) {
        const struct member_entry *entry = members->entries[i];
        if (entry->role == WIRE__ROLE__ROLE_INDEXSERVER && !is_same_process(entry, request) &&
            member_is_alive(members, entry, clock_boot_ms()))
            return error_set(err, STATUS_CONFLICT,
                             "an indexserver runs already: %s (PID %u on %s); there is one",
                             entry->name, entry->pid, entry->machine);
    }
    return STATUS_OK;
}

/* For a process without a name: "downloader@machine", "downloader@machine-2". */
static void choose_name(const struct members *members, const Wire__RegisterRequest *request,
                        uint32_t shard, uint32_t replica, char ret[MEMBER_NAME_BYTES])
{
    if (request->role == WIRE__ROLE__ROLE_BARREL) {
        snprintf(ret, MEMBER_NAME_BYTES, "barrel-%u-%u", shard, replica);
        return;
    }
    char machine[24];
    snprintf(machine, sizeof(machine), "%s", request->machine);
    for (char *at = machine; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && *at != '-')
            *at = '-';
    }
    snprintf(ret, MEMBER_NAME_BYTES, "%s@%s", role_name(request->role), machine);
    for (unsigned i = 2;; i++) {
        const struct member_entry *entry = member_find(members, ret);
        if (entry == NULL || is_same_process(entry, request) ||
            !member_is_alive(members, entry, clock_boot_ms()))
            return;
        snprintf(ret, MEMBER_NAME_BYTES, "%s@%s-%u", role_name(request->role), machine, i);
    }
}

static enum status find_identity(struct members *members, const Wire__RegisterRequest *request,
                                 struct member_entry **ret_entry, uint32_t *ret_shard,
                                 uint32_t *ret_replica, char ret_name[MEMBER_NAME_BYTES],
                                 struct error *err)
{
    enum status status = check_request(request, err);
    if (status == STATUS_OK && request->role == WIRE__ROLE__ROLE_INDEXSERVER)
        status = refuse_second_indexserver(members, request, err);
    if (status == STATUS_OK)
        status = find_self(members, request, ret_entry, err);
    if (status == STATUS_OK && request->role == WIRE__ROLE__ROLE_BARREL)
        status = members_place_barrel(members, request, *ret_entry, ret_shard, ret_replica, err);
    if (status != STATUS_OK)
        return status;
    if (request->name[0] != '\0')
        snprintf(ret_name, MEMBER_NAME_BYTES, "%s", request->name);
    else
        choose_name(members, request, *ret_shard, *ret_replica, ret_name);
    if (*ret_entry == NULL)
        *ret_entry = member_find(members, ret_name); /* dead, or this very process */
    if (*ret_entry == NULL)
        *ret_entry = member_add(members);
    if (*ret_entry == NULL)
        return error_set(err, STATUS_OVERLOADED, "there are %d processes already", MEMBERS_MAX);
    return STATUS_OK;
}

static void fill_entry(struct members *members, struct member_entry *entry,
                       const Wire__RegisterRequest *request, const char *name, uint32_t shard,
                       uint32_t replica)
{
    bool same = entry->id != 0 && is_same_process(entry, request);
    if (!same) {
        entry->id = members->next_id++;
        entry->started_us = clock_unix_us();
        entry->state = WIRE__MEMBER_STATE__STATE_STARTING;
        entry->latency = (struct latency){0};
    }
    entry->role = request->role;
    if (name != entry->name)
        snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->pid = request->pid;
    member_set(&entry->machine, request->machine);
    member_set(&entry->address, request->address);
    member_set(&entry->version, request->version);
    member_set(&entry->advertise_host, request->advertise_host);
    member_set(&entry->data_folder, request->data_folder);
    member_set(&entry->refusal, "");
    entry->shard = shard;
    entry->replica = replica;
    entry->is_gone = false;
    entry->is_restored = false;
    entry->last_ms = clock_boot_ms();
    members->is_dirty = true;
}

enum status members_register(struct members *members, const Wire__RegisterRequest *request,
                             struct arena *arena, Wire__RegisterReply *ret_reply, struct error *err)
{
    struct member_entry *entry = NULL;
    uint32_t shard = 0, replica = 0;
    char name[MEMBER_NAME_BYTES];
    enum status status = find_identity(members, request, &entry, &shard, &replica, name, err);
    if (status != STATUS_OK)
        return status;
    fill_entry(members, entry, request, name, shard, replica);
    members_settle(members);
    if (strcmp(entry->version, tierce_version()) != 0)
        log_warning("%s is of version %s, the orchestrator of %s", entry->name, entry->version,
                    tierce_version());
    log_info("%s registered: PID %u on %s%s%s", entry->name, entry->pid, entry->machine,
             entry->address[0] == '\0' ? "" : ", serves at ", entry->address);
    ret_reply->member = entry->id;
    ret_reply->name = check_alloc(arena_string(arena, entry->name));
    ret_reply->heartbeat_ms = HEARTBEAT_MS;
    ret_reply->settings = members->options.settings(members->options.context, entry->role, arena);
    ret_reply->routing = members_routing(members, arena);
    if (entry->role == WIRE__ROLE__ROLE_BARREL) {
        ret_reply->shard = shard;
        ret_reply->replica = replica;
        members_slots(members->options.shards, shard, &ret_reply->slot_first,
                      &ret_reply->slot_last);
    }
    return STATUS_OK;
}
