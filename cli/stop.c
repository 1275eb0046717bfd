/* tierce stop: ends what `tierce up` started, and waits for it. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>

#include "base/file.h"
#include "cli/answer_json.h"
#include "cli/command.h"

enum { STOP_NOTICE_MS = 15000 };

static uint32_t orchestrator_pid(const Wire__Stats *stats)
{
    for (size_t i = 0; i < stats->n_members; i++)
        if (stats->members[i]->role == WIRE__ROLE__ROLE_ORCHESTRATOR)
            return stats->members[i]->pid;
    return 0;
}

/* Asks the process to end and waits until it has. */
static enum status end_process(uint32_t pid, struct error *err)
{
    int fd = pidfd_open((pid_t)pid, 0);
    if (fd < 0)
        return errno == ESRCH ? STATUS_OK : error_set_errno(err, errno, "process %" PRIu32, pid);
    enum status status = STATUS_OK;
    if (pidfd_send_signal(fd, SIGTERM, NULL, 0) != 0 && errno != ESRCH) {
        status = error_set_errno(err, errno, "ending process %" PRIu32, pid);
    } else {
        struct pollfd ended = {.fd = fd, .events = POLLIN};
        while (poll(&ended, 1, STOP_NOTICE_MS) == 0)
            fputs("still stopping: requests in hand are answered first\n", stderr);
    }
    fd_close(fd);
    return status;
}

int command_stop(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__Stats *stats;
    enum status status = installation_stats(&installation, COMMAND_CALL_MS, &stats, &err);
    if (status == STATUS_OK && !installation_is_local(&installation))
        status = error_set(&err, STATUS_INVALID, "%s is on another machine: stop it there",
                           installation.orchestrator);
    if (status == STATUS_OK && orchestrator_pid(stats) == 0)
        status = error_set(&err, STATUS_UNSUPPORTED, "the orchestrator does not tell its PID");
    if (status == STATUS_OK)
        status = end_process(orchestrator_pid(stats), &err);
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    if (line->json)
        json_print(json_pack("{s:b}", "stopped", 1));
    else
        puts("stopped; nothing was lost");
    return EXIT_DONE;
}
