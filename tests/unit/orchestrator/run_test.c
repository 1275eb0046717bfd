/*
 * The real orchestrator with other programs: this test itself, which plays a barrel, a gateway and
 * so on when it is called by such a name. They register, beat and, as FastCGI workers, answer every
 * connection with "ok".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <libgen.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "cluster/member.h"
#include "orchestrator/process.h"
#include "rpc/client.h"
#include "support.h"

/* ---- the other programs ------------------------------------------------------------------------
 */

static const char *option(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    }
    return NULL;
}

static void fill_barrel(void *context, Wire__HeartbeatRequest *heartbeat)
{
    static Wire__BarrelStatus status = WIRE__BARREL_STATUS__INIT;
    static uint64_t lengths[5] = {1, 2, 3, 4, 5};
    (void)context;
    status.documents = 21;
    status.field_lengths = lengths;
    status.n_field_lengths = 5;
    heartbeat->barrel = &status;
}

/* Answers what comes in on standard input until the signal does, and what waits then too. */
static void serve_socket(const sigset_t *signals)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec now = {0};
    bool stopping = false;
    fd_set_nonblocking(STDIN_FILENO, true, NULL);
    while (!stopping) {
        stopping = sigtimedwait(signals, NULL, &now) == SIGTERM;
        poll(&fd, 1, stopping ? 0 : 10);
        int connection = accept(STDIN_FILENO, NULL, NULL);
        if (connection < 0)
            continue;
        if (write(connection, "ok", 2) != 2)
            abort();
        close(connection);
    }
}

static int play(const char *program, int argc, char **argv)
{
    struct cluster_key key;
    struct member *member;
    struct error err = {0};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    bool is_worker = option(argc, argv, "--fastcgi-fd") != NULL;
    Wire__Role role = strcmp(program, "barrel") == 0        ? WIRE__ROLE__ROLE_BARREL
                      : strcmp(program, "indexserver") == 0 ? WIRE__ROLE__ROLE_INDEXSERVER
                      : strcmp(program, "downloader") == 0  ? WIRE__ROLE__ROLE_DOWNLOADER
                      : is_worker                           ? WIRE__ROLE__ROLE_GATEWAY
                                                            : WIRE__ROLE__ROLE_GRPC;
    log_open(program, LOG_ERROR_LEVEL);
    const char *shard = option(argc, argv, "--shard");
    struct member_options options = {.orchestrator = option(argc, argv, "--orchestrator"),
                                     .key = &key,
                                     .role = role,
                                     .name = option(argc, argv, "--name"),
                                     .address = "127.0.0.1:1",
                                     .shard = shard == NULL ? -1 : atoi(shard),
                                     .fill_heartbeat =
                                         role == WIRE__ROLE__ROLE_BARREL ? fill_barrel : NULL};
    if (cluster_key_load(option(argc, argv, "--key-file"), NULL, &key, &err) != STATUS_OK ||
        member_start(&options, 10000, &member, &err) != STATUS_OK) {
        fprintf(stderr, "%s: %s\n", program, err.text);
        return 1;
    }
    member_set_state(member, WIRE__MEMBER_STATE__STATE_READY);
    int number;
    if (is_worker)
        serve_socket(&signals);
    else
        sigwait(&signals, &number);
    member_stop(member);
    return 0;
}

/* ---- an installation ---------------------------------------------------------------------------
 */

struct site {
    char folder[PATH_MAX], data[PATH_MAX], bin[PATH_MAX], config[PATH_MAX], socket[PATH_MAX];
    char share[PATH_MAX], program[PATH_MAX];
    char port[8]; /* the same after a restart: the processes know it */
    pid_t pid;
    struct cluster_key key;
    struct rpc_client *client;
    struct arena arena;
    Wire__Stats *stats;
};

#define CONFIG "ports: {grpc: 18999}\ngateways: {workers: 2}\n"

static pid_t running; /* ended by the teardown where a test failed */

static void find_port(char ret[8])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(ret, 8, "%u", ntohs(address.sin_port));
    close(fd);
}

