/*
 * The cluster's key: 32 random bytes that every process of one installation holds and no one else.
 * A peer over TCP proves that it knows the key before one byte of a frame is parsed: on loopback by
 * a challenge answered with HMAC-SHA256, elsewhere inside TLS 1.3 by a pre-shared key. Unix sockets
 * are guarded by their file's mode.
 */
#ifndef TIERCE_RPC_KEY_H
#define TIERCE_RPC_KEY_H

#include <stdint.h>

#include "base/error.h"

enum { CLUSTER_KEY_BYTES = 32 };

struct cluster_key {
    uint8_t bytes[CLUSTER_KEY_BYTES];
};

/* The file's name in the orchestrator's data folder. */
#define CLUSTER_KEY_FILE "cluster.key"

/*
 * Reads the key (64 hexadecimal digits) from `key_file`, or where that is NULL from cluster.key in
 * `data_folder`. STATUS_NOT_FOUND and STATUS_DENIED (readable by others) say what to do about it.
 */
enum status cluster_key_load(const char *key_file, const char *data_folder,
                             struct cluster_key *ret_key, struct error *err);

/* Reads it from `data_folder`, making it (mode 0600) where there is none. */
enum status cluster_key_make(const char *data_folder, struct cluster_key *ret_key,
                             struct error *err);

#endif
