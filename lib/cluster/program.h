/*
 * A worker as a process: what the command line of each of them takes, its log, the signals that end
 * it, and its place in the cluster. A worker's main() is, in this order:
 *
 *     program_read_arguments()
 *     program_catch_signals()      before there is any thread
 *     cluster_key_load()
 *     its sockets, program_join(), its data
 *     program_serve()
 *     the closing of all that, program_leave() before what its reports are taken from
 *     return program_end()
 */
#ifndef TIERCE_CLUSTER_PROGRAM_H
#define TIERCE_CLUSTER_PROGRAM_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/args.h"
#include "base/error.h"
#include "base/log.h"
#include "cluster/member.h"
#include "rpc/key.h"
#include "wire.pb-c.h"

enum { PROGRAM_JOIN_ATTEMPT_MS = 2000, PROGRAM_JOIN_ATTEMPTS = 5 };

/* How a program takes part; context and callbacks as in struct member_options. */
struct program_part {
    Wire__Role role;
    const char *address;     /* where it serves; NULL: nowhere */
    const char *data_folder; /* NULL: none of its own */
    int shard;               /* a barrel's wish; -1: any */
    void *context;
    /* The log level is taken already. May be NULL. */
    enum status (*take_settings)(void *context, const Wire__Settings *settings, struct error *err);
    /* Adds to a heartbeat, once the program is ready and until program_leave() returns. The
     * arena lives until the next heartbeat. */
    void (*report)(void *context, struct arena *arena, Wire__HeartbeatRequest *heartbeat);
};

/* In static memory, as the log's name is; zeroed but for the defaults of the command line. */
struct program {
    /* the command line: strings of argv, or the defaults that the caller put there */
    const char *orchestrator; /* NULL becomes localhost:9003 */
    const char *data;         /* NULL: it must be given */
    const char *key_file;     /* NULL: cluster.key in `data` */
    const char *name;         /* NULL becomes "": the orchestrator chooses */
    const char *log_level;    /* NULL: as configured */

    struct cluster_key key; /* the caller's to load */
    struct member *member;  /* NULL before program_join() and after program_leave() */
    int stop_fd;            /* readable once a signal asked for the end; for those who poll() */

    /* private */
    struct program_part part;
    char log_name[128];
    struct arena arena; /* of one heartbeat's report */
    atomic_bool is_reporting;
};

/*
 * Reads the options that all workers take and the program's own, and opens the log. `data_help` is
 * the line for --data. Does not return where args_parse() would not, nor on an argument that is no
 * option, a level that is none, or where --data is missing.
 */
void program_read_arguments(struct program *program, const char *program_name, const char *usage,
                            const char *data_help, const struct args_option *own, int argc,
                            char **argv);

/* SIGTERM and SIGINT come by `stop_fd` from now on; SIGHUP and SIGPIPE do nothing. */
void program_catch_signals(struct program *program);
bool program_is_stopped(const struct program *program);
void program_wait(const struct program *program); /* for the signal that ends it */

/*
 * Registers as member_start() does, waiting ten seconds for the orchestrator, or until a signal
 * asks for the end, which is heard after an attempt: STATUS_CANCELLED then. The log goes on under
 * the name that the orchestrator gave. `part` is copied, what it points to borrowed until
 * program_leave().
 */
enum status program_join(struct program *program, const struct program_part *part,
                         struct error *err);
void program_ready(struct program *program);
void program_serve(struct program *program); /* ready, until a signal asks for the end; draining */
void program_leave(struct program *program); /* does nothing where it did not join */

/* The exit status; says on the log why it is not 0. To be told to end is no failure. */
int program_end(enum status status, const struct error *err);

#endif