static void site_make(struct site *site)
{
    char self[PATH_MAX], path[PATH_MAX];
    *site = (struct site){.pid = 0};
    assert_non_null(realpath("/proc/self/exe", self));
    find_port(site->port);
    temporary_folder(site->folder);
    path_in(site->folder, "data", site->data);
    path_in(site->folder, "bin", site->bin);
    path_in(site->folder, "share", site->share);
    path_in(site->folder, "config.yaml", site->config);
    path_in(site->data, "run/gateway.sock", site->socket);
    assert_int_equal(mkdir(site->bin, 0700), 0);
    assert_int_equal(mkdir(site->share, 0700), 0);
    static const char *const programs[] = {"indexserver", "barrel", "downloader", "gateway"};
    for (size_t i = 0; i < ARRAY_COUNT(programs); i++)
        assert_int_equal(symlink(self, path_in(site->bin, programs[i], path)), 0);
    write_text(site->config, CONFIG);
    char *folder = dirname(dirname(dirname(self))); /* build/X/test/orchestrator/run_test */
    path_in(folder, "bin/orchestrator", site->program);
    if (access(site->program, X_OK) != 0) {
        print_message("SKIP: there is no %s\n", site->program);
        remove_folder(site->folder);
        skip();
    }
}

static pid_t run(struct site *site, int output)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (output >= 0) {
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
    }
    execl(site->program, "orchestrator", "--config", site->config, "--data", site->data, "--bin",
          site->bin, "--share-folder", site->share, "--proxy-folder", "proxy", "--proxy", "none",
          "--port", site->port, "--indexserver-port", "0", "--shards", "2", "--log-level",
          getenv("TEST_LOG_LEVEL") == NULL ? "error" : getenv("TEST_LOG_LEVEL"), (char *)NULL);
    _exit(127);
}

static void connect_to(struct site *site)
{
    char path[PATH_MAX];
    struct buffer text = {0};
    rpc_client_close(site->client);
    site->client = NULL;
    assert_int_equal(
        file_read(path_in(site->data, "run/orchestrator.address", path), 300, &text, NULL),
        STATUS_OK);
    assert_int_equal(cluster_key_load(NULL, site->data, &site->key, NULL), STATUS_OK);
    assert_int_equal(rpc_client_open(buffer_string(&text), &site->key, &site->client, NULL),
                     STATUS_OK);
    buffer_release(&text);
}

static enum status call(struct site *site, Wire__Method method, const ProtobufCMessage *request,
                        const ProtobufCMessageDescriptor *descriptor, void **ret_reply)
{
    Wire__Empty empty = WIRE__EMPTY__INIT;
    struct error err;
    return rpc_call(site->client, (uint16_t)method, request == NULL ? &empty.base : request,
                    descriptor, &site->arena, 10000, ret_reply, &err);
}

static bool has_stats(struct site *site)
{
    arena_reset(&site->arena);
    void *reply;
    if (call(site, WIRE__METHOD__ORCHESTRATOR_STATS, NULL, &wire__stats__descriptor, &reply) !=
        STATUS_OK)
        return false;
    site->stats = reply;
    return true;
}

static unsigned ready_members(struct site *site, Wire__Role role)
{
    unsigned count = 0;
    if (!has_stats(site))
        return 0;
    for (size_t i = 0; i < site->stats->n_members; i++)
        count += site->stats->members[i]->role == role && site->stats->members[i]->pid != 0 &&
                 site->stats->members[i]->state == WIRE__MEMBER_STATE__STATE_READY;
    return count;
}

static const Wire__MemberStatus *member_named(struct site *site, const char *name)
{
    for (size_t i = 0; has_stats(site) && i < site->stats->n_members; i++) {
        if (strcmp(site->stats->members[i]->name, name) == 0)
            return site->stats->members[i];
    }
    return NULL;
}

static uint32_t pid_named(struct site *site, const char *name)
{
    const Wire__MemberStatus *member = member_named(site, name);
    return member == NULL ? 0 : member->pid;
}

static bool all_ready(struct site *site)
{
    return ready_members(site, WIRE__ROLE__ROLE_BARREL) == 2 &&
           ready_members(site, WIRE__ROLE__ROLE_INDEXSERVER) == 1 &&
           ready_members(site, WIRE__ROLE__ROLE_GATEWAY) == 2 &&
           ready_members(site, WIRE__ROLE__ROLE_DOWNLOADER) == 1 &&
           ready_members(site, WIRE__ROLE__ROLE_GRPC) == 1;
}

