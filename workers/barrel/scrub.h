/* Looks through the whole index for wrong bytes, a little at a time, again and again. */
#ifndef TIERCE_BARREL_SCRUB_H
#define TIERCE_BARREL_SCRUB_H

#include "barrel/barrel.h"

/* One thread's. A zeroed struct begins. */
struct scrub {
    struct index_scrub place;
    const struct index *index; /* that `place` is of: it may be replaced between two steps */
    int64_t rests_until_ms;
};

/* To be called once a second: reads at most some megabytes. What is wrong is noted as damage. */
void scrub_step(struct scrub *scrub, struct barrel *barrel);
void scrub_release(struct scrub *scrub);

#endif
