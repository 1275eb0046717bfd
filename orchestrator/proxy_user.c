#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "orchestrator/proxy.h"

/* Whether a stranger may pass through every folder of the path and read the last one. */
static bool is_open_to_all(const char *path)
{
    char partial[PATH_MAX];
    struct stat info;
    snprintf(partial, sizeof(partial), "%s", path);
    for (char *at = partial + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char saved = *at;
        *at = '\0';
        if (stat(partial, &info) != 0 || (info.st_mode & S_IXOTH) == 0)
            return false;
        *at = saved;
        if (saved == '\0')
            return true;
    }
}

struct proxy_user proxy_user_find(const struct proxy_paths *paths)
{
    struct proxy_user user = {.name = NULL, .group = (gid_t)-1};
    if (geteuid() != 0)
        return user;
    const char *const needed[] = {paths->share_folder, paths->data_folder, paths->run_folder};
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        if (is_open_to_all(needed[i]))
            continue;
        log_warning("the web server runs as root: user www-data may not enter %s", needed[i]);
        user.name = "root";
        return user;
    }
    const struct passwd *entry = getpwnam("www-data");
    user.name = entry == NULL ? "root" : "www-data";
    user.group = entry == NULL ? (gid_t)-1 : entry->pw_gid;
    return user;
}
