/* How much memory this installation may use, and how it is divided among its processes. */
#ifndef TIERCE_ORCHESTRATOR_MEMORY_H
#define TIERCE_ORCHESTRATOR_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

#include "wire.pb-c.h"

/* What the machine has, or the control group (version 1 or 2) that we are in, whichever is less. */
uint64_t memory_available(void);

/* How many processes of each kind share it. */
struct memory_shares {
    unsigned barrels;
    unsigned gateways;
    unsigned downloaders;
};

/* One process's part of `total` bytes. */
uint64_t memory_share(uint64_t total, const struct memory_shares *shares, Wire__Role role);

/* Adds what a process and those that it started use, from /proc. Gone ones add nothing. */
void memory_add_tree(pid_t pid, Wire__Memory *memory);

#endif
