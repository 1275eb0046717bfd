/* Where everything of an installation is: absolute paths, from what the command line says and from
 * where this program lies. */
#ifndef TIERCE_ORCHESTRATOR_FOLDERS_H
#define TIERCE_ORCHESTRATOR_FOLDERS_H

#include <limits.h>

#include "base/error.h"

/* Each NULL but the data folder: where it usually is. */
struct folders_wish {
    const char *config; /* a file */
    const char *data;
    const char *bin;
    const char *proxy;
    const char *share;
};

struct folders {
    char config[PATH_MAX]; /* a file; its folder exists */
    char data[PATH_MAX];
    char bin[PATH_MAX];   /* the other programs */
    char proxy[PATH_MAX]; /* the templates of the web servers' configurations */
    char share[PATH_MAX]; /* the static files and the handbook */
};

/* Makes the data folder where there is none; what else is not there is an error that names it. */
enum status folders_find(const struct folders_wish *wish, struct folders *ret_folders,
                         struct error *err);

#endif
