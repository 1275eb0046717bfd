/* tierce up: starts everything, says how it goes, stays until it is told to stop. */
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/args.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/port_owner.h"
#include "cli/command.h"
#include "cli/log_file.h"
#include "cli/log_line.h"
#include "cli/trust.h"
#include "cli/up_child.h"
#include "cli/up_progress.h"
#include "cli/web.h"

enum {
    LOOK_INTERVAL_MS = 150, /* while it starts */
    LOOK_TIMEOUT_MS = 1000,
    PROBE_TIMEOUT_MS = 2000,
    SOURCES_PATIENCE_MS = 2500,
    HANDBOOK_PATIENCE_MS = 120000,
    STOP_NOTICE_MS = 10000,
    LAST_LINES = 12,
    FOLDER_MODE = 0711, /* the web server's user passes through, to its socket */
};

struct up {
    const struct command_line *line;
    const char *data_folder;
    struct up_child child;
    struct log_file log;
    bool has_log;
    int signal_fd;
    struct up_progress progress;
    int64_t begun_ms;
    int64_t ready_ms;  /* when all processes were; 0: not yet */
    bool is_announced; /* the address has been printed */
    struct log_lines_shown shown;
    bool is_stopping;
    bool has_failed; /* it stops because of something that was told */
    int64_t stop_notice_ms;
    char fingerprint[FINGERPRINT_BYTES]; /* of the certificate served, once it answers */
};

/* ---- is there one already?
 * ------------------------------------------------------------------------ */

/* Says so and returns true where an orchestrator answers for this data folder. */
static bool is_running_already(const struct command_line *line)
{
    struct installation installation;
    Wire__Stats *stats;
    if (installation_open(&line->where, &installation, NULL) != STATUS_OK)
        return false;
    bool running = installation_stats(&installation, LOOK_TIMEOUT_MS, &stats, NULL) == STATUS_OK;
    if (running)
        fprintf(stderr,
                "tierce: it is running already, with the data folder %s: %s\n"
                "  `tierce status` shows it, `tierce stop` stops it; for a second one give another "
                "--data and other ports\n",
                installation.data_folder, stats->base_url);
    installation_close(&installation);
    return running;
}

/* ---- starting
 * --------------------------------------------------------------------------------------- */

static enum status open_log(struct up *up, struct error *err)
{
    char path[4096];
    if (up->line->log != NULL && strcmp(up->line->log, "-") == 0)
        return STATUS_OK;
    int size = up->line->log != NULL
                   ? snprintf(path, sizeof(path), "%s", up->line->log)
                   : snprintf(path, sizeof(path), "%s/log/tierce.log", up->data_folder);
    if ((size_t)size >= sizeof(path))
        return error_set(err, STATUS_TOO_LARGE, "the path of the log is too long");
    enum status status = log_file_open(path, &up->log, err);
    up->has_log = status == STATUS_OK;
    return status;
}

static enum status open_signals(struct up *up, struct error *err)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    up->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return up->signal_fd >= 0 ? STATUS_OK : error_set_errno(err, errno, "signalfd");
}

static enum status up_start(struct up *up, struct error *err)
{
    enum status status = open_signals(up, err);
    if (status == STATUS_OK)
        status = file_make_folders(up->data_folder, FOLDER_MODE, err);
    if (status == STATUS_OK)
        status = open_log(up, err);
    if (status == STATUS_OK)
        status = up_child_start(up->line, up->data_folder, up->has_log ? up->log.fd : -1,
                                &up->child, err);
    if (status != STATUS_OK)
        return status;
    printf("Starting Tierce %s, with its data in %s", tierce_version(), up->data_folder);
    if (up->has_log)
        printf(" and its log in %s", up->log.path);
    putchar('\n');
    up->begun_ms = clock_boot_ms();
    up_progress_begin(&up->progress, stdout, isatty(STDOUT_FILENO), up->begun_ms);
    return STATUS_OK;
}

/* ---- looking
 * -------------------------------------------------------------------------------------------- */