static void site_start(struct site *site)
{
    char path[PATH_MAX];
    unlink(path_in(site->data, "run/orchestrator.address", path));
    running = site->pid = run(site, -1);
    AWAIT(access(path, F_OK) == 0, rest());
    connect_to(site);
    AWAIT(all_ready(site), rest());
}

static int wait_for(pid_t pid)
{
    int code = 0;
    assert_int_equal(waitpid(pid, &code, 0), pid);
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static void site_end(struct site *site)
{
    rpc_client_close(site->client);
    arena_release(&site->arena);
    kill(site->pid, SIGTERM);
    assert_int_equal(wait_for(site->pid), 0);
    running = 0;
    char path[PATH_MAX];
    assert_int_equal(access(path_in(site->data, "run/children", path), F_OK), -1);
    remove_folder(site->folder);
}

/* ---- load on the FastCGI socket
 * ------------------------------------------------------------------ */

struct load {
    const char *socket;
    bool stop;
    unsigned answered;
    unsigned failed;
    pthread_t thread;
};

static bool ask(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[2];
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
              read(fd, answer, 2) == 2 && memcmp(answer, "ok", 2) == 0;
    close(fd);
    return ok;
}

static void *keep_asking(void *context)
{
    struct load *load = context;
    while (!__atomic_load_n(&load->stop, __ATOMIC_RELAXED)) {
        if (ask(load->socket))
            __atomic_add_fetch(&load->answered, 1, __ATOMIC_RELAXED);
        else
            __atomic_add_fetch(&load->failed, 1, __ATOMIC_RELAXED);
        rest();
    }
    return NULL;
}

static void load_begin(struct load *load, const struct site *site)
{
    *load = (struct load){.socket = site->socket};
    assert_int_equal(pthread_create(&load->thread, NULL, keep_asking, load), 0);
}

static void load_end(struct load *load)
{
    __atomic_store_n(&load->stop, true, __ATOMIC_RELAXED);
    pthread_join(load->thread, NULL);
    assert_true(load->answered > 0);
    assert_int_equal(load->failed, 0);
}

/* ---- the tests
 * ----------------------------------------------------------------------------------- */

static void a_configuration_with_mistakes_ends_the_start(void **state)
{
    (void)state;
    struct site site;
    struct buffer text = {0};
    char path[PATH_MAX];
    site_make(&site);
    write_text(site.config, "ports: {https: 0}\nhostnam: x\n");
    FILE *output = fopen(path_in(site.folder, "output", path), "we");
    assert_int_equal(wait_for(run(&site, fileno(output))), 1);
    fclose(output);
    assert_int_equal(file_read(path, 100000, &text, NULL), STATUS_OK);
    assert_non_null(strstr(buffer_string(&text), "config.yaml:1:16: ports.https: 0 is too small"));
    assert_non_null(strstr(buffer_string(&text),
                           "config.yaml:2:1: hostnam: unknown key; did you mean hostname?"));
    buffer_release(&text);
    remove_folder(site.folder);
}

static int check(const struct site *site, char *ret_output, size_t size)
{
    char command[3 * PATH_MAX];
    snprintf(command, sizeof(command), "%s --check --config %s", site->program, site->config);
    FILE *pipe = popen(command, "re");
    ret_output[fread(ret_output, 1, size - 1, pipe)] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void a_check_says_ok_or_what_is_wrong(void **state)
{
    (void)state;
    struct site site;
    char output[2000];
    site_make(&site);
    assert_int_equal(check(&site, output, sizeof(output)), 0);
    assert_string_equal(output, "ok\n");
    write_text(site.config, "ports: {https: 0}\ncrawl: {delay: x}\n");
    assert_int_equal(check(&site, output, sizeof(output)), 1);
    assert_non_null(strstr(output, "config.yaml:1:16: "));
    assert_non_null(strstr(output, "config.yaml:2:16: "));
    unlink(site.config);
    assert_int_equal(check(&site, output, sizeof(output)), 1);
    assert_non_null(strstr(output, "no such file"));
    remove_folder(site.folder);
}

static void the_whole_starts_and_ends(void **state)
{
    (void)state;
    struct site site;
    struct buffer text = {0};
    char path[PATH_MAX];
    site_make(&site);
    site_start(&site);
    assert_int_equal(pid_named(&site, "orchestrator"), site.pid);
    const Wire__MemberStatus *barrel = member_named(&site, "barrel-1-0");
    assert_int_equal(barrel->barrel->documents, 21);
    pid_t pid = (pid_t)barrel->pid;
    AWAIT(has_stats(&site) && site.stats->corpus->documents == 42, rest());
    assert_true(site.stats->memory->anonymous > 0);
    assert_string_equal(site.stats->base_url, "https://localhost:8443");
    assert_true(ask(site.socket));
    /* a second one is told who runs */
    FILE *output = fopen(path_in(site.folder, "output", path), "we");
    assert_int_equal(wait_for(run(&site, fileno(output))), 1);
    fclose(output);
    assert_int_equal(file_read(path, 100000, &text, NULL), STATUS_OK);
    char words[100];
    snprintf(words, sizeof(words), "already running with this data folder (PID %d)", site.pid);
    assert_non_null(strstr(buffer_string(&text), words));
    buffer_release(&text);
    site_end(&site);
    uint64_t ticks;
    assert_false(process_start_ticks(pid, &ticks));
}

static void processes_survive_the_orchestrator_and_are_taken_over(void **state)
{
    (void)state;
    static const char *const names[] = {"indexserver", "barrel-0-0", "barrel-1-0", "downloader-1",
                                        "gateway-1",   "gateway-2",  "grpc"};
    struct site site;
    struct load load;
    uint32_t pids[ARRAY_COUNT(names)];
    uint64_t ids[ARRAY_COUNT(names)];
    site_make(&site);
    site_start(&site);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        pids[i] = pid_named(&site, names[i]);
        ids[i] = member_named(&site, names[i])->member;
    }
    uint64_t epoch = site.stats->corpus->epoch, version = site.stats->config_version;
    load_begin(&load, &site);
    for (int round = 0; round < 2; round++) {
        kill(site.pid, SIGKILL);
        wait_for(site.pid);
        for (int i = 0; i < 5; i++)
            assert_true(ask(site.socket)); /* nobody supervises, and all is well */
        site_start(&site);
        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
            assert_int_equal(pid_named(&site, names[i]), pids[i]);
            assert_int_equal(member_named(&site, names[i])->member, ids[i]);
        }
        assert_int_equal(site.stats->config_version, version);
        assert_true(site.stats->corpus->epoch >= epoch);
    }
    /* those that were taken over are supervised like the others */
    kill((pid_t)pids[1], SIGKILL);
    AWAIT(pid_named(&site, "barrel-0-0") != pids[1] && all_ready(&site), rest());
    load_end(&load);
    site_end(&site);
}

