#include "indexserver/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

void table_release(struct table *table)
{
    free(table->slots);
    *table = (struct table){0};
}

void table_clear(struct table *table)
{
    if (table->count > 0)
        memset(table->slots, 0, table->capacity * sizeof(*table->slots));
    table->count = 0;
}

/* Where the key is, or the empty slot where it would go. */
static size_t find(const struct table *table, const char *key, uint64_t hash)
{
    size_t i = hash & (table->capacity - 1);
    while (table->slots[i].key != NULL &&
           (table->slots[i].hash != hash || strcmp(table->slots[i].key, key) != 0))
        i = (i + 1) & (table->capacity - 1);
    return i;
}

static void grow(struct table *table)
{
    struct table larger = {.capacity = table->capacity == 0 ? 16 : table->capacity * 2,
                           .count = table->count};
    larger.slots = check_alloc(calloc(larger.capacity, sizeof(*larger.slots)));
    for (size_t i = 0; i < table->capacity; i++) {
        const struct table_slot *slot = &table->slots[i];
        if (slot->key != NULL)
            larger.slots[find(&larger, slot->key, slot->hash)] = *slot;
    }
    free(table->slots);
    *table = larger;
}

void *table_get(const struct table *table, const char *key)
{
    if (table->count == 0)
        return NULL;
    return table->slots[find(table, key, hash64(key, strlen(key)))].value;
}

void table_put(struct table *table, const char *key, void *value)
{
    if ((table->count + 1) * 4 > table->capacity * 3)
        grow(table);
    uint64_t hash = hash64(key, strlen(key));
    struct table_slot *slot = &table->slots[find(table, key, hash)];
    if (slot->key == NULL)
        table->count++;
    *slot = (struct table_slot){key, value, hash};
}

void table_remove(struct table *table, const char *key)
{
    if (table->count == 0)
        return;
    size_t hole = find(table, key, hash64(key, strlen(key)));
    if (table->slots[hole].key == NULL)
        return;
    table->count--;
    /* Those behind the hole that would no longer be found move into it. */
    for (size_t i = (hole + 1) & (table->capacity - 1); table->slots[i].key != NULL;
         i = (i + 1) & (table->capacity - 1)) {
        size_t home = table->slots[i].hash & (table->capacity - 1);
        if (((i - home) & (table->capacity - 1)) >= ((i - hole) & (table->capacity - 1))) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole] = (struct table_slot){0};
}
