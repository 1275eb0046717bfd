/* Real processes: shells that do what each test needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/children.h"
#include "orchestrator/fastcgi_socket.h"
#include "orchestrator/process.h"
#include "orchestrator/watch.h"
#include "support.h"

struct world {
    char folder[PATH_MAX];
    char state[PATH_MAX];
    struct loop loop;
    struct children *children;
    unsigned ended;
    char last_ended[CHILD_NAME_BYTES];
};

static void note_end(void *context, const char *name, uint32_t pid)
{
    struct world *world = context;
    (void)pid;
    world->ended++;
    snprintf(world->last_ended, sizeof(world->last_ended), "%s", name);
}

static void begin(struct world *world)
{
    struct children_options options = {
        .loop = &world->loop, .state_file = world->state, .context = world, .ended = note_end};
    assert_int_equal(loop_open(&world->loop, NULL), STATUS_OK);
    assert_int_equal(children_open(&options, &world->children, NULL), STATUS_OK);
}

static void world_open(struct world *world)
{
    *world = (struct world){.ended = 0};
    temporary_folder(world->folder);
    path_in(world->folder, "children", world->state);
    begin(world);
}

/* As if this orchestrator were killed: the processes are left to themselves. */
static void forget(struct world *world)
{
    children_close(world->children);
    loop_close(&world->loop);
}

static void step(struct world *world)
{
    int64_t now_ms = clock_boot_ms();
    int64_t next_ms = children_tick(world->children, now_ms);
    loop_step(&world->loop, next_ms < now_ms + 20 ? next_ms : now_ms + 20);
}

static void world_close(struct world *world)
{
    children_stop_all(world->children);
    AWAIT(children_all_stopped(world->children), step(world));
    forget(world);
    remove_folder(world->folder);
}

/* A job that runs a line of shell. */
static struct child_job shell_job(const char *slot, const char *const *words)
{
    return (struct child_job){.slot = slot,
                              .role = WIRE__ROLE__ROLE_DOWNLOADER,
                              .arguments = words,
                              .stdin_fd = -1,
                              .stop_signal = SIGTERM};
}

#define SHELL(line)                                                                                \
    (const char *const[])                                                                          \
    {                                                                                              \
        "/bin/sh", "-c", line, NULL                                                                \
    }

static struct child_view view_of(struct world *world, const char *slot)
{
    struct child_view view = {.slot = NULL};
    for (unsigned i = 0; i < children_count(world->children); i++) {
        children_view(world->children, i, &view);
        if (strcmp(view.slot, slot) == 0)
            return view;
    }
    return (struct child_view){.slot = NULL};
}

static uint32_t pid_of(struct world *world, const char *slot)
{
    return view_of(world, slot).pid;
}

static bool exists(pid_t pid)
{
    uint64_t ticks;
    return process_start_ticks(pid, &ticks);
}

static void what_is_wanted_runs_and_what_is_not_ends(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct child_job jobs[] = {shell_job("one", SHELL("exec sleep 1000")),
                               shell_job("two", SHELL("exec sleep 1000"))};
    children_want(world.children, jobs, 2);
    AWAIT(pid_of(&world, "one") != 0 && pid_of(&world, "two") != 0, step(&world));
    uint32_t one = pid_of(&world, "one"), two = pid_of(&world, "two");
    children_want(world.children, jobs, 1);
    AWAIT(children_count(world.children) == 1, step(&world));
    assert_false(exists((pid_t)two));
    assert_int_equal(pid_of(&world, "one"), one);
    assert_string_equal(world.last_ended, "two");
    /* another line of shell is another job */
    jobs[0] = shell_job("one", SHELL("exec sleep 999"));
    children_want(world.children, jobs, 1);
    AWAIT(pid_of(&world, "one") != 0 && pid_of(&world, "one") != one, step(&world));
    assert_false(exists((pid_t)one));
    world_close(&world);
}

static void a_process_that_ends_is_started_again_with_pauses(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct child_job job = shell_job("short", SHELL("exit 3"));
    int64_t begun_ms = clock_boot_ms();
    children_want(world.children, &job, 1);
    AWAIT(view_of(&world, "short").restarts >= 4, step(&world));
    assert_in_range(clock_boot_ms() - begun_ms, 100 + 200 + 400, 15000);
    assert_non_null(
        strstr(view_of(&world, "short").trouble, "restarted 4 times in a minute: exit status 3"));
    world_close(&world);
}

