/* What a confined downloader may do and may not: each in a process of its own. */
#include "downloader/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "base/check.h"
#include "base/log.h"
#include "cluster/member.h"
#include "downloader/spawner.h"
#include "sandbox/files.h"
#include "sandbox/limits.h"

enum { ALLOWED = 10, REFUSED = 11, NOT_CONFINED = 12, CURL_MS = 2000 };

static char outside[] = "/tmp/tierce-confine-XXXXXX"; /* a file that nothing allows */

static int need_confinement(void **state)
{
    (void)state;
    log_open("test", LOG_ERROR_LEVEL);
    int fd = mkstemp(outside);
    return fd >= 0 ? close(fd) : -1;
}

static int remove_outside(void **state)
{
    (void)state;
    return unlink(outside);
}

/* Runs `attempt` confined. Returns how its process ended, as waitpid() tells. */
static int end_of(bool (*attempt)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (confine(NULL) != STATUS_OK)
            _exit(NOT_CONFINED);
        _exit(attempt() ? ALLOWED : REFUSED);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return how;
}

static void assert_exit(bool (*attempt)(void), int code, const char *what)
{
    int how = end_of(attempt);
    if (!WIFEXITED(how) || WEXITSTATUS(how) != code)
        fail_msg("%s: %s %d", what, WIFEXITED(how) ? "exit" : "signal",
                 WIFEXITED(how) ? WEXITSTATUS(how) : WTERMSIG(how));
}

static void skip_sanitized(void)
{
    if (sandbox_is_sanitized()) {
        print_message("skipped: built with a sanitizer\n");
        skip();
    }
}

#define ATTEMPT(name, expression)                                                                  \
    static bool name(void)                                                                         \
    {                                                                                              \
        return (expression);                                                                       \
    }

/* ---- refused by the filter ---- */

static const struct sockaddr_in any_port = {.sin_family = AF_INET};

static bool listen_on_a_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(fd, (const struct sockaddr *)&any_port, sizeof(any_port)) == 0 ||
           listen(fd, 1) == 0; /* without a bind() the kernel would choose the port */
}

static bool make_code(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED || mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool map_code_of_no_file(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool raise_a_limit(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_CORE, &limit) == 0;
}

ATTEMPT(write_a_file, open(outside, O_WRONLY | O_CLOEXEC) >= 0)
ATTEMPT(append_to_a_file, open(outside, O_RDWR | O_APPEND | O_CLOEXEC) >= 0)
ATTEMPT(make_a_file, open("/tmp/tierce-made", O_RDONLY | O_CREAT | O_CLOEXEC, 0600) >= 0)
ATTEMPT(cut_a_file, open(outside, O_RDONLY | O_TRUNC | O_CLOEXEC) >= 0)
ATTEMPT(remove_a_file, unlink(outside) == 0)
ATTEMPT(rename_a_file, rename(outside, "/tmp/tierce-renamed") == 0)
ATTEMPT(make_a_folder, mkdir("/tmp/tierce-folder", 0700) == 0)
ATTEMPT(make_a_process, fork() >= 0)
ATTEMPT(make_a_process_by_clone3, syscall(SYS_clone3, NULL, 0) == 0 || errno != ENOSYS)
ATTEMPT(open_a_packet_socket, socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0)
ATTEMPT(open_a_raw_socket, socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) >= 0)
ATTEMPT(open_netlink, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0)
ATTEMPT(signal_another, kill(getppid(), SIGUSR1) == 0)
ATTEMPT(be_dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0)
ATTEMPT(have_memory_of_a_name, syscall(SYS_memfd_create, "x", 0) >= 0)
ATTEMPT(use_io_uring, syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != EPERM)
ATTEMPT(use_bpf, syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno != EPERM)
ATTEMPT(mount_something, syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, NULL) == 0 || errno != EPERM)
ATTEMPT(become_another, setuid(65534) == 0)

static void what_a_downloader_has_no_use_for_is_refused(void **state)
{
    (void)state;
    skip_sanitized();
    static const struct {
        const char *what;
        bool (*attempt)(void);
    } attempts[] = {
        {"listen", listen_on_a_port},
        {"mprotect", make_code},
        {"mmap", map_code_of_no_file},
        {"setrlimit", raise_a_limit},
        {"write", write_a_file},
        {"append", append_to_a_file},
        {"create", make_a_file},
        {"truncate", cut_a_file},
        {"unlink", remove_a_file},
        {"rename", rename_a_file},
        {"mkdir", make_a_folder},
        {"fork", make_a_process},
        {"clone3", make_a_process_by_clone3},
        {"packet", open_a_packet_socket},
        {"raw", open_a_raw_socket},
        {"netlink", open_netlink},
        {"kill", signal_another},
        {"dumpable", be_dumpable},
        {"memfd", have_memory_of_a_name},
        {"io_uring", use_io_uring},
        {"bpf", use_bpf},
        {"mount", mount_something},
        {"setuid", become_another},
    };
    for (size_t i = 0; i < ARRAY_COUNT(attempts); i++)
        assert_exit(attempts[i].attempt, REFUSED, attempts[i].what);
}

