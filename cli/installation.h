/*
 * The installation that the command is about: its data folder, its cluster key, its orchestrator,
 * and calls to it and to its indexserver.
 */
#ifndef TIERCE_CLI_INSTALLATION_H
#define TIERCE_CLI_INSTALLATION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "rpc/client.h"
#include "wire.pb-c.h"

/* Where the orchestrator is when nothing says otherwise. */
#define ORCHESTRATOR_DEFAULT "localhost:9003"

/* The file, in the data folder, in which the orchestrator writes where it listens. */
#define ORCHESTRATOR_ADDRESS_FILE "run/orchestrator.address"

struct installation {
    const char *data_folder;  /* in the arena */
    const char *orchestrator; /* address; in the arena */
    struct arena arena;       /* replies lie here, until the installation is closed */
    struct cluster_key key;
    struct rpc_client *client; /* to the orchestrator */
};

/* What the command line says; each may be NULL. */
struct installation_options {
    const char *data_folder;
    const char *orchestrator;
    const char *key_file;
};

/* ./var, or /var/lib/tierce where that exists and ./var does not. */
const char *installation_default_folder(void);

/*
 * Finds the key and the address. Nothing is connected yet. STATUS_NOT_FOUND: there is no
 * installation in the folder; the words say what to do.
 */
enum status installation_open(const struct installation_options *options,
                              struct installation *ret_installation, struct error *err);
void installation_close(struct installation *installation); /* accepts a zeroed one */

/* Whether the orchestrator is on this machine. */
bool installation_is_local(const struct installation *installation);

/* One call to the orchestrator. Where nobody answers, the words say how to start it. */
enum status installation_call(struct installation *installation, Wire__Method method,
                              const ProtobufCMessage *request,
                              const ProtobufCMessageDescriptor *reply_descriptor,
                              unsigned timeout_ms, void **ret_reply, struct error *err);

/* A client to the indexserver, whose address the orchestrator tells: the caller's to close. */
enum status installation_open_indexserver(struct installation *installation,
                                          struct rpc_client **ret_client, struct error *err);

/* One call to it. */
enum status installation_call_indexserver(struct installation *installation, Wire__Method method,
                                          const ProtobufCMessage *request,
                                          const ProtobufCMessageDescriptor *reply_descriptor,
                                          unsigned timeout_ms, void **ret_reply, struct error *err);

enum status installation_stats(struct installation *installation, unsigned timeout_ms,
                               Wire__Stats **ret_stats, struct error *err);

/* A one-time code for the admin page. In the arena. */
enum status installation_login_code(struct installation *installation, const char **ret_code,
                                    struct error *err);

/* The admin token, from the data folder. In the arena. */
enum status installation_token(struct installation *installation, const char **ret_token,
                               struct error *err);

/* A file of the data folder. In the arena; NULL: no memory. */
const char *installation_path(struct installation *installation, const char *name);

#endif