static void a_killed_one_is_back_at_once_where_that_is_free(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct child_job job = shell_job("worker", SHELL("exec sleep 1000"));
    job.free_failures = 3;
    children_want(world.children, &job, 1);
    for (int i = 0; i < 3; i++) {
        AWAIT(pid_of(&world, "worker") != 0, step(&world));
        uint32_t pid = pid_of(&world, "worker");
        unsigned ended = world.ended;
        kill((pid_t)pid, SIGKILL);
        AWAIT(world.ended > ended, step(&world));
        children_tick(world.children, clock_boot_ms());
        assert_true(pid_of(&world, "worker") != 0 && pid_of(&world, "worker") != pid);
    }
    assert_non_null(strstr(view_of(&world, "worker").trouble, "killed by signal 9 (Killed)"));
    world_close(&world);
}

static void a_program_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    static const char *const words[] = {"/nowhere/barrel", NULL};
    struct child_job job = shell_job("barrel-0-0", words);
    children_want(world.children, &job, 1);
    AWAIT(view_of(&world, "barrel-0-0").restarts > 0, step(&world));
    assert_non_null(strstr(view_of(&world, "barrel-0-0").trouble,
                           "/nowhere/barrel: cannot be started: No such file or directory"));
    world_close(&world);
}

static void what_a_process_leaves_behind_ends_with_it(void **state)
{
    (void)state;
    struct world world;
    char path[PATH_MAX], line[4 * PATH_MAX];
    world_open(&world);
    path_in(world.folder, "grandchild", path);
    snprintf(line, sizeof(line), "sleep 1000 & echo $! > %s.new; mv %s.new %s; wait", path, path,
             path);
    struct child_job job = shell_job("master", SHELL(line));
    children_want(world.children, &job, 1);
    AWAIT(access(path, F_OK) == 0, step(&world));
    struct buffer text = {0};
    assert_int_equal(file_read(path, 100, &text, NULL), STATUS_OK);
    pid_t grandchild = (pid_t)strtol(buffer_string(&text), NULL, 10);
    buffer_release(&text);
    assert_true(exists(grandchild));
    kill((pid_t)pid_of(&world, "master"), SIGKILL);
    AWAIT(!exists(grandchild), step(&world));
    world_close(&world);
}

static void a_process_that_does_not_end_is_pressed_and_killed(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct child_job job =
        shell_job("stubborn", SHELL("trap '' TERM; while :; do sleep 0.1; done"));
    children_want(world.children, &job, 1);
    AWAIT(pid_of(&world, "stubborn") != 0, step(&world));
    pid_t pid = (pid_t)pid_of(&world, "stubborn");
    for (int i = 0; i < 10; i++)
        step(&world); /* it has its trap */
    children_stop_all(world.children);
    int64_t begun_ms = clock_boot_ms();
    AWAIT(children_all_stopped(world.children), step(&world));
    assert_in_range(clock_boot_ms() - begun_ms, CHILD_STOP_MS - 500, CHILD_STOP_MS + 5000);
    assert_false(exists(pid));
    forget(&world);
    assert_int_equal(access(world.state, F_OK), -1);
    remove_folder(world.folder);
}

static void the_end_goes_from_the_proxy_to_the_indexserver(void **state)
{
    (void)state;
    static const struct {
        Wire__Role role;
        const char *slot;
    } roles[] = {{WIRE__ROLE__ROLE_INDEXSERVER, "indexserver"},
                 {WIRE__ROLE__ROLE_BARREL, "barrel"},
                 {WIRE__ROLE__ROLE_DOWNLOADER, "downloader"},
                 {WIRE__ROLE__ROLE_GATEWAY, "gateway"},
                 {WIRE__ROLE__ROLE_PROXY, "nginx"}};
    struct world world;
    struct child_job jobs[5];
    char lines[5][3 * PATH_MAX];
    const char *words[5][4];
    char path[PATH_MAX];
    world_open(&world);
    path_in(world.folder, "order", path);
    for (int i = 0; i < 5; i++) {
        snprintf(lines[i], sizeof(lines[i]),
                 "trap 'echo %s >> %s; exit' TERM; echo up >> %s.up; while :; do sleep 0.02; done",
                 roles[i].slot, path, path);
        words[i][0] = "/bin/sh";
        words[i][1] = "-c";
        words[i][2] = lines[i];
        words[i][3] = NULL;
        jobs[i] = shell_job(roles[i].slot, words[i]);
        jobs[i].role = roles[i].role;
    }
    children_want(world.children, jobs, 5);
    struct buffer text = {0};
    char up[PATH_MAX + 4];
    snprintf(up, sizeof(up), "%s.up", path);
    for (int64_t end_ms = clock_boot_ms() + 20000; text.size < 15 && clock_boot_ms() < end_ms;) {
        step(&world);
        buffer_clear(&text);
        file_read(up, 100, &text, NULL);
    }
    children_stop_all(world.children);
    AWAIT(children_all_stopped(world.children), step(&world));
    buffer_clear(&text);
    assert_int_equal(file_read(path, 1000, &text, NULL), STATUS_OK);
    assert_string_equal(buffer_string(&text), "nginx\ngateway\ndownloader\nbarrel\nindexserver\n");
    buffer_release(&text);
    forget(&world);
    remove_folder(world.folder);
}

