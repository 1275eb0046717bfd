#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "orchestrator/members_parts.h"
#include "rpc/message.h"

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

void member_set_report(void *place, const ProtobufCMessage *message)
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

void member_free(struct member_entry *entry)
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
    member_free(members->entries[index]);
    members->entries[index] = members->entries[--members->count];
    members->is_dirty = true;
}

bool member_is_here(const struct members *members, const struct member_entry *entry)
{
    return strcmp(entry->machine, members->machine) == 0;
}

bool member_is_alive(const struct members *members, const struct member_entry *entry,
                     int64_t now_ms)
{
    if (entry->is_gone || now_ms - entry->last_ms >= MEMBER_DEAD_MS)
        return false;
    bool ended =
        member_is_here(members, entry) && kill((pid_t)entry->pid, 0) != 0 && errno == ESRCH;
    return !ended;
}

struct member_entry *member_find_id(const struct members *members, uint64_t id)
{
    for (unsigned i = 0; i < members->count; i++) {
        if (members->entries[i]->id == id)
            return members->entries[i];
    }
    return NULL;
}

struct member_entry *member_find(const struct members *members, const char *name)
{
    for (unsigned i = 0; i < members->count; i++) {
        if (strcmp(members->entries[i]->name, name) == 0)
            return members->entries[i];
    }
    return NULL;
}

const struct member_entry *members_find(const struct members *members, const char *name)
{
    return member_find(members, name);
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
