/* The web server in front: its configuration, filled in from config.yaml, and how it is run. */
#ifndef TIERCE_ORCHESTRATOR_PROXY_H
#define TIERCE_ORCHESTRATOR_PROXY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "orchestrator/children.h"
#include "orchestrator/config.h"

/* Absolute paths, borrowed. */
struct proxy_paths {
    const char *proxy_folder; /* nginx.conf and Caddyfile, the templates */
    const char *share_folder; /* static/ and handbook/ */
    const char *data_folder;
    const char *run_folder;
    const char *fastcgi_socket;
};

/* Who the web server's workers run as, where we are root. */
struct proxy_user {
    const char *name; /* NULL: as we do */
    gid_t group;      /* (gid_t)-1 */
};

struct proxy_user proxy_user_find(const struct proxy_paths *paths);

/*
 * Makes the certificate where none is given, fills in the template, has the web server check the
 * result, and puts it in place. On failure the file that was there stays.
 *
 * ret_changed  whether the file in place is another one now, or the certificate is.
 */
enum status proxy_prepare(const struct config *config, const struct proxy_paths *paths,
                          struct proxy_user user, bool *ret_changed, struct error *err);

/* The job of running it; strings come from the arena. Not for PROXY_NONE. STATUS_NOT_FOUND: the
 * program is not installed. */
enum status proxy_job(const struct config *config, const struct proxy_paths *paths,
                      struct arena *arena, struct child_job *ret_job, struct error *err);

/* Makes the running one take up the file in place. */
enum status proxy_reload(const struct config *config, const struct proxy_paths *paths,
                         struct children *children, struct error *err);

/* Where the crawler finds our own handbook, and what to trust there besides the system's
 * authorities ("" for nothing); false: none is served. Strings come from the arena. */
bool proxy_handbook(const struct config *config, const struct proxy_paths *paths,
                    struct arena *arena, const char **ret_connect_to, const char **ret_ca_file);

#endif
