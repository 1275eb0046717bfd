#include "orchestrator/folders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/own_folder.h"

enum { FOLDER_MODE = 0711 }; /* the web server's user passes through, to the socket */

static enum status make_absolute(const char *path, char ret[PATH_MAX], struct error *err)
{
    if (realpath(path, ret) == NULL)
        return error_set_errno(err, errno, "%s", path);
    return STATUS_OK;
}

/* The file need not exist; its folder must. */
static enum status make_absolute_file(const char *path, char ret[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    char base[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(base, sizeof(base), "%s", slash == NULL ? path : slash + 1);
    snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
             slash == NULL ? "." : path);
    char absolute[PATH_MAX];
    enum status status = make_absolute(folder, absolute, err);
    if (status != STATUS_OK)
        return status;
    int size = snprintf(ret, PATH_MAX, "%s/%s", absolute, base);
    return size < PATH_MAX ? STATUS_OK : error_set(err, STATUS_INVALID, "%s is too long", path);
}

/* Installed in /usr/libexec/tierce beside /usr/share/tierce, or built in build/X/bin beside
 * build/share and proxy. */
static const char *const shares[] = {"../../share/tierce", "../../share"};
static const char *const proxies[] = {"../../share/tierce/proxy", "../../share/proxy",
                                      "../../../proxy"};

enum status folders_find(const struct folders_wish *wish, struct folders *ret_folders,
                         struct error *err)
{
    enum status status = make_absolute_file(wish->config == NULL ? "config.yaml" : wish->config,
                                            ret_folders->config, err);
    if (status == STATUS_OK)
        status = file_make_folders(wish->data, FOLDER_MODE, err);
    if (status == STATUS_OK)
        status = make_absolute(wish->data, ret_folders->data, err);
    if (status == STATUS_OK)
        status = wish->bin != NULL ? make_absolute(wish->bin, ret_folders->bin, err)
                                   : own_folder(ret_folders->bin, err);
    if (status == STATUS_OK)
        status = wish->proxy != NULL ? make_absolute(wish->proxy, ret_folders->proxy, err)
                                     : own_folder_find(proxies, ARRAY_COUNT(proxies), "nginx.conf",
                                                       ret_folders->proxy, err);
    if (status == STATUS_OK)
        status = wish->share != NULL ? make_absolute(wish->share, ret_folders->share, err)
                                     : own_folder_find(shares, ARRAY_COUNT(shares), "static",
                                                       ret_folders->share, err);
    return status;
}
