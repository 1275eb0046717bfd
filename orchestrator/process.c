#include "orchestrator/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

extern char **environ;

/* ---- the child's side: only what is safe after a fork of a process with threads ----------------
 */

static void reset_signals(void)
{
    struct sigaction preset = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &preset, NULL); /* refused for the few that cannot change */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct process_start *start, char **environment, int go_fd,
                             int failure_fd, int null_fd)
{
    char byte;
    ssize_t got;
    setpgid(0, 0);
    do {
        got = read(go_fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    if (got != 1)
        _exit(125); /* the orchestrator is gone */
    dup2(start->stdin_fd >= 0 ? start->stdin_fd : null_fd, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    reset_signals();
    execve(start->arguments[0], (char *const *)start->arguments, environment);
    int code = errno;
    ssize_t written = write(failure_fd, &code, sizeof(code));
    _exit(written == (ssize_t)sizeof(code) ? 127 : 126);
}

/* ---- ours --------------------------------------------------------------------------------------
 */

static bool is_overridden(const char *variable, const char *const *variables)
{
    size_t name = strcspn(variable, "=") + 1;
    for (; *variables != NULL; variables++) {
        if (strncmp(variable, *variables, name) == 0)
            return true;
    }
    return false;
}

/* Pointers only: the caller frees the array. */
static char **environment_with(const char *const *variables)
{
    static const char *const none[] = {NULL};
    if (variables == NULL)
        variables = none;
    size_t ours = 0, added = 0;
    while (environ[ours] != NULL)
        ours++;
    while (variables[added] != NULL)
        added++;
    char **all = check_alloc(calloc(ours + added + 1, sizeof(*all)));
    size_t count = 0;
    for (size_t i = 0; i < ours; i++) {
        if (!is_overridden(environ[i], variables))
            all[count++] = environ[i];
    }
    for (size_t i = 0; i < added; i++)
        all[count++] = (char *)variables[i];
    return all;
}

static enum status fork_child(const struct process_start *start, int go[2], int failure[2],
                              int null_fd, struct process_begun *ret_begun, struct error *err)
{
    char **environment = environment_with(start->variables);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of ours runs in the child */
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        become(start, environment, go[0], failure[1], null_fd);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(environment);
    if (pid < 0)
        return error_set_errno(err, errno, "fork");
    setpgid(pid, pid); /* here too: the group exists from now on, whoever comes first */
    *ret_begun = (struct process_begun){.pid = pid, .go_fd = go[1], .failure_fd = failure[0]};
    return STATUS_OK;
}

enum status process_begin(const struct process_start *start, struct process_begun *ret_begun,
                          struct error *err)
{
    int go[2] = {-1, -1}, failure[2] = {-1, -1};
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    enum status status;
    if (null_fd < 0 || pipe2(go, O_CLOEXEC) != 0 || pipe2(failure, O_CLOEXEC) != 0)
        status = error_set_errno(err, errno, "pipe");
    else
        status = fork_child(start, go, failure, null_fd, ret_begun, err);
    fd_close(null_fd);
    fd_close(go[0]);
    fd_close(failure[1]);
    if (status != STATUS_OK) {
        fd_close(go[1]);
        fd_close(failure[0]);
    }
    return status;
}

enum status process_go(struct process_begun *begun, struct error *err)
{
    int code = 0;
    enum status status = fd_write_all(begun->go_fd, "g", 1, err);
    fd_close(begun->go_fd);
    if (status == STATUS_OK) {
        status = fd_read_all(begun->failure_fd, &code, sizeof(code), err);
        if (status == STATUS_END)
            status = STATUS_OK; /* the pipe closed with the exec */
        else if (status == STATUS_OK)
            status = error_set_errno(err, code, "cannot be started");
    }
    fd_close(begun->failure_fd);
    return status;
}

void process_forsake(struct process_begun *begun)
{
    fd_close(begun->go_fd); /* it ends by itself */
    fd_close(begun->failure_fd);
    waitpid(begun->pid, NULL, 0);
}

bool process_start_ticks(pid_t pid, uint64_t *ret_ticks)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    fd_close(fd);
    if (size <= 0)
        return false;
    text[size] = '\0';
    char *at = strrchr(text, ')'); /* the name before it can hold anything */
    if (at == NULL || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
        return false;
    for (int field = 2; field < 22 && at != NULL; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    *ret_ticks = strtoull(at, NULL, 10);
    return true;
}

int process_open(pid_t pid, uint64_t ticks)
{
    int pidfd = pidfd_open(pid, 0);
    uint64_t now = 0;
    if (pidfd >= 0 && (!process_start_ticks(pid, &now) || now != ticks)) {
        fd_close(pidfd);
        return -1;
    }
    return pidfd;
}

static void describe_end(const siginfo_t *info, char ret_words[PROCESS_WORDS_BYTES])
{
    if (info->si_code == CLD_EXITED)
        snprintf(ret_words, PROCESS_WORDS_BYTES, "exit status %d", info->si_status);
    else
        snprintf(ret_words, PROCESS_WORDS_BYTES, "killed by signal %d (%s)", info->si_status,
                 strsignal(info->si_status));
}

bool process_reap(pid_t pid, int pidfd, char ret_words[PROCESS_WORDS_BYTES])
{
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    if (poll(&poll_fd, 1, 0) != 1)
        return false;
    /* What it left behind (a web server's workers, a parser) would hold ports and pipes that its
     * successor needs. A child of ours is not yet reaped, so the number is still its own; that of
     * an adopted one is not given to anyone while its group has members, and numbers come round
     * late. */
    kill(-pid, SIGKILL);
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) == 0)
        describe_end(&info, ret_words);
    else
        snprintf(ret_words, PROCESS_WORDS_BYTES, "ended"); /* adopted: another process reaps it */
    return true;
}

enum status process_run(const struct process_start *start, unsigned limit_ms, struct error *err)
{
    struct process_begun begun;
    enum status status = process_begin(start, &begun, err);
    if (status != STATUS_OK)
        return status;
    int pidfd = pidfd_open(begun.pid, 0);
    if (pidfd < 0) {
        status = error_set_errno(err, errno, "pidfd");
        process_forsake(&begun);
        return status;
    }
    status = process_go(&begun, err);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    if (status == STATUS_OK && poll(&poll_fd, 1, (int)limit_ms) != 1)
        status = error_set(err, STATUS_TIMEOUT, "did not end within %u ms", limit_ms);
    if (status != STATUS_OK)
        kill(-begun.pid, SIGKILL);
    poll(&poll_fd, 1, -1);
    char words[PROCESS_WORDS_BYTES];
    CHECK(process_reap(begun.pid, pidfd, words));
    fd_close(pidfd);
    if (status == STATUS_OK && strcmp(words, "exit status 0") != 0)
        status = error_set(err, STATUS_INVALID, "%s", words);
    if (status != STATUS_OK)
        error_add_context(err, "%s", start->arguments[0]);
    return status;
}
