/*
 * The whole: config.yaml, the processes, who is a member, and the calls that all of them make. One
 * thread decides everything; the server's thread only hands calls over.
 */
#ifndef TIERCE_ORCHESTRATOR_ORCHESTRATOR_H
#define TIERCE_ORCHESTRATOR_ORCHESTRATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct orchestrator;

/* Strings are borrowed. */
struct orchestrator_options {
    const char *config_path; /* absolute; watched */
    bool config_is_optional; /* where it is not there, everything has its default */
    const char *data_folder; /* absolute, exists, and is locked */
    const char *bin_folder;  /* absolute; the other programs */
    const char *proxy_folder;
    const char *share_folder;
    const char *host;
    uint16_t port;
    uint16_t indexserver_port;
    const char *proxy;     /* "nginx", "caddy", "none" instead of what the file says; or NULL */
    unsigned shards;       /* what barrels.shards: auto means; 0: by the processors */
    const char *log_level; /* instead of what the file says; or NULL */
};

/*
 * Reads the configuration, listens, takes over or starts the processes. STATUS_INVALID: the
 * configuration has mistakes; they have been logged.
 */
enum status orchestrator_open(const struct orchestrator_options *options,
                              struct orchestrator **ret_orchestrator, struct error *err);

/* Runs until SIGTERM or SIGINT, which end the processes in their order; SIGHUP reads the
 * configuration again. These signals are blocked in all threads from orchestrator_open() on. */
void orchestrator_run(struct orchestrator *orchestrator);

void orchestrator_close(struct orchestrator *orchestrator); /* accepts NULL */

#endif