static void the_pool_is_replaced_without_a_refused_connection(void **state)
{
    (void)state;
    struct site site;
    struct load loads[4];
    void *reply;
    site_make(&site);
    site_start(&site);
    uint32_t first = pid_named(&site, "gateway-1"), second = pid_named(&site, "gateway-2");
    for (int i = 0; i < 4; i++)
        load_begin(&loads[i], &site);
    Wire__RestartRequest request = WIRE__RESTART_REQUEST__INIT;
    request.role = WIRE__ROLE__ROLE_GATEWAY;
    assert_int_equal(
        call(&site, WIRE__METHOD__RESTART, &request.base, &wire__empty__descriptor, &reply),
        STATUS_OK);
    AWAIT(pid_named(&site, "gateway-1b") != 0 && pid_named(&site, "gateway-2b") != 0 &&
              pid_named(&site, "gateway-1") == 0 && pid_named(&site, "gateway-2") == 0,
          rest());
    uint64_t ticks;
    AWAIT(!process_start_ticks((pid_t)first, &ticks) && !process_start_ticks((pid_t)second, &ticks),
          rest());
    for (int i = 0; i < 4; i++)
        load_end(&loads[i]);
    request.role = WIRE__ROLE__ROLE_PROXY;
    assert_int_equal(
        call(&site, WIRE__METHOD__RESTART, &request.base, &wire__empty__descriptor, &reply),
        STATUS_NOT_FOUND);
    site_end(&site);
}

