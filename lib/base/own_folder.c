#include "base/own_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum status own_folder(char ret_folder[PATH_MAX], struct error *err)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size <= 0)
        return error_set_errno(err, errno, "/proc/self/exe");
    path[size] = '\0';
    char *slash = strrchr(path, '/');
    CHECK(slash != NULL);
    *slash = '\0';
    strcpy(ret_folder, path);
    return STATUS_OK;
}

enum status own_folder_find(const char *const *folders, size_t count, const char *file,
                            char ret_folder[PATH_MAX], struct error *err)
{
    char own[PATH_MAX];
    enum status status = own_folder(own, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        char folder[PATH_MAX], path[PATH_MAX], absolute[PATH_MAX];
        int size = snprintf(folder, sizeof(folder), "%s/%s", own, folders[i]);
        int path_size = snprintf(path, sizeof(path), "%s/%s/%s", own, folders[i], file);
        if (size >= PATH_MAX || path_size >= PATH_MAX || access(path, F_OK) != 0)
            continue;
        if (realpath(folder, absolute) == NULL)
            return error_set_errno(err, errno, "%s", folder);
        strcpy(ret_folder, absolute);
        return STATUS_OK;
    }
    return error_set(err, STATUS_NOT_FOUND, "there is no %s in %s/%s or %s/%s", file, own,
                     folders[0], own, folders[count - 1]);
}
