#include "cli/programs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

static const char *const known[] = {"orchestrator", "gateway",    "barrel",
                                    "indexserver",  "downloader", "parser"};

bool program_is_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(known); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

/* The folder of the running program, without a slash at its end. */
static enum status own_folder(char ret[PATH_MAX], struct error *err)
{
    ssize_t size = readlink("/proc/self/exe", ret, PATH_MAX - 1);
    if (size <= 0)
        return error_set_errno(err, errno, "/proc/self/exe");
    ret[size] = '\0';
    char *slash = strrchr(ret, '/');
    CHECK(slash != NULL);
    *slash = '\0';
    return STATUS_OK;
}

/* The first of the folders, told from our own, that holds `file`. */
static enum status find_folder(struct arena *arena, const char *const *folders, size_t count,
                               const char *file, const char **ret_folder, struct error *err)
{
    char own[PATH_MAX];
    enum status status = own_folder(own, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const char *folder = check_alloc(arena_format(arena, "%s%s", own, folders[i]));
        const char *path = check_alloc(arena_format(arena, "%s/%s", folder, file));
        if (access(path, F_OK) != 0)
            continue;
        char real[PATH_MAX];
        if (realpath(folder, real) == NULL)
            return error_set_errno(err, errno, "%s", folder);
        *ret_folder = check_alloc(arena_string(arena, real));
        return STATUS_OK;
    }
    return error_set(err, STATUS_NOT_FOUND, "there is no %s in %s%s or %s%s: was Tierce built?",
                     file, own, folders[0], own, folders[count - 1]);
}

enum status programs_find(struct arena *arena, const char **ret_folder, struct error *err)
{
    static const char *const folders[] = {"", "/../libexec/tierce"};
    return find_folder(arena, folders, ARRAY_COUNT(folders), "orchestrator", ret_folder, err);
}

enum status program_exec(const char *name, char **argv, struct error *err)
{
    struct arena arena = {0};
    const char *folder;
    enum status status = programs_find(&arena, &folder, err);
    if (status == STATUS_OK) {
        argv[0] = check_alloc(arena_format(&arena, "%s/%s", folder, name));
        execv(argv[0], argv);
        status = error_set_errno(err, errno, "%s", argv[0]);
    }
    arena_release(&arena);
    return status;
}