static void a_good_edit_is_taken_up_and_a_bad_one_refused(void **state)
{
    (void)state;
    struct site site;
    char fresh[PATH_MAX];
    site_make(&site);
    site_start(&site);
    uint64_t version = site.stats->config_version;
    uint32_t pid = pid_named(&site, "gateway-1");
    /* bad: everything stays */
    write_text(site.config, CONFIG "search: {timeout: soon}\n");
    AWAIT(has_stats(&site) &&
              strstr(site.stats->config_error, "config.yaml:3:19: search.timeout") != NULL,
          rest());
    assert_int_equal(site.stats->config_version, version);
    /* good, by a rename: everybody has the new settings, nobody was restarted */
    write_text(path_in(site.folder, "fresh", fresh), CONFIG "search: {timeout: 2s}\n");
    assert_int_equal(rename(fresh, site.config), 0);
    AWAIT(has_stats(&site) && site.stats->config_version > version, rest());
    assert_string_equal(site.stats->config_error, "");
    assert_int_equal(pid_named(&site, "gateway-1"), pid);
    /* what a running installation cannot take up waits for the next start */
    version = site.stats->config_version;
    write_text(site.config, CONFIG "search: {timeout: 3s}\nbarrels: {shards: 3}\n");
    AWAIT(has_stats(&site) && site.stats->config_version > version, rest());
    assert_true(all_ready(&site));
    /* more workers, fewer workers */
    write_text(site.config, "ports: {grpc: 18999}\ngateways: {workers: 3}\n");
    AWAIT(ready_members(&site, WIRE__ROLE__ROLE_GATEWAY) == 3, rest());
    write_text(site.config, "ports: {grpc: none}\ngateways: {workers: 1}\n");
    AWAIT(ready_members(&site, WIRE__ROLE__ROLE_GATEWAY) == 1 &&
              ready_members(&site, WIRE__ROLE__ROLE_GRPC) == 0,
          rest());
    assert_int_equal(pid_named(&site, "gateway-1"), pid);
    /* gone, and back with a signal */
    unlink(site.config);
    AWAIT(has_stats(&site) && strstr(site.stats->config_error, "no such file") != NULL, rest());
    write_text(site.config, CONFIG);
    AWAIT(all_ready(&site), rest());
    site_end(&site);
}

static void a_login_code_is_good_once(void **state)
{
    (void)state;
    struct site site;
    void *reply;
    site_make(&site);
    site_start(&site);
    assert_int_equal(call(&site, WIRE__METHOD__LOGIN_NEW, NULL, &wire__login__descriptor, &reply),
                     STATUS_OK);
    const Wire__Login *login = reply;
    assert_int_equal(
        call(&site, WIRE__METHOD__LOGIN_REDEEM, &login->base, &wire__empty__descriptor, &reply),
        STATUS_OK);
    assert_int_equal(
        call(&site, WIRE__METHOD__LOGIN_REDEEM, &login->base, &wire__empty__descriptor, &reply),
        STATUS_DENIED);
    assert_int_equal(call(&site, WIRE__METHOD__PING, NULL, &wire__empty__descriptor, &reply),
                     STATUS_OK);
    assert_int_equal(call(&site, WIRE__METHOD__SEARCH, NULL, &wire__empty__descriptor, &reply),
                     STATUS_UNSUPPORTED);
    site_end(&site);
}

static void a_process_started_by_hand_joins_or_is_told_why_not(void **state)
{
    (void)state;
    struct site site;
    struct member *member;
    struct error err = {0};
    site_make(&site);
    site_start(&site);
    char address[300];
    snprintf(address, sizeof(address), "%s", rpc_client_address(site.client));
    struct member_options options = {.orchestrator = address,
                                     .key = &site.key,
                                     .role = WIRE__ROLE__ROLE_BARREL,
                                     .address = "127.0.0.1:2",
                                     .shard = -1};
    assert_int_equal(member_start(&options, 5000, &member, &err), STATUS_OK);
    assert_string_equal(member_name(member), "barrel-0-1");
    struct routing *routing = member_routing(member);
    assert_int_equal(routing->shard_count, 2);
    assert_int_equal(routing->shards[0].replica_count, 2);
    routing_release(routing);
    write_text(site.config, CONFIG "hostname: search.example.org\n");
    bool is_told = false;
    AWAIT(is_told, {
        rest();
        routing = member_routing(member);
        is_told = strcmp(routing->advertise_host, "search.example.org") == 0;
        routing_release(routing);
    });
    struct member *refused = NULL;
    options.name = "barrel-0-0";
    assert_int_equal(member_start(&options, 5000, &refused, &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.text, "barrel-0-0 runs already (PID "));
    member_stop(member);
    site_end(&site);
}

