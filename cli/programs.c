#include "cli/programs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/own_folder.h"

static const char *const known[] = {"orchestrator", "gateway",    "barrel",
                                    "indexserver",  "downloader", "parser"};

bool programs_have(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(known); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

enum status programs_find(struct arena *arena, const char **ret_folder, struct error *err)
{
    static const char *const folders[] = {".", "../libexec/tierce"};
    char folder[PATH_MAX];
    struct error cause;
    enum status status =
        own_folder_find(folders, ARRAY_COUNT(folders), "orchestrator", folder, &cause);
    if (status != STATUS_OK)
        return error_set(err, status, "%s: was Tierce built?", cause.text);
    *ret_folder = check_alloc(arena_string(arena, folder));
    return STATUS_OK;
}

enum status programs_exec(const char *name, char **argv, struct error *err)
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
