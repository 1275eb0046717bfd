/* Shared by the web server's own files, and by nobody else. */
#ifndef TIERCE_ORCHESTRATOR_PROXY_PARTS_H
#define TIERCE_ORCHESTRATOR_PROXY_PARTS_H

#include "orchestrator/proxy.h"

/* ---- proxy_program.c: the program, and how it is run ---- */

const char *proxy_path(struct arena *arena, const char *folder, const char *name);

/* Of the template, and of the file that it becomes. */
const char *proxy_template_name(const struct config *config);

/* nginx reads the file as it will when it runs. Caddy checks what it is given when it is started or
 * reloaded, and keeps what it has where that is wrong. */
enum status proxy_check_file(const struct config *config, const struct proxy_paths *paths,
                             const char *file, struct arena *arena, struct error *err);

#endif
