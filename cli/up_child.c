#include "cli/up_child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "cli/programs.h"

enum { ARGUMENTS_MAX = 24 };

struct arguments {
    char *items[ARGUMENTS_MAX + 1];
    int count;
    struct arena arena;
};

static void add(struct arguments *arguments, const char *word)
{
    CHECK(arguments->count < ARGUMENTS_MAX);
    arguments->items[arguments->count++] = check_alloc(arena_string(&arguments->arena, word));
}

static void add_option(struct arguments *arguments, const char *name, const char *value)
{
    if (value == NULL)
        return;
    add(arguments, name);
    add(arguments, value);
}

static void add_number(struct arguments *arguments, const char *name, uint64_t value)
{
    if (value != 0)
        add_option(arguments, name,
                   check_alloc(arena_format(&arguments->arena, "%" PRIu64, value)));
}

static enum status build_arguments(struct arguments *arguments, const struct command_line *line,
                                   const char *data_folder, struct error *err)
{
    const char *programs;
    enum status status = programs_find(&arguments->arena, &programs, err);
    if (status != STATUS_OK)
        return status;
    add(arguments, check_alloc(arena_format(&arguments->arena, "%s/orchestrator", programs)));
    add_option(arguments, "--data", data_folder);
    add_option(arguments, "--bin", programs);
    add_option(arguments, "--config", line->config);
    add_option(arguments, "--proxy", line->proxy);
    add_number(arguments, "--shards", line->shards);
    add_number(arguments, "--port", line->port);
    add_number(arguments, "--indexserver-port", line->indexserver_port);
    return STATUS_OK;
}

/* In the child. Writes errno into the pipe where the program cannot be run. */
_Noreturn static void become_orchestrator(struct arguments *arguments, int log_fd, pid_t parent,
                                          int failure_fd)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* gone already: the signal will not come */
        _exit(1);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    if (log_fd >= 0) {
        dup2(log_fd, STDOUT_FILENO);
        dup2(log_fd, STDERR_FILENO);
        unsetenv("JOURNAL_STREAM"); /* that is the terminal's, not the file's */
    }
    execv(arguments->items[0], arguments->items);
    int number = errno;
    if (write(failure_fd, &number, sizeof(number)) < 0)
        _exit(126);
    _exit(127);
}

enum status up_child_start(const struct command_line *line, const char *data_folder, int log_fd,
                           struct up_child *ret_child, struct error *err)
{
    struct arguments arguments = {0};
    int failure[2] = {-1, -1};
    enum status status = build_arguments(&arguments, line, data_folder, err);
    if (status == STATUS_OK && pipe2(failure, O_CLOEXEC) != 0)
        status = error_set_errno(err, errno, "pipe");
    pid_t self = getpid();
    pid_t pid = status == STATUS_OK ? fork() : -1;
    if (pid == 0)
        become_orchestrator(&arguments, log_fd, self, failure[1]);
    if (status == STATUS_OK && pid < 0)
        status = error_set_errno(err, errno, "fork");
    fd_close(failure[1]);
    int number = 0;
    if (pid > 0 && fd_read_all(failure[0], &number, sizeof(number), NULL) == STATUS_OK) {
        waitpid(pid, NULL, 0);
        status = error_set_errno(err, number, "%s", arguments.items[0]);
    }
    if (status == STATUS_OK) {
        *ret_child = (struct up_child){.pid = pid, .pidfd = pidfd_open(pid, 0)};
        if (ret_child->pidfd < 0)
            status = error_set_errno(err, errno, "pidfd_open");
    }
    fd_close(failure[0]);
    arena_release(&arguments.arena);
    return status;
}

void up_child_stop(const struct up_child *child)
{
    if (child->pidfd >= 0)
        pidfd_send_signal(child->pidfd, SIGTERM, NULL, 0);
}

bool up_child_reap(struct up_child *child, char *ret_words, size_t size)
{
    int wait_status = 0;
    if (waitpid(child->pid, &wait_status, 0) != child->pid)
        snprintf(ret_words, size, "%s", strerror(errno));
    else if (WIFSIGNALED(wait_status))
        snprintf(ret_words, size, "killed by signal %d (%s)", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)));
    else
        snprintf(ret_words, size, "exit status %d", WEXITSTATUS(wait_status));
    fd_close(child->pidfd);
    *child = (struct up_child){.pid = -1, .pidfd = -1};
    return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
}