/* Asks for /readyz as a browser would, and keeps the certificate's fingerprint. */
static bool answers_users(struct up *up, struct installation *installation,
                          const Wire__Stats *stats)
{
    struct web_request request = {
        .base_url = stats->base_url,
        .path = "/readyz",
        .connect_here = true,
        .timeout_ms = PROBE_TIMEOUT_MS,
    };
    struct web_answer answer = {0};
    trust_installation(installation, request.trusted_files);
    if (web_get(&request, &answer, NULL) != STATUS_OK)
        return false;
    bool ready = answer.code == 200;
    memcpy(up->fingerprint, answer.fingerprint, sizeof(up->fingerprint));
    web_answer_release(&answer);
    return ready;
}

static bool is_made_here(const Wire__Stats *stats)
{
    return strncmp(stats->base_url, "https://localhost", strlen("https://localhost")) == 0;
}

/* A command about this installation, as it is typed where this one was. */
static void print_command(const struct up *up, const char *name)
{
    printf("`%s", program_invocation_name);
    if (strcmp(up->data_folder, installation_default_folder()) != 0)
        printf(" --data %s", up->data_folder);
    printf(" %s`", name);
}

static void announce(struct up *up, struct installation *installation, const Wire__Stats *stats)
{
    const char *code;
    up_progress_end_line(&up->progress);
    printf("\nTierce is at    %s\n", stats->base_url);
    if (up->fingerprint[0] != '\0')
        printf("certificate     SHA-256 %s\n%s", up->fingerprint,
               is_made_here(stats)
                   ? "                (your browser will warn once: it was made on this machine)\n"
                   : "");
    if (installation_login_code(installation, &code, NULL) == STATUS_OK) {
        printf("admin page      %s/admin/login?code=%s\n"
               "                (once, within ten minutes; ",
               stats->base_url, code);
        print_command(up, "login");
        puts(" makes another)");
    }
    printf("stop            Ctrl-C\n");
    fflush(stdout);
    up->is_announced = true;
}

/* Whether the first search would find more in a moment. */
static bool waits_for_pages(const struct up *up, const Wire__Stats *stats, int64_t now_ms)
{
    int64_t waited_ms = now_ms - up->ready_ms;
    bool knows_sources = stats->indexserver != NULL && stats->indexserver->n_sources > 0;
    if (!knows_sources) /* they come with the indexserver's next report, where there are any */
        return waited_ms < SOURCES_PATIENCE_MS;
    return up_progress_handbook_is_pending(stats) && waited_ms < HANDBOOK_PATIENCE_MS;
}

/* One look at how far it is; announces when it is there. */
static void look(struct up *up)
{
    struct installation installation;
    Wire__Stats *stats = NULL;
    int64_t now_ms = clock_boot_ms();
    bool open = installation_open(&up->line->where, &installation, NULL) == STATUS_OK;
    if (open && installation_stats(&installation, LOOK_TIMEOUT_MS, &stats, NULL) != STATUS_OK)
        stats = NULL;
    up_progress_take(&up->progress, stats, now_ms);
    if (stats != NULL && up->ready_ms == 0 && up_progress_is_ready(stats) &&
        answers_users(up, &installation, stats))
        up->ready_ms = now_ms;
    if (stats != NULL && up->ready_ms != 0 && !waits_for_pages(up, stats, now_ms))
        announce(up, &installation, stats);
    if (open)
        installation_close(&installation);
}

/* ---- staying
 * ---------------------------------------------------------------------------------------------- */

static void begin_stop(struct up *up)
{
    up->is_stopping = true;
    up->stop_notice_ms = clock_boot_ms();
    up_child_stop(&up->child);
}

/* While it starts, a port that is taken ends it: it would wait for ever. */
static bool take_port_in_use(struct up *up, const char *line)
{
    uint16_t port;
    const char *setting;
    if (up->is_announced || up->is_stopping || !log_line_port_in_use(line, &port, &setting))
        return false;
    pid_t owner = port_owner_find(port);
    char words[32] = "another process";
    if (owner > 0)
        snprintf(words, sizeof(words), "PID %d", (int)owner);
    fprintf(stderr,
            "tierce: port %u is in use by %s: end that process, or choose another port (%s)\n",
            port, words, setting);
    up->has_failed = true;
    begin_stop(up);
    return true;
}

