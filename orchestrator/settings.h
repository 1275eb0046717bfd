/* What each process needs of config.yaml, and no more. */
#ifndef TIERCE_ORCHESTRATOR_SETTINGS_H
#define TIERCE_ORCHESTRATOR_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "orchestrator/config.h"
#include "orchestrator/memory.h"
#include "orchestrator/token.h"
#include "wire.pb-c.h"

/* All of it together. Strings are borrowed. */
struct settings_source {
    const struct config *config;
    uint64_t version;
    uint64_t memory_total;
    struct memory_shares shares;
    uint64_t disk_limit; /* bytes; 0: none */
    uint8_t token_hash[TOKEN_HASH_BYTES];
    const char *limits_file;
    /* This installation's own handbook, as a source; url NULL: none. */
    const char *handbook_connect_to; /* NULL: no handbook is served */
    const char *handbook_ca_file;
};

/* "https://localhost:8443", without the port where it is 443. */
const char *settings_base_url(const struct config *config, struct arena *arena);

/* For one role, in the arena; it points into `source` too. */
Wire__Settings *settings_for(const struct settings_source *source, Wire__Role role,
                             struct arena *arena);

/* A number that is the same for the same settings, whatever their version. */
uint64_t settings_fingerprint(const struct settings_source *source);

#endif