static void searches_are_counted_once(void **state)
{
    (void)state;
    struct site site;
    void *reply;
    site_make(&site);
    site_start(&site);
    Wire__QueryCount query = WIRE__QUERY_COUNT__INIT;
    query.query = (char *)"cask";
    query.count = 3;
    Wire__QueryCount *queries[] = {&query};
    Wire__BarrelLatency latency = WIRE__BARREL_LATENCY__INIT;
    latency.member = member_named(&site, "barrel-0-0")->member;
    latency.calls = 4;
    latency.total_us = 1000;
    Wire__BarrelLatency *latencies[] = {&latency};
    Wire__GatewayReport report = WIRE__GATEWAY_REPORT__INIT;
    report.requests = 5;
    report.searches = 3;
    report.queries = queries;
    report.n_queries = 1;
    report.latencies = latencies;
    report.n_latencies = 1;
    Wire__HeartbeatRequest heartbeat = WIRE__HEARTBEAT_REQUEST__INIT;
    heartbeat.gateway = &report;
    heartbeat.state = WIRE__MEMBER_STATE__STATE_READY;
    heartbeat.member = 1; /* nobody: it will register and send its counts again */
    assert_int_equal(call(&site, WIRE__METHOD__HEARTBEAT, &heartbeat.base,
                          &wire__heartbeat_reply__descriptor, &reply),
                     STATUS_OK);
    assert_true(((const Wire__HeartbeatReply *)reply)->unknown);
    assert_true(has_stats(&site));
    assert_int_equal(site.stats->requests, 0);
    heartbeat.member = member_named(&site, "gateway-1")->member;
    assert_int_equal(call(&site, WIRE__METHOD__HEARTBEAT, &heartbeat.base,
                          &wire__heartbeat_reply__descriptor, &reply),
                     STATUS_OK);
    const Wire__MemberStatus *barrel = member_named(&site, "barrel-0-0");
    assert_int_equal(barrel->calls, 4);
    assert_int_equal(barrel->mean_response_us, 250);
    assert_int_equal(site.stats->requests, 5);
    assert_int_equal(site.stats->searches, 3);
    assert_int_equal(site.stats->n_top_queries, 1);
    assert_string_equal(site.stats->top_queries[0]->query, "cask");
    /* counts outlive a clean restart */
    kill(site.pid, SIGTERM);
    assert_int_equal(wait_for(site.pid), 0);
    site_start(&site);
    assert_int_equal(site.stats->requests, 5);
    assert_int_equal(site.stats->top_queries[0]->count, 3);
    site_end(&site);
}

static int end_running(void **state)
{
    (void)state;
    if (running > 0) {
        kill(running, SIGTERM);
        waitpid(running, NULL, 0);
        running = 0;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char self[PATH_MAX];
    snprintf(self, sizeof(self), "%s", argv[0]);
    const char *program = basename(self);
    if (strcmp(program, "run_test") != 0)
        return play(program, argc, argv);
    log_open("test", LOG_ERROR_LEVEL);
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_configuration_with_mistakes_ends_the_start, end_running),
        cmocka_unit_test_teardown(a_check_says_ok_or_what_is_wrong, end_running),
        cmocka_unit_test_teardown(the_whole_starts_and_ends, end_running),
        cmocka_unit_test_teardown(processes_survive_the_orchestrator_and_are_taken_over,
                                  end_running),
        cmocka_unit_test_teardown(the_pool_is_replaced_without_a_refused_connection, end_running),
        cmocka_unit_test_teardown(a_good_edit_is_taken_up_and_a_bad_one_refused, end_running),
        cmocka_unit_test_teardown(a_login_code_is_good_once, end_running),
        cmocka_unit_test_teardown(searches_are_counted_once, end_running),
        cmocka_unit_test_teardown(a_process_started_by_hand_joins_or_is_told_why_not, end_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
