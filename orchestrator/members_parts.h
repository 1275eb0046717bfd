/* Shared by the members' own files, and by nobody else. */
#ifndef TIERCE_ORCHESTRATOR_MEMBERS_PARTS_H
#define TIERCE_ORCHESTRATOR_MEMBERS_PARTS_H

#include "orchestrator/corpus.h"
#include "orchestrator/members.h"

struct members {
    struct members_options options;
    char *state_file;
    char *hostname;
    char machine[256];
    struct member_entry *entries[MEMBERS_MAX];
    unsigned count;
    uint64_t next_id;
    struct corpus corpus;
    uint64_t routing_version;
    uint64_t routing_hash;
    bool is_dirty; /* the state file is behind */
    int64_t written_ms;
};

/* ---- members_entry.c: the table's entries ---- */

/* On this machine. */
bool member_is_here(const struct members *members, const struct member_entry *entry);
/* Alive: it gave a sign of life not long ago, and its process exists as far as we can see. */
bool member_is_alive(const struct members *members, const struct member_entry *entry,
                     int64_t now_ms);

/* Both NULL where there is none. */
struct member_entry *member_find(const struct members *members, const char *name);
struct member_entry *member_find_id(const struct members *members, uint64_t id);

/* A new entry with empty strings; NULL when there are MEMBERS_MAX. */
struct member_entry *member_add(struct members *members);
void member_remove(struct members *members, unsigned index);
void member_free(struct member_entry *entry);

/* Replaces a string of an entry. */
void member_set(char **place, const char *text);
/* Replaces a part of an entry's report, `place` a pointer to it, by a copy; NULL leaves it. */
void member_set_report(void *place, const ProtobufCMessage *message);

/* ---- members_place.c: which shard and replica a barrel becomes ---- */

/* Finds the place for a barrel that registers: fills shard and replica. `self` is its own earlier
 * entry, or NULL. */
enum status members_place_barrel(const struct members *members,
                                 const Wire__RegisterRequest *request,
                                 const struct member_entry *self, uint32_t *ret_shard,
                                 uint32_t *ret_replica, struct error *err);

/* Reads "barrel-1-0"; a replacement's "barrel-1-0b" too. */
bool member_name_place(const char *name, uint32_t *ret_shard, uint32_t *ret_replica);

/* ---- members_state.c: what the next orchestrator must know ---- */

/* What changed is written down at once: whenever we are killed, the next orchestrator knows the
 * table. */
void members_settle(struct members *members);

void members_state_read(struct members *members);
void members_state_write(struct members *members);

#endif