static void take_log_line(void *context, const char *line)
{
    struct up *up = context;
    if (take_port_in_use(up, line) || up->has_failed || !log_line_is_notable(line) ||
        !log_line_is_new(&up->shown, line, clock_boot_ms()))
        return;
    up_progress_end_line(&up->progress);
    log_line_print(line, stdout);
    fflush(stdout);
}

static void take_signals(struct up *up)
{
    struct signalfd_siginfo info;
    while (read(up->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        up_progress_end_line(&up->progress);
        if (up->is_stopping)
            continue;
        puts("\nstopping ...");
        fflush(stdout);
        begin_stop(up);
    }
}

static void notice_slow_stop(struct up *up)
{
    int64_t now_ms = clock_boot_ms();
    if (!up->is_stopping || now_ms - up->stop_notice_ms < STOP_NOTICE_MS)
        return;
    puts("still stopping: what is in hand is finished first");
    fflush(stdout);
    up->stop_notice_ms = now_ms;
}

static int time_to_wait(const struct up *up)
{
    if (up->is_stopping)
        return STOP_NOTICE_MS;
    return up->is_announced ? -1 : LOOK_INTERVAL_MS;
}

/* Until the orchestrator has ended. */
static void stay(struct up *up)
{
    for (;;) {
        struct pollfd fds[] = {
            {.fd = up->child.pidfd, .events = POLLIN},
            {.fd = up->signal_fd, .events = POLLIN},
            {.fd = up->has_log ? up->log.watch_fd : -1, .events = POLLIN},
        };
        poll(fds, ARRAY_COUNT(fds), time_to_wait(up));
        if (up->has_log && fds[2].revents != 0)
            log_file_follow(&up->log, take_log_line, up);
        if (fds[1].revents != 0)
            take_signals(up);
        if (fds[0].revents != 0)
            return;
        if (!up->is_announced && !up->is_stopping)
            look(up);
        notice_slow_stop(up);
    }
}

static void tell_sudden_end(struct up *up, const char *words)
{
    up_progress_end_line(&up->progress);
    fprintf(stderr, "tierce: the orchestrator ended by itself (%s)%s", words,
            up->has_log ? "; the last lines of " : "\n");
    if (up->has_log) {
        fprintf(stderr, "%s:\n", up->log.path);
        log_file_print_end(&up->log, LAST_LINES, stderr);
    }
    if (up->is_announced)
        fputs("Other processes may go on; `tierce up` takes them up again, and nothing is lost.\n",
              stderr);
}

/* The orchestrator has ended: as it was asked to, by us or by `tierce stop`, or by itself. */
static int finish(struct up *up)
{
    char words[96];
    bool well = up_child_reap(&up->child, words, sizeof(words));
    if (up->has_log) /* why it ended may stand in what is not read yet */
        log_file_follow(&up->log, take_log_line, up);
    if (up->has_failed)
        return EXIT_FAILED;
    if (well && (up->is_stopping || up->is_announced)) {
        puts("stopped; nothing was lost");
        return EXIT_DONE;
    }
    tell_sudden_end(up, words);
    return EXIT_FAILED;
}

int command_up(const struct command_line *line)
{
    if (line->json)
        return command_misused("`tierce up` has no --json: ask `tierce status --json`");
    if (is_running_already(line))
        return EXIT_FAILED;
    struct error err = {0};
    struct command_line fixed = *line;
    if (fixed.where.data_folder == NULL)
        fixed.where.data_folder = installation_default_folder();
    struct up up = {
        .line = &fixed,
        .data_folder = fixed.where.data_folder,
        .child = {.pid = -1, .pidfd = -1},
        .signal_fd = -1,
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int exit_status = EXIT_FAILED;
    if (up_start(&up, &err) == STATUS_OK) {
        stay(&up);
        exit_status = finish(&up);
    } else {
        command_failed(&err);
    }
    fd_close(up.signal_fd);
    if (up.has_log)
        log_file_close(&up.log);
    return exit_status;
}