/* ---- replacing without a gap ---- */

static void a_replacement_starts_first_and_takes_over_when_it_is_ready(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    static const char *const words[] = {"/bin/sh", "-c", "exec sleep 1000", "sh", NULL};
    struct child_job job = shell_job("gateway-1", words);
    job.is_named = true;
    job.overlaps = true;
    children_want(world.children, &job, 1);
    AWAIT(pid_of(&world, "gateway-1") != 0, step(&world));
    uint32_t first = pid_of(&world, "gateway-1");
    children_ready(world.children, "gateway-1");
    assert_int_equal(children_restart(world.children, WIRE__ROLE__ROLE_BARREL), 0);
    assert_int_equal(children_restart(world.children, WIRE__ROLE__ROLE_UNKNOWN), 1);
    for (int i = 0; i < 10; i++)
        step(&world);
    assert_int_equal(pid_of(&world, "gateway-1"), first); /* the old one serves */
    assert_true(exists((pid_t)first));
    children_ready(world.children, "gateway-1b");
    assert_string_equal(view_of(&world, "gateway-1").name, "gateway-1b");
    AWAIT(!exists((pid_t)first), step(&world));
    AWAIT(world.ended == 1, step(&world));
    assert_string_equal(world.last_ended, "gateway-1");
    assert_int_equal(view_of(&world, "gateway-1").restarts, 0);
    /* and back to the first name */
    children_restart(world.children, WIRE__ROLE__ROLE_UNKNOWN);
    for (int i = 0; i < 10; i++)
        step(&world);
    children_ready(world.children, "gateway-1");
    assert_string_equal(view_of(&world, "gateway-1").name, "gateway-1");
    world_close(&world);
}

static void a_replacement_that_fails_leaves_the_old_one(void **state)
{
    (void)state;
    struct world world;
    char path[PATH_MAX], line[4 * PATH_MAX];
    world_open(&world);
    path_in(world.folder, "broken", path);
    snprintf(line, sizeof(line), "test -e %s && exit 1; exec sleep 1000", path);
    struct child_job job = shell_job("gateway-1", SHELL(line));
    job.overlaps = true;
    children_want(world.children, &job, 1);
    AWAIT(pid_of(&world, "gateway-1") != 0, step(&world));
    uint32_t first = pid_of(&world, "gateway-1");
    for (int i = 0; i < 10; i++)
        step(&world); /* it is past the test */
    write_text(path, "");
    children_restart(world.children, WIRE__ROLE__ROLE_UNKNOWN);
    AWAIT(world.ended == 1, step(&world));
    assert_int_equal(pid_of(&world, "gateway-1"), first);
    assert_true(exists((pid_t)first));
    world_close(&world);
}

