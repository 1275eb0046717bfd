/* Shared by the orchestrator's own files, and by nobody else. */
#ifndef TIERCE_ORCHESTRATOR_ORCHESTRATOR_PARTS_H
#define TIERCE_ORCHESTRATOR_ORCHESTRATOR_PARTS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "orchestrator/children.h"
#include "orchestrator/config.h"
#include "orchestrator/counters.h"
#include "orchestrator/inbox.h"
#include "orchestrator/loop.h"
#include "orchestrator/members.h"
#include "orchestrator/orchestrator.h"
#include "orchestrator/proxy.h"
#include "orchestrator/settings.h"
#include "orchestrator/token.h"
#include "orchestrator/watch.h"
#include "rpc/key.h"
#include "rpc/server.h"

struct orchestrator {
    struct orchestrator_options options;
    struct arena arena; /* paths: as long as this lives */
    struct loop loop;
    struct loop_watch signals;
    int64_t started_us;

    struct config *config; /* in force */
    struct file_watch *config_watch;
    struct buffer config_error;      /* of the last edit, where it was refused */
    struct arena settings_arena;     /* of what `settings` points to besides the config */
    struct settings_source settings; /* in force */
    unsigned shards;

    struct proxy_paths paths;
    struct proxy_user proxy_user;
    bool proxy_is_prepared;
    int fastcgi_fd;

    struct cluster_key key;
    struct rpc_server *server;
    struct inbox *inbox;
    struct members *members;
    struct children *children;
    struct counters *counters;
    struct login_codes logins;

    int64_t members_due_ms;
    int64_t counters_due_ms;
    int64_t certificate_due_ms;
    uint64_t counters_saved;
    bool is_stopping;
    bool told_ready;
};

/* ---- orchestrator_config.c: from the file to what is in force ---- */

/* Reads the file at the start. */
enum status orchestrator_read_config(struct orchestrator *orchestrator, struct error *err);
/* Takes what was read into force: settings, jobs, the proxy. */
void orchestrator_apply(struct orchestrator *orchestrator);

/* Whether the proxy that the configuration wants would find its ports free. */
enum status orchestrator_check_ports(struct orchestrator *orchestrator, const struct config *config,
                                     struct error *err);
/* The file changed: takes it up, or says why not and goes on as before. */
void orchestrator_reload(void *orchestrator);
/* Makes a certificate that ends soon anew. */
void orchestrator_renew_certificate(struct orchestrator *orchestrator);

/* ---- orchestrator_calls.c: what others ask ---- */
void orchestrator_answer(void *orchestrator, struct rpc_call *call);

/* ---- orchestrator_stats.c ---- */
Wire__Stats *orchestrator_stats(struct orchestrator *orchestrator, struct arena *arena);

#endif
