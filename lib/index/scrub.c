/* Looking through what is stored for wrong bytes before anyone needs them. */
#include "index/state.h"

void index_scrub_release(struct index_scrub *scrub)
{
    buffer_release(&scrub->cursor);
    *scrub = (struct index_scrub){0};
}

/* The stored segment with the lowest id not below `id`; NULL: there is none. Borrowed. */
static const struct segment *next_segment(const struct snapshot *snapshot, uint64_t id)
{
    const struct segment *next = NULL;
    for (uint32_t i = 0; i < snapshot->count; i++) {
        const struct segment *segment = snapshot->entries[i].segment;
        if (segment->id != 0 && segment->id >= id && (next == NULL || segment->id < next->id))
            next = segment;
    }
    return next;
}

/* Segments that a merge took away meanwhile are passed over. */
static enum status scrub_segments(struct index *index, struct index_scrub *scrub,
                                  uint64_t bytes_max, struct error *err)
{
    struct snapshot *snapshot = index_hold_snapshot(index);
    enum status status = STATUS_OK;
    uint64_t bytes = 0;
    while (status == STATUS_OK && bytes < bytes_max) {
        const struct segment *segment = next_segment(snapshot, scrub->segment);
        if (segment == NULL) {
            scrub->are_segments_done = true;
            break;
        }
        if (segment->id != scrub->segment)
            scrub->chunk = 0;
        scrub->segment = segment->id;
        if (scrub->chunk == segment->chunk_count) {
            scrub->segment++;
            continue;
        }
        const struct storage_pin *pin = &segment->pins[scrub->chunk++];
        bytes += pin->size;
        if (!chunk_is_whole(pin->bytes, pin->size))
            status = segment_corrupt(segment, err);
    }
    scrub->bytes += bytes;
    snapshot_release(snapshot);
    return status;
}

enum status index_scrub(struct index *index, struct index_scrub *scrub, uint64_t bytes_max,
                        struct error *err)
{
    if (!scrub->are_segments_done)
        return scrub_segments(index, scrub, bytes_max, err);
    uint64_t bytes = 0;
    enum status status =
        index->storage.ops->check(index->storage.self, &scrub->cursor, bytes_max, &bytes, err);
    scrub->bytes += bytes;
    if (status == STATUS_CORRUPT)
        atomic_store(&index->corrupt, true);
    if (status == STATUS_END)
        index_scrub_release(scrub);
    return status;
}
