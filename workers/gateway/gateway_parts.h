/* The inside of struct gateway, for gateway.c and the modules that are parts of it. */
#ifndef TIERCE_GATEWAY_GATEWAY_PARTS_H
#define TIERCE_GATEWAY_GATEWAY_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "cluster/member.h"
#include "gateway/cache.h"
#include "gateway/counters.h"
#include "gateway/gateway.h"
#include "gateway/limits.h"
#include "gateway/service_terms.h"

enum { TOKEN_HASH_BYTES = 32 };

/* Settings live until the last request that holds them ends. */
struct held_settings {
    Wire__GatewaySettings message; /* first: what is handed out; its fields are owned by `owner` */
    Wire__GatewaySettings *owner;
    atomic_uint references;
};

struct gateway {
    struct member *member;
    struct cluster_key key;
    char *orchestrator;
    bool keeps_log_level;
    struct counters *counters;
    struct cache *cache;
    struct term_table *terms;
    /* query_languages of the corpus, and the epoch they were asked in, plus one */
    _Atomic uint64_t languages;
    _Atomic uint64_t compound_pages; /* compounds_pages(), of the same epoch */
    _Atomic uint64_t languages_epoch;
    _Atomic int64_t languages_again_ms; /* not asked before, by clock_boot_ms() */

    pthread_mutex_t mutex;
    /* under the mutex; replaced as a whole by the member's thread */
    struct held_settings *settings;
    struct limits *limits; /* set once, with the first settings */
    char *limits_file;     /* the member's thread alone */
};

/* A copy of the hash of the admin token; false where there is none yet. */
bool gateway_token_hash(struct gateway *gateway, uint8_t ret_hash[TOKEN_HASH_BYTES]);

#endif