static void restarts_go_one_after_the_other(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    static const char *const words[] = {"/bin/sh", "-c", "exec sleep 1000", "sh", NULL};
    struct child_job jobs[] = {shell_job("barrel-0-0", words), shell_job("barrel-1-0", words)};
    jobs[0].is_named = jobs[1].is_named = true;
    children_want(world.children, jobs, 2);
    AWAIT(pid_of(&world, "barrel-0-0") != 0 && pid_of(&world, "barrel-1-0") != 0, step(&world));
    uint32_t first = pid_of(&world, "barrel-0-0"), second = pid_of(&world, "barrel-1-0");
    assert_int_equal(children_restart(world.children, WIRE__ROLE__ROLE_DOWNLOADER), 2);
    AWAIT(pid_of(&world, "barrel-0-0") != 0 && pid_of(&world, "barrel-0-0") != first, step(&world));
    for (int i = 0; i < 10; i++)
        step(&world);
    assert_int_equal(pid_of(&world, "barrel-1-0"), second); /* the first does not answer yet */
    children_ready(world.children, "barrel-0-0");
    AWAIT(pid_of(&world, "barrel-1-0") != 0 && pid_of(&world, "barrel-1-0") != second,
          step(&world));
    world_close(&world);
}

/* ---- surviving ---- */

static void the_next_orchestrator_takes_the_processes_over(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct child_job jobs[] = {shell_job("kept", SHELL("exec sleep 1000")),
                               shell_job("changed", SHELL("exec sleep 1000")),
                               shell_job("dropped", SHELL("exec sleep 1000")),
                               shell_job("dead", SHELL("exec sleep 1000"))};
    children_want(world.children, jobs, 4);
    AWAIT(pid_of(&world, "kept") && pid_of(&world, "changed") && pid_of(&world, "dropped") &&
              pid_of(&world, "dead"),
          step(&world));
    uint32_t kept = pid_of(&world, "kept"), changed = pid_of(&world, "changed");
    uint32_t dropped = pid_of(&world, "dropped"), dead = pid_of(&world, "dead");
    forget(&world);
    kill((pid_t)dead, SIGKILL);
    waitpid((pid_t)dead, NULL, 0);

    begin(&world);
    jobs[1] = shell_job("changed", SHELL("exec sleep 999"));
    jobs[2] = jobs[3];
    children_want(world.children, jobs, 3);
    assert_int_equal(pid_of(&world, "kept"), kept);
    assert_true(view_of(&world, "kept").started_us > clock_unix_us() - 60000000);
    AWAIT(pid_of(&world, "dead") != 0, step(&world));
    AWAIT(!exists((pid_t)dropped), step(&world));
    AWAIT(pid_of(&world, "changed") != 0 && pid_of(&world, "changed") != changed, step(&world));
    assert_true(exists((pid_t)kept));
    /* the end of one that was taken over is noticed as well */
    kill((pid_t)kept, SIGKILL);
    AWAIT(pid_of(&world, "kept") != 0 && pid_of(&world, "kept") != kept, step(&world));
    world_close(&world);
}

static void a_number_that_another_process_has_now_is_not_taken_over(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct child_job job = shell_job("one", SHELL("exec sleep 1000"));
    children_want(world.children, &job, 1);
    AWAIT(pid_of(&world, "one") != 0, step(&world));
    pid_t first = (pid_t)pid_of(&world, "one");
    forget(&world);
    struct buffer text = {0};
    assert_int_equal(file_read(world.state, 10000, &text, NULL), STATUS_OK);
    char old[32], new[32];
    uint64_t ticks;
    assert_true(process_start_ticks(first, &ticks));
    snprintf(old, sizeof(old), " %llu ", (unsigned long long)ticks);
    snprintf(new, sizeof(new), " %llu ", (unsigned long long)ticks - 1);
    char *at = strstr(buffer_string(&text), old);
    assert_non_null(at);
    memcpy(at, new, strlen(new)); /* as if it had begun at another time */
    write_text(world.state, buffer_string(&text));
    buffer_release(&text);
    begin(&world);
    children_want(world.children, &job, 1);
    AWAIT(pid_of(&world, "one") != 0, step(&world));
    assert_int_not_equal(pid_of(&world, "one"), first);
    assert_true(exists(first));
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    world_close(&world);
}

static void the_state_of_another_boot_means_nothing(void **state)
{
    (void)state;
    static const char *const files[] = {
        "tierce children 1 00000000-0000-0000-0000-000000000000\none one 5 1 0 0 15\n",
        "tierce children 1", "nonsense\n", "", "tierce children 9 x\n"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct world world;
        world_open(&world);
        forget(&world);
        write_text(world.state, files[i]);
        begin(&world);
        children_want(world.children, NULL, 0);
        assert_int_equal(children_count(world.children), 0);
        world_close(&world);
    }
}

