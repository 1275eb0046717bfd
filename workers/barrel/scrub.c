#include "barrel/scrub.h"

#include "base/clock.h"
#include "base/log.h"

enum {
    STEP_BYTES = 4 << 20,
    REST_MS = 3600 * 1000, /* from the end of one look to the next */
};

void scrub_release(struct scrub *scrub)
{
    index_scrub_release(&scrub->place);
}

/* Everything is read twice: see struct index_scrub. */
static unsigned percent_of(struct index *index, uint64_t bytes)
{
    struct index_size size;
    index_measure(index, &size);
    uint64_t all = 2 * size.bytes_stored + 1;
    return bytes >= all ? 99 : (unsigned)(bytes * 100 / all);
}

static void look(struct scrub *scrub, struct barrel *barrel)
{
    struct error err;
    if (barrel->index != scrub->index) {
        index_scrub_release(&scrub->place);
        scrub->index = barrel->index;
    }
    enum status status = index_scrub(barrel->index, &scrub->place, STEP_BYTES, &err);
    if (status == STATUS_CORRUPT) {
        log_error("a look through the index found a wrong byte: %s", err.text);
        barrel_note_damage(barrel);
    }
    if (status != STATUS_OK) { /* what cannot be read now may be another time */
        scrub->rests_until_ms = clock_boot_ms() + REST_MS;
        index_scrub_release(&scrub->place);
    }
    if (status == STATUS_END)
        atomic_store(&barrel->checked_us, clock_unix_us());
    atomic_store(&barrel->checked_percent,
                 status == STATUS_OK ? percent_of(barrel->index, scrub->place.bytes) : 0);
}

void scrub_step(struct scrub *scrub, struct barrel *barrel)
{
    if (clock_boot_ms() < scrub->rests_until_ms)
        return;
    pthread_rwlock_rdlock(&barrel->lock);
    if (!barrel_is_damaged(barrel))
        look(scrub, barrel);
    pthread_rwlock_unlock(&barrel->lock);
}
