#include "cli/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
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

/* Everything up to the end of the pipe. */
static enum status gather(int fd, size_t bytes_max, struct buffer *ret_output, struct error *err)
{
    for (;;) {
        uint8_t bytes[4096];
        ssize_t size = read(fd, bytes, sizeof(bytes));
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return error_set_errno(err, errno, "its output");
        if (size == 0)
            return STATUS_OK;
        buffer_append(ret_output, bytes, (size_t)size);
        if (ret_output->size > bytes_max)
            return error_set(err, STATUS_TOO_LARGE, "it says more than %zu bytes", bytes_max);
    }
}

static void become(char **argv, int output)
{
    if (dup2(output, STDOUT_FILENO) >= 0)
        execv(argv[0], argv);
    _exit(127);
}

enum status programs_run(const char *name, char **argv, size_t bytes_max, struct buffer *ret_output,
                         int *ret_exit, struct error *err)
{
    struct arena arena = {0};
    const char *folder;
    int pipes[2] = {-1, -1}, result = 0;
    pid_t child = -1;
    enum status status = programs_find(&arena, &folder, err);
    if (status == STATUS_OK && pipe2(pipes, O_CLOEXEC) != 0)
        status = error_set_errno(err, errno, "a pipe");
    if (status == STATUS_OK) {
        argv[0] = check_alloc(arena_format(&arena, "%s/%s", folder, name));
        child = fork();
        if (child == 0)
            become(argv, pipes[1]);
        if (child < 0)
            status = error_set_errno(err, errno, "%s", argv[0]);
    }
    fd_close(pipes[1]);
    if (child > 0)
        status = gather(pipes[0], bytes_max, ret_output, err);
    fd_close(pipes[0]);
    while (child > 0 && waitpid(child, &result, 0) < 0 && errno == EINTR) {
    }
    *ret_exit = WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
    argv[0] = NULL;
    arena_release(&arena);
    return status;
}
