/* Which processes there are to be, by config.yaml, and their command lines. */
#ifndef TIERCE_ORCHESTRATOR_JOBS_H
#define TIERCE_ORCHESTRATOR_JOBS_H

#include "base/arena.h"
#include "orchestrator/children.h"
#include "orchestrator/config.h"

struct jobs_source {
    const struct config *config;
    const char *bin_folder;
    const char *data_folder;
    const char *orchestrator; /* our address, for them */
    const char *host;         /* where those listen that serve other processes */
    unsigned shards;
    unsigned indexserver_port;
    int fastcgi_fd; /* held, listening */
};

/* Pool workers: what the file says, or two to four by the number of processors. */
unsigned jobs_gateway_workers(const struct config *config);

/* One on two processors or fewer, then one per two processors, at most four. */
unsigned jobs_shards(const struct config *config);

/* All but the proxy; `jobs` has room for CHILDREN_MAX. Strings come from the arena. Returns how
 * many. */
unsigned jobs_make(const struct jobs_source *source, struct arena *arena, struct child_job *jobs);

#endif
