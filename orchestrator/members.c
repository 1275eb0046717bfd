#include "orchestrator/members.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "cluster/names.h"
#include "orchestrator/members_parts.h"
#include "rpc/frame.h"
#include "rpc/message.h"

enum {
    ADDRESS_BYTES_MAX = 300,
    MACHINE_BYTES_MAX = 255,
    VERSION_BYTES_MAX = 64,
    FOLDER_BYTES_MAX = 4096,
    STATE_PAUSE_MS = 5000, /* between two writes of statistics alone */
};

/* ---- entries ------------------------------------------------------------------------------- */

void member_set(char **place, const char *text)
{
    if (*place != NULL && strcmp(*place, text) == 0)
        return;
    free(*place);
    *place = check_alloc(strdup(text));
}

struct member_entry *member_add(struct members *members)
{
    if (members->count == MEMBERS_MAX)
        return NULL;
    struct member_entry *entry = check_alloc(calloc(1, sizeof(*entry)));
    char **strings[] = {&entry->machine,        &entry->address,     &entry->version,
                        &entry->advertise_host, &entry->data_folder, &entry->refusal};
    for (size_t i = 0; i < ARRAY_COUNT(strings); i++)
        member_set(strings[i], "");
    wire__memory__init(&entry->memory);
    members->entries[members->count++] = entry;
    return entry;
}

static void free_message(void *message)
{
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, NULL);
}

static void free_entry(struct member_entry *entry)
{
    free(entry->machine);
    free(entry->address);
    free(entry->version);
    free(entry->advertise_host);
    free(entry->data_folder);
    free(entry->refusal);
    free_message(entry->barrel);
    free_message(entry->indexserver);
    free_message(entry->downloader);
    free(entry);
}

void member_remove(struct members *members, unsigned index)
{
    free_entry(members->entries[index]);
    members->entries[index] = members->entries[--members->count];
    members->is_dirty = true;
}

static bool is_here(const struct members *members, const struct member_entry *entry)
{
    return strcmp(entry->machine, members->machine) == 0;
}

bool member_is_alive(const struct members *members, const struct member_entry *entry,
                     int64_t now_ms)
{
    if (entry->is_gone || now_ms - entry->last_ms >= MEMBER_DEAD_MS)
        return false;
    bool ended = is_here(members, entry) && kill((pid_t)entry->pid, 0) != 0 && errno == ESRCH;
    return !ended;
}

static struct member_entry *find_id(const struct members *members, uint64_t id)
{
    for (unsigned i = 0; i < members->count; i++) {
        if (members->entries[i]->id == id)
            return members->entries[i];
    }
    return NULL;
}

static struct member_entry *find_name(const struct members *members, const char *name)
{
    for (unsigned i = 0; i < members->count; i++) {
        if (strcmp(members->entries[i]->name, name) == 0)
            return members->entries[i];
    }
    return NULL;
}

const struct member_entry *members_find(const struct members *members, const char *name)
{
    return find_name(members, name);
}

unsigned members_count(const struct members *members)
{
    return members->count;
}

const struct member_entry *members_entry(const struct members *members, unsigned index)
{
    CHECK(index < members->count);
    return members->entries[index];
}

/* The state file follows at once: whenever we are killed, the next orchestrator knows the table. */
static void settle(struct members *members)
{
    if (!members->is_dirty)
        return;
    members_state_write(members);
    members->is_dirty = false;
    members->written_ms = clock_boot_ms();
}

/* ---- registration: what is asked ------------------------------------------------------------- */

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

/* ---- registration: who it is --------------------------------------------------------------- */

/* The entry that it takes over: its own, or a dead one's of its name. */
static enum status find_self(struct members *members, const Wire__RegisterRequest *request,
                             struct member_entry **ret_entry, struct error *err)
{
    *ret_entry = NULL;
    if (request->name[0] == '\0')
        return STATUS_OK;
    struct member_entry *entry = find_name(members, request->name);
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
        const struct member_entry *entry = find_name(members, ret);
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
        *ret_entry = find_name(members, ret_name); /* dead, or this very process */
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
    settle(members);
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

/* ---- heartbeats ---------------------------------------------------------------------------- */

static void take_copy(void *place, const ProtobufCMessage *message)
{
    ProtobufCMessage **held = place;
    if (message == NULL)
        return;
    void *copy = message_copy(message);
    if (copy == NULL)
        return; /* the older report stays */
    free_message(*held);
    *held = copy;
}

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
    take_copy(&entry->barrel, request->barrel == NULL ? NULL : &request->barrel->base);
    take_copy(&entry->indexserver,
              request->indexserver == NULL ? NULL : &request->indexserver->base);
    take_copy(&entry->downloader, request->downloader == NULL ? NULL : &request->downloader->base);
    if (entry->state == WIRE__MEMBER_STATE__STATE_READY && members->options.ready != NULL)
        members->options.ready(members->options.context, entry->name);
}

void members_heartbeat(struct members *members, const Wire__HeartbeatRequest *request,
                       struct arena *arena, Wire__HeartbeatReply *ret_reply)
{
    struct member_entry *entry = find_id(members, request->member);
    if (entry == NULL || entry->is_restored) {
        ret_reply->unknown = true;
        return;
    }
    if (entry->state != request->state || entry->is_gone)
        members->is_dirty = true;
    take_report(members, entry, request);
    settle(members);
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
        if (entry->pid != pid || strcmp(entry->name, name) != 0 || !is_here(members, entry))
            continue;
        if (entry->role == WIRE__ROLE__ROLE_BARREL || entry->role == WIRE__ROLE__ROLE_INDEXSERVER) {
            entry->is_gone = true;
            members->is_dirty = true;
        } else {
            member_remove(members, i);
        }
        settle(members);
        return;
    }
}

void members_add_latency(struct members *members, uint64_t id, uint64_t calls, uint64_t total_us)
{
    struct member_entry *entry = find_id(members, id);
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

/* Of the replicas that are ready, the one that has read furthest. */
static void learn_corpus(struct members *members)
{
    const Wire__BarrelStatus *best[CORPUS_SHARDS_MAX] = {NULL};
    for (unsigned i = 0; i < members->count; i++) {
        const struct member_entry *entry = members->entries[i];
        if (entry->role != WIRE__ROLE__ROLE_BARREL || entry->is_gone || entry->barrel == NULL ||
            entry->state != WIRE__MEMBER_STATE__STATE_READY || entry->shard >= CORPUS_SHARDS_MAX)
            continue;
        const Wire__BarrelStatus **place = &best[entry->shard];
        if (*place == NULL || entry->barrel->position > (*place)->position)
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
    settle(members);
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
        free_entry(members->entries[i]);
    free(members->state_file);
    free(members->hostname);
    free(members);
}