/* Killed before it may run, nobody runs: the new process waits for the word. */
static void a_process_whose_starter_dies_never_runs(void **state)
{
    (void)state;
    char folder[PATH_MAX], path[PATH_MAX], line[PATH_MAX + 20];
    temporary_folder(folder);
    path_in(folder, "ran", path);
    snprintf(line, sizeof(line), "echo > %s", path);
    int numbers[2];
    assert_int_equal(pipe(numbers), 0);
    pid_t starter = fork();
    if (starter == 0) {
        struct process_start start = {.arguments = SHELL(line), .stdin_fd = -1};
        struct process_begun begun;
        if (process_begin(&start, &begun, NULL) != STATUS_OK ||
            write(numbers[1], &begun.pid, sizeof(begun.pid)) != sizeof(begun.pid))
            _exit(1);
        pause();
    }
    pid_t pid = 0;
    assert_int_equal(read(numbers[0], &pid, sizeof(pid)), sizeof(pid));
    assert_true(exists(pid));
    kill(starter, SIGKILL);
    waitpid(starter, NULL, 0);
    AWAIT(!exists(pid), rest());
    assert_int_equal(access(path, F_OK), -1);
    close(numbers[0]);
    close(numbers[1]);
    remove_folder(folder);
}

static void the_fastcgi_socket_comes_back_from_a_worker(void **state)
{
    (void)state;
    struct world world;
    char path[PATH_MAX];
    int fd = -1, again = -1, fresh = -1;
    world_open(&world);
    path_in(world.folder, "gateway.sock", path);
    assert_int_equal(fastcgi_socket_open(path, (gid_t)-1, -1, &fd, NULL), STATUS_OK);
    struct child_job job = shell_job("gateway-1", SHELL("exec sleep 1000"));
    job.role = WIRE__ROLE__ROLE_GATEWAY;
    job.stdin_fd = fd;
    children_want(world.children, &job, 1);
    AWAIT(pid_of(&world, "gateway-1") != 0, step(&world));
    struct stat before, after;
    assert_int_equal(fstat(fd, &before), 0);
    forget(&world);
    close(fd);
    begin(&world);
    int held = children_borrow_stdin(world.children, WIRE__ROLE__ROLE_GATEWAY);
    if (held < 0) {
        print_message("SKIP: the kernel allows no pidfd_getfd here\n");
        children_want(world.children, &job, 0);
        world_close(&world);
        skip();
    }
    assert_int_equal(fastcgi_socket_open(path, (gid_t)-1, held, &again, NULL), STATUS_OK);
    assert_int_equal(fstat(again, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* the same socket, with its queue */
    assert_int_equal(fcntl(again, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    /* something else is not taken for it */
    int other = dup(STDIN_FILENO);
    assert_int_equal(fastcgi_socket_open(path, (gid_t)-1, other, &fresh, NULL), STATUS_OK);
    assert_int_equal(fstat(fresh, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0660);
    close(again);
    close(fresh);
    children_want(world.children, &job, 0);
    world_close(&world);
}

static void a_path_too_long_for_a_socket_is_told(void **state)
{
    (void)state;
    char path[200];
    int fd = -1;
    struct error err;
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[199] = '\0';
    assert_int_equal(fastcgi_socket_open(path, (gid_t)-1, -1, &fd, &err), STATUS_INVALID);
    assert_int_equal(fd, -1);
}

/* ---- running a program to its end, watching a file ---- */

static void a_program_is_run_to_its_end(void **state)
{
    (void)state;
    struct error err;
    struct process_start good = {.arguments = SHELL("test \"$NAME\" = value"), .stdin_fd = -1};
    static const char *const variables[] = {"NAME=value", NULL};
    good.variables = variables;
    assert_int_equal(process_run(&good, 10000, &err), STATUS_OK);
    struct process_start bad = {.arguments = SHELL("exit 4"), .stdin_fd = -1};
    assert_int_equal(process_run(&bad, 10000, &err), STATUS_INVALID);
    assert_string_equal(err.text, "/bin/sh: exit status 4");
    struct process_start slow = {.arguments = SHELL("exec sleep 100"), .stdin_fd = -1};
    assert_int_equal(process_run(&slow, 100, &err), STATUS_TIMEOUT);
    static const char *const nothing[] = {"/nowhere", NULL};
    struct process_start absent = {.arguments = nothing, .stdin_fd = -1};
    assert_int_equal(process_run(&absent, 10000, &err), STATUS_IO);
}

static void a_process_inherits_nothing_but_its_input(void **state)
{
    (void)state;
    int open_fd = dup(STDERR_FILENO); /* not close-on-exec */
    struct process_start start = {
        .arguments = SHELL("test \"$(ls /proc/self/fd | wc -l)\" = 4 && ! test -t 0"),
        .stdin_fd = -1};
    struct error err = {0};
    if (process_run(&start, 10000, &err) != STATUS_OK) /* ls has a descriptor of the folder */
        fail_msg("%s", err.text);
    close(open_fd);
}

static void count_change(void *context)
{
    ++*(unsigned *)context;
}

static void a_file_is_watched_through_every_way_of_writing_it(void **state)
{
    (void)state;
    char folder[PATH_MAX], path[PATH_MAX], other[PATH_MAX];
    struct loop loop;
    struct file_watch *watch;
    unsigned changes = 0;
    temporary_folder(folder);
    path_in(folder, "config.yaml", path);
    path_in(folder, "config.yaml.swp", other);
    assert_int_equal(loop_open(&loop, NULL), STATUS_OK);
    assert_int_equal(file_watch_open(&loop, path, &changes, count_change, &watch, NULL), STATUS_OK);
    write_text(path, "a: 1\n"); /* in place */
    AWAIT(changes == 1, loop_step(&loop, clock_boot_ms() + 20));
    write_text(other, "a: 2\n");              /* not ours */
    assert_int_equal(rename(other, path), 0); /* as editors do */
    AWAIT(changes == 2, loop_step(&loop, clock_boot_ms() + 20));
    FILE *half = fopen(path, "we");
    fputs("a: ", half);
    fflush(half);
    for (int i = 0; i < 5; i++)
        loop_step(&loop, clock_boot_ms() + 10);
    assert_int_equal(changes, 2); /* half written is not told */
    fclose(half);
    AWAIT(changes == 3, loop_step(&loop, clock_boot_ms() + 20));
    unlink(path);
    AWAIT(changes == 4, loop_step(&loop, clock_boot_ms() + 20));
    file_watch_close(watch);
    /* a link: what it points to is watched too */
    char target[PATH_MAX], target_folder[PATH_MAX];
    path_in(folder, "real", target_folder);
    assert_int_equal(mkdir(target_folder, 0700), 0);
    path_in(target_folder, "c.yaml", target);
    write_text(target, "a: 3\n");
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(file_watch_open(&loop, path, &changes, count_change, &watch, NULL), STATUS_OK);
    write_text(target, "a: 4\n");
    AWAIT(changes == 5, loop_step(&loop, clock_boot_ms() + 20));
    file_watch_close(watch);
    loop_close(&loop);
    remove_folder(folder);
}

int main(void)
{
    log_open("test", LOG_ERROR_LEVEL);
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted_runs_and_what_is_not_ends),
        cmocka_unit_test(a_process_that_ends_is_started_again_with_pauses),
        cmocka_unit_test(a_killed_one_is_back_at_once_where_that_is_free),
        cmocka_unit_test(a_program_that_is_not_there_is_told),
        cmocka_unit_test(what_a_process_leaves_behind_ends_with_it),
        cmocka_unit_test(a_process_that_does_not_end_is_pressed_and_killed),
        cmocka_unit_test(the_end_goes_from_the_proxy_to_the_indexserver),
        cmocka_unit_test(a_replacement_starts_first_and_takes_over_when_it_is_ready),
        cmocka_unit_test(a_replacement_that_fails_leaves_the_old_one),
        cmocka_unit_test(restarts_go_one_after_the_other),
        cmocka_unit_test(the_next_orchestrator_takes_the_processes_over),
        cmocka_unit_test(a_number_that_another_process_has_now_is_not_taken_over),
        cmocka_unit_test(the_state_of_another_boot_means_nothing),
        cmocka_unit_test(a_process_whose_starter_dies_never_runs),
        cmocka_unit_test(the_fastcgi_socket_comes_back_from_a_worker),
        cmocka_unit_test(a_path_too_long_for_a_socket_is_told),
        cmocka_unit_test(a_program_is_run_to_its_end),
        cmocka_unit_test(a_process_inherits_nothing_but_its_input),
        cmocka_unit_test(a_file_is_watched_through_every_way_of_writing_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