/* ---- ended by the filter ---- */

static bool run_a_program(void)
{
    static char program[] = "/bin/true";
    char *argv[] = {program, NULL};
    return execv(program, argv) == 0;
}

ATTEMPT(trace_another, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0)

static void running_a_program_or_looking_into_one_ends_the_process(void **state)
{
    (void)state;
    skip_sanitized();
    static bool (*const attempts[])(void) = {run_a_program, trace_another};
    for (size_t i = 0; i < ARRAY_COUNT(attempts); i++) {
        int how = end_of(attempts[i]);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGSYS);
    }
}

/* ---- refused by Landlock ---- */

ATTEMPT(read_another_file, open(outside, O_RDONLY | O_CLOEXEC) >= 0)
ATTEMPT(read_another_process, open("/proc/1/environ", O_RDONLY | O_CLOEXEC) >= 0)
ATTEMPT(list_a_folder, open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0)

static void files_that_names_and_certificates_do_not_need_are_not_read(void **state)
{
    (void)state;
    skip_sanitized();
    if (files_confinement_version() == 0) {
        print_message("skipped: this kernel has no Landlock\n");
        skip();
    }
    assert_exit(read_another_file, REFUSED, "read");
    assert_exit(read_another_process, REFUSED, "/proc/1");
    assert_exit(list_a_folder, REFUSED, "list");
}

/* ---- allowed ---- */

static void *do_nothing(void *context)
{
    return context;
}

static bool start_a_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, do_nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool resolve_a_name(void)
{
    struct addrinfo *list = NULL;
    bool found = getaddrinfo("localhost", "80", NULL, &list) == 0;
    if (found)
        freeaddrinfo(list);
    return found;
}

/* By libcurl and its resolving thread; nobody listens, and that is what it must come to. */
static bool fetch_by_name(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, "https://localhost:2/");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)CURL_MS);
    return curl_easy_perform(easy) == CURLE_COULDNT_CONNECT;
}

ATTEMPT(read_the_certificates, open("/etc/ssl/certs", O_RDONLY | O_CLOEXEC) >= 0)
ATTEMPT(read_the_resolver, access("/etc/resolv.conf", F_OK) != 0 ||
                               open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC) >= 0)

static void names_threads_and_connections_go_on(void **state)
{
    (void)state;
    assert_exit(start_a_thread, ALLOWED, "thread");
    assert_exit(resolve_a_name, ALLOWED, "name");
    assert_exit(fetch_by_name, ALLOWED, "fetch");
    assert_exit(read_the_certificates, ALLOWED, "certificates");
    assert_exit(read_the_resolver, ALLOWED, "resolv.conf");
}

static bool memory_is_known(void)
{
    Wire__Memory memory;
    member_memory(&memory);
    return memory.anonymous > 0;
}

static void a_heartbeat_knows_the_memory_that_was_asked_for_before(void **state)
{
    Wire__Memory memory;
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        member_memory(&memory); /* of this process */
        _exit(confine(NULL) == STATUS_OK && memory_is_known() ? ALLOWED : REFUSED);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == ALLOWED);
}

static struct spawner *spawner;

static bool have_the_parser_started(void)
{
    int fd = -1;
    char byte = 'x';
    if (spawner_start(spawner, &fd, NULL) != STATUS_OK)
        return false;
    struct timeval patience = {.tv_sec = 5};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return write(fd, "y", 1) == 1 && read(fd, &byte, 1) == 1 && byte == 'y';
}

static void the_parser_is_started_by_another_process(void **state)
{
    (void)state;
    assert_int_equal(spawner_open("/bin/cat", &spawner, NULL), STATUS_OK);
    assert_exit(have_the_parser_started, ALLOWED, "the parser");
    spawner_close(spawner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_downloader_has_no_use_for_is_refused),
        cmocka_unit_test(running_a_program_or_looking_into_one_ends_the_process),
        cmocka_unit_test(files_that_names_and_certificates_do_not_need_are_not_read),
        cmocka_unit_test(names_threads_and_connections_go_on),
        cmocka_unit_test(a_heartbeat_knows_the_memory_that_was_asked_for_before),
        cmocka_unit_test(the_parser_is_started_by_another_process),
    };
    return cmocka_run_group_tests(tests, need_confinement, remove_outside);
}
