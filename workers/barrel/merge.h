/* Puts segments together, a step at a time, while the index is used. */
#ifndef TIERCE_BARREL_MERGE_H
#define TIERCE_BARREL_MERGE_H

#include "barrel/barrel.h"

/* One merge, if one is due and there is room for it. Logs what went wrong. */
void merge_step(struct barrel *barrel);

#endif
