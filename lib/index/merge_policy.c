#include "index/merge_policy.h"

#include "index/manifest.h"

#define LEVEL_SEGMENTS     8 /* so many of one size are merged; each size is so many times larger */
#define LEVELS             12
#define LEVEL_BYTES_MEMORY (256u << 10)
#define LEVEL_BYTES_STORED (1u << 20)

static uint64_t live_bytes(const struct snapshot_entry *entry)
{
    uint32_t documents = entry->segment->document_count;
    return documents == 0 ? 0 : entry->segment->bytes * entry_live(entry) / documents;
}

static unsigned level_of(uint64_t bytes, uint64_t smallest)
{
    unsigned level = 0;
    for (; bytes >= smallest && level + 1 < LEVELS; bytes /= LEVEL_SEGMENTS)
        level++;
    return level;
}

/* What a merge's output will consist of, at most. */
struct extent {
    uint64_t bytes;
    uint64_t documents;
    uint32_t text_dictionaries;
};

/* Adds an entry where the output stays within its limits. */
static uint32_t choose(const struct snapshot_entry *entry, uint32_t number, uint64_t bytes_max,
                       struct extent *extent, uint32_t *chosen, uint32_t count)
{
    struct extent more = {
        .bytes = extent->bytes + live_bytes(entry),
        .documents = extent->documents + entry_live(entry),
        .text_dictionaries =
            extent->text_dictionaries + entry->segment->parts[PART_TEXT_DICTIONARIES].chunk_count,
    };
    if (count == MERGE_INPUTS_MAX || more.bytes > bytes_max ||
        more.documents > SEGMENT_DOCUMENTS_MAX || more.text_dictionaries > TEXT_DICTIONARIES_MAX)
        return count;
    *extent = more;
    chosen[count] = number;
    return count + 1;
}

static uint32_t choose_level(const struct snapshot_entry *entries, uint32_t count, bool stored,
                             unsigned level, uint64_t bytes_max, uint32_t *chosen)
{
    struct extent extent = {0};
    uint32_t chosen_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((entries[i].segment->id != 0) != stored)
            continue;
        unsigned own =
            level_of(live_bytes(&entries[i]), stored ? LEVEL_BYTES_STORED : LEVEL_BYTES_MEMORY);
        if (own <= level)
            chosen_count = choose(&entries[i], i, bytes_max, &extent, chosen, chosen_count);
    }
    return chosen_count;
}

uint32_t merge_choose(const struct snapshot_entry *entries, uint32_t count, bool stored,
                      uint64_t bytes_max, uint32_t ret_chosen[MERGE_INPUTS_MAX])
{
    for (unsigned level = 0; level < LEVELS; level++) {
        uint32_t chosen = choose_level(entries, count, stored, level, bytes_max, ret_chosen);
        if (chosen >= LEVEL_SEGMENTS)
            return chosen;
    }
    for (uint32_t i = 0; stored && i < count; i++) { /* one that is mostly deleted */
        const struct segment *segment = entries[i].segment;
        if (segment->id != 0 && entry_live(&entries[i]) < segment->document_count / 2) {
            ret_chosen[0] = i;
            return 1;
        }
    }
    return 0;
}

uint32_t merge_choose_memory(const struct snapshot_entry *entries, uint32_t count,
                             uint64_t bytes_max, uint32_t ret_chosen[MERGE_INPUTS_MAX])
{
    struct extent extent = {0};
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].segment->id == 0)
            chosen = choose(&entries[i], i, chosen == 0 ? UINT64_MAX : bytes_max, &extent,
                            ret_chosen, chosen);
    }
    return chosen;
}

uint32_t merge_choose_smallest(const struct snapshot_entry *entries, uint32_t count,
                               uint32_t segments, uint32_t ret_chosen[MERGE_INPUTS_MAX])
{
    uint32_t stored = 0;
    struct extent extent = {0};
    uint32_t chosen = 0;
    bool taken[MANIFEST_SEGMENTS_MAX] = {false};
    for (uint32_t i = 0; i < count; i++)
        stored += entries[i].segment->id != 0;
    if (stored <= segments || count > MANIFEST_SEGMENTS_MAX)
        return 0;
    for (uint32_t wanted = stored - segments + 1; wanted > 0; wanted--) {
        uint32_t smallest = count;
        for (uint32_t i = 0; i < count; i++) {
            if (entries[i].segment->id != 0 && !taken[i] &&
                (smallest == count || live_bytes(&entries[i]) < live_bytes(&entries[smallest])))
                smallest = i;
        }
        taken[smallest] = true;
        chosen = choose(&entries[smallest], smallest, UINT64_MAX, &extent, ret_chosen, chosen);
    }
    return chosen > 1 ? chosen : 0;
}
