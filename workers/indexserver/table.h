/* A map from strings to pointers, for what is kept in memory by name. */
#ifndef TIERCE_INDEXSERVER_TABLE_H
#define TIERCE_INDEXSERVER_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_slot {
    const char *key; /* NULL: empty */
    void *value;
    uint64_t hash;
};

/* A zeroed struct is an empty table. */
struct table {
    struct table_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void table_release(struct table *table);                     /* keys and values are the caller's */
void *table_get(const struct table *table, const char *key); /* NULL: none */
/* Adds or replaces. The key is borrowed for as long as the entry is there. Aborts without memory.
 */
void table_put(struct table *table, const char *key, void *value);
void table_remove(struct table *table, const char *key);
void table_clear(struct table *table);

#endif
