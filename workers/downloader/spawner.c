#include "downloader/spawner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { CONTROL_FD = STDERR_FILENO + 1 }; /* the spawner's only descriptor besides the standard */

static const char order_start = 'S', order_end = 'E';

struct spawner {
    const char *path;
    pid_t pid;
    int fd; /* packets: orders of one byte, and answers */
};

extern char **environ;

/* ---- the spawner's own process ---- */

/* Both the parser's standard input and output are the socket; nothing else of ours is open in it,
 * and none of our signals is blocked. Returns 0 or an errno. */
static int spawn(const char *path, int fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char *argv[] = {(char *)(uintptr_t)path, NULL}; /* posix_spawn()'s own lack of const */
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    int code = posix_spawn(ret_pid, path, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

static void end_parser(pid_t *pid)
{
    if (*pid == 0)
        return;
    kill(*pid, SIGKILL);
    while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *pid = 0;
}

/* The answer to an order to start: an errno, and with 0 the socket. */
static void send_answer(int code, int fd)
{
    union {
        struct cmsghdr header; /* for its alignment */
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec bytes = {&code, sizeof(code)};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (code == 0) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof(control.room);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    while (sendmsg(CONTROL_FD, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static void start_parser(const char *path, pid_t *pid)
{
    int pair[2] = {-1, -1}, code = 0;
    end_parser(pid);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        code = errno;
    else if (fd_set_nonblocking(pair[0], true, NULL) != STATUS_OK)
        code = EIO;
    else
        code = spawn(path, pair[1], pid);
    send_answer(code, pair[0]);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

/* Nothing of the downloader's stays open: neither its connections, nor what tells others that it
 * ended. The signals that ask the downloader to end may come to both and mean it alone. */
static _Noreturn void serve(const char *path, int control)
{
    pid_t pid = 0;
    char order;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (dup2(control, CONTROL_FD) != CONTROL_FD || close_range(CONTROL_FD + 1, ~0u, 0) != 0)
        _exit(EXIT_FAILURE);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_NAME, "spawner", 0, 0, 0);
    for (;;) {
        ssize_t got = recv(CONTROL_FD, &order, sizeof(order), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        if (order == order_start)
            start_parser(path, &pid);
        else
            end_parser(&pid);
    }
    end_parser(&pid);
    _exit(EXIT_SUCCESS);
}

/* ---- the downloader's side ---- */

enum status spawner_open(const char *path, struct spawner **ret_spawner, struct error *err)
{
    int pair[2];
    struct spawner *spawner = calloc(1, sizeof(*spawner));
    if (spawner == NULL)
        return error_set(err, STATUS_NO_MEMORY, "spawner");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        free(spawner);
        return error_set_errno(err, errno, "socketpair");
    }
    spawner->pid = fork();
    if (spawner->pid == 0)
        serve(path, pair[1]);
    fd_close(pair[1]);
    spawner->path = path;
    spawner->fd = pair[0];
    if (spawner->pid < 0) {
        int code = errno;
        spawner_close(spawner);
        return error_set_errno(err, code, "fork");
    }
    *ret_spawner = spawner;
    return STATUS_OK;
}

void spawner_close(struct spawner *spawner)
{
    if (spawner == NULL)
        return;
    fd_close(spawner->fd); /* which ends it */
    while (spawner->pid > 0 && waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(spawner);
}

static enum status gone(struct error *err)
{
    return error_set(err, STATUS_UNAVAILABLE, "the process that starts the parser is gone");
}

static bool give_order(struct spawner *spawner, char order)
{
    ssize_t sent;
    do
        sent = send(spawner->fd, &order, sizeof(order), MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == sizeof(order);
}

/* The socket that came with an answer; -1: none. */
static int received_fd(struct msghdr *message)
{
    int fd = -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(fd)))
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

static enum status take_answer(struct spawner *spawner, int *ret_code, int *ret_fd,
                               struct error *err)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec bytes = {ret_code, sizeof(*ret_code)};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room)};
    ssize_t got;
    do
        got = recvmsg(spawner->fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got != sizeof(*ret_code))
        return gone(err);
    *ret_fd = received_fd(&message);
    return STATUS_OK;
}

enum status spawner_start(struct spawner *spawner, int *ret_fd, struct error *err)
{
    int code = 0, fd = -1;
    if (!give_order(spawner, order_start))
        return gone(err);
    enum status status = take_answer(spawner, &code, &fd, err);
    if (status != STATUS_OK)
        return status;
    if (code != 0 || fd < 0)
        return error_set(err, STATUS_IO, "the parser %s cannot be started: %s", spawner->path,
                         strerror(code));
    *ret_fd = fd;
    return STATUS_OK;
}

void spawner_end(struct spawner *spawner)
{
    (void)give_order(spawner, order_end); /* one that is gone has ended its parser, or cannot */
}

bool spawner_is_gone(const struct spawner *spawner)
{
    struct pollfd polled = {.fd = spawner->fd};
    return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLHUP | POLLERR)) != 0;
}

int spawner_fd(const struct spawner *spawner)
{
    return spawner->fd;
}
