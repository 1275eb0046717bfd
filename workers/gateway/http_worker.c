#include "gateway/http_worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "gateway/fcgi.h"
#include "gateway/http_backend.h"
#include "gateway/http_problem.h"
#include "gateway/routes.h"
#include "gateway/sse.h"

enum {
    THREADS_MAX = 256,
    CONNECTIONS_MAX = 1024,
    QUEUE_PER_THREAD = 16,    /* ready connections beyond that are refused */
    QUEUE_WAIT_MS_MAX = 5000, /* whoever waited longer is refused, too */
    FRESH_MS_MAX = 10000,     /* a new connection without a request */
    KEPT_MS_MAX = 120000,     /* a kept one without the next; the proxies close theirs earlier */
    SWEEP_MS = 5000,          /* how often idle connections are looked through */
    ACCEPT_PAUSE_MS = 100,    /* when descriptors run out */
    DRAIN_MS_MAX = 10000,     /* for the requests in hand */
    DRAIN_FRESH_MS_MAX = 500, /* for the request of a connection that was just accepted */
    REQUEST_ARENA_BYTES_MAX = 64 * 1024 * 1024,
    LISTEN_BACKLOG = 1024,
};

struct connection {
    int fd;
    bool is_kept;                /* has carried a request before */
    int64_t since_ms;            /* idle, or in the queue, since then */
    struct connection *previous; /* among the idle ones */
    struct connection *next;
};

struct worker {
    struct http_worker_options options;
    int epoll_fd;
    int wake_fd; /* written to by threads when a drain may be over */
    struct sse *sse;
    pthread_mutex_t lock;
    pthread_cond_t is_ready; /* something is in the queue, or it is time to end */
    /* behind the lock */
    struct connection idle; /* head of a ring, the longest idle one first */
    unsigned connection_count;
    struct connection **queue; /* ring */
    unsigned queue_size, queue_first, queue_count;
    unsigned busy_count;
    bool is_draining;
    bool is_ending;
    /* the epoll thread's own */
    bool is_accepting;
    int64_t accept_again_ms; /* 0: not paused */
    int64_t sweep_ms;
};

/* ---- connections ---- */

static void link_idle(struct worker *worker, struct connection *connection)
{
    connection->since_ms = clock_boot_ms();
    connection->next = &worker->idle;
    connection->previous = worker->idle.previous;
    worker->idle.previous->next = connection;
    worker->idle.previous = connection;
}

static void unlink_idle(struct connection *connection)
{
    connection->previous->next = connection->next;
    connection->next->previous = connection->previous;
}

/* With the lock held; the connection is not among the idle ones. */
static void drop_connection(struct worker *worker, struct connection *connection)
{
    fd_close(connection->fd);
    free(connection);
    worker->connection_count--;
}

static bool watch(struct worker *worker, struct connection *connection, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = connection};
    return epoll_ctl(worker->epoll_fd, operation, connection->fd, &event) == 0;
}

/* Lets epoll watch it again. With the lock held, so that an event finds it among the idle ones. */
static void make_idle(struct worker *worker, struct connection *connection, int operation)
{
    link_idle(worker, connection);
    if (!watch(worker, connection, operation)) {
        unlink_idle(connection);
        drop_connection(worker, connection);
    }
}

/* ---- a thread: one request after another ---- */

static void read_variables(const struct fcgi *fcgi, struct http_variables *ret_variables)
{
    *ret_variables = (struct http_variables){
        .request_method = fcgi_variable(fcgi, "REQUEST_METHOD"),
        .request_uri = fcgi_variable(fcgi, "REQUEST_URI"),
        .remote_addr = fcgi_variable(fcgi, "REMOTE_ADDR"),
        .https = fcgi_variable(fcgi, "HTTPS"),
        .content_type = fcgi_variable(fcgi, "CONTENT_TYPE"),
        .host = fcgi_variable(fcgi, "HTTP_HOST"),
        .origin = fcgi_variable(fcgi, "HTTP_ORIGIN"),
        .authorization = fcgi_variable(fcgi, "HTTP_AUTHORIZATION"),
        .cookie = fcgi_variable(fcgi, "HTTP_COOKIE"),
        .if_none_match = fcgi_variable(fcgi, "HTTP_IF_NONE_MATCH"),
    };
}

/* What a thread keeps from one request to the next. */
struct desk {
    struct worker *worker;
    struct http_thread thread;
    struct arena arena;
    struct http_response response;
    struct buffer answer;  /* as CGI has it */
    struct buffer records; /* as FastCGI has it */
};

enum outcome {
    OUTCOME_KEEP,
    OUTCOME_CLOSE,
    OUTCOME_TAKEN, /* the descriptor belongs to the live statistics now */
};

static void write_too_many_viewers(struct desk *desk, const struct http_request *request)
{
    http_response_reset(&desk->response);
    http_problem_json(&desk->response, 503, "Too many are watching already.");
    http_response_header(&desk->response, "Retry-After", "5");
    buffer_clear(&desk->answer);
    http_response_write(&desk->response, request, &desk->answer);
}

/* Sends what stands in desk->answer, in one piece. */
static bool send_answer(struct desk *desk, const struct fcgi *fcgi)
{
    buffer_clear(&desk->records);
    fcgi_append_output(&desk->records, fcgi->request.requestId, desk->answer.data,
                       desk->answer.size);
    fcgi_append_end(&desk->records, fcgi->request.requestId);
    return fcgi_send(fcgi->fd, &desk->records);
}

static enum outcome answer_request(struct desk *desk, struct fcgi *fcgi)
{
    struct http_variables variables;
    struct http_request request;
    read_variables(fcgi, &variables);
    http_response_reset(&desk->response);
    buffer_clear(&desk->answer);
    const struct http_backend *backend = desk->thread.backend;
    const struct rpc_watch proxy = {.fd = fcgi->fd}; /* which hangs up when its client does */
    backend->service_set_asker(desk->thread.service, &proxy);
    http_answer(&desk->thread, &variables, fcgi_read_body, fcgi, &desk->arena, &request,
                &desk->response);
    backend->service_set_asker(desk->thread.service, NULL);
    fcgi_skip_body(fcgi);
    bool is_stream = desk->response.is_stream && request.method == HTTP_GET;
    http_response_write(&desk->response, &request, &desk->answer);
    if (is_stream) {
        if (sse_add(desk->worker->sse, fcgi->fd, fcgi->request.requestId, &desk->answer))
            return OUTCOME_TAKEN;
        write_too_many_viewers(desk, &request);
    }
    return send_answer(desk, fcgi) ? OUTCOME_KEEP : OUTCOME_CLOSE;
}

/* Serves the one request that is on the connection. */
static enum outcome serve(struct desk *desk, struct connection *connection)
{
    struct fcgi fcgi;
    if (fcgi_is_abandoned(connection->fd))
        return OUTCOME_CLOSE;
    if (clock_boot_ms() - connection->since_ms > QUEUE_WAIT_MS_MAX) {
        fcgi_refuse(connection->fd);
        return OUTCOME_CLOSE;
    }
    if (fcgi_receive(&fcgi, connection->fd) != STATUS_OK) {
        connection->fd = -1;
        return OUTCOME_CLOSE;
    }
    enum outcome outcome = answer_request(desk, &fcgi);
    bool keeps = fcgi_finish(&fcgi);
    arena_reset(&desk->arena);
    if (outcome == OUTCOME_TAKEN)
        connection->fd = -1;
    return outcome == OUTCOME_KEEP && !keeps ? OUTCOME_CLOSE : outcome;
}

/* The next connection with a request on it; NULL: it is time to end. */
static struct connection *take_ready(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->queue_count == 0 && !worker->is_ending)
        pthread_cond_wait(&worker->is_ready, &worker->lock);
    struct connection *connection = NULL;
    if (worker->queue_count > 0) {
        connection = worker->queue[worker->queue_first];
        worker->queue_first = (worker->queue_first + 1) % worker->queue_size;
        worker->queue_count--;
        worker->busy_count++;
    }
    pthread_mutex_unlock(&worker->lock);
    return connection;
}

static void give_back(struct worker *worker, struct connection *connection, enum outcome outcome)
{
    pthread_mutex_lock(&worker->lock);
    worker->busy_count--;
    connection->is_kept = true;
    if (outcome == OUTCOME_KEEP && !worker->is_draining)
        make_idle(worker, connection, EPOLL_CTL_MOD);
    else
        drop_connection(worker, connection);
    bool may_be_over = worker->is_draining;
    pthread_mutex_unlock(&worker->lock);
    if (may_be_over)
        eventfd_write(worker->wake_fd, 1);
}

static void desk_free(struct desk *desk)
{
    desk->thread.backend->service_close(desk->thread.service);
    arena_release(&desk->arena);
    http_response_release(&desk->response);
    buffer_release(&desk->answer);
    buffer_release(&desk->records);
    free(desk);
}

static enum status desk_new(struct worker *worker, struct desk **ret_desk, struct error *err)
{
    struct desk *desk = check_alloc(calloc(1, sizeof(*desk)));
    desk->worker = worker;
    desk->thread.backend = worker->options.backend;
    desk->thread.gateway = worker->options.gateway;
    arena_init(&desk->arena, REQUEST_ARENA_BYTES_MAX);
    enum status status =
        desk->thread.backend->service_open(desk->thread.gateway, &desk->thread.service, err);
    if (status == STATUS_OK)
        *ret_desk = desk;
    else
        desk_free(desk);
    return status;
}

static void *run_thread(void *argument)
{
    struct desk *desk = argument;
    struct connection *connection;
    thread_be_prompt();
    while ((connection = take_ready(desk->worker)) != NULL)
        give_back(desk->worker, connection, serve(desk, connection));
    desk_free(desk);
    return NULL;
}

/* ---- the epoll thread ---- */

/* Closes the connection that has been idle longest; false where none is. */
static bool close_oldest(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct connection *oldest = worker->idle.next;
    bool has_one = oldest != &worker->idle;
    if (has_one) {
        unlink_idle(oldest);
        drop_connection(worker, oldest);
    }
    pthread_mutex_unlock(&worker->lock);
    return has_one;
}

static void set_accepting(struct worker *worker, bool accepting)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = worker};
    if (accepting != worker->is_accepting)
        (void)epoll_ctl(worker->epoll_fd, accepting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
                        worker->options.listen_fd, &event);
    worker->is_accepting = accepting;
}

/* One connection per event, so that the other workers of the pool get theirs. */
static void accept_one(struct worker *worker)
{
    int fd = accept4(worker->options.listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        bool is_short = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
        if (is_short && !close_oldest(worker)) {
            log_warning("no connection can be accepted: %s", strerror(errno));
            set_accepting(worker, false);
            worker->accept_again_ms = clock_boot_ms() + ACCEPT_PAUSE_MS;
        }
        return;
    }
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL || fcgi_set_up_connection(fd, NULL) != STATUS_OK) {
        free(connection);
        fd_close(fd);
        return;
    }
    connection->fd = fd;
    pthread_mutex_lock(&worker->lock);
    worker->connection_count++;
    make_idle(worker, connection, EPOLL_CTL_ADD);
    bool is_full = worker->connection_count > CONNECTIONS_MAX;
    pthread_mutex_unlock(&worker->lock);
    if (is_full)
        close_oldest(worker);
}

/* A connection has something to read: a request, or its end. */
static void queue_ready(struct worker *worker, struct connection *connection)
{
    pthread_mutex_lock(&worker->lock);
    unlink_idle(connection);
    bool is_full = worker->queue_count == worker->queue_size;
    if (!is_full) {
        connection->since_ms = clock_boot_ms();
        unsigned at = (worker->queue_first + worker->queue_count++) % worker->queue_size;
        worker->queue[at] = connection;
    } else {
        fcgi_refuse(connection->fd);
        drop_connection(worker, connection);
    }
    pthread_mutex_unlock(&worker->lock);
    if (!is_full) /* without the lock, which the thread that wakes up takes first */
        pthread_cond_signal(&worker->is_ready);
    else
        worker->options.backend->count_error(worker->options.gateway);
}

/* Closes what has been idle for too long. */
static void sweep(struct worker *worker)
{
    int64_t now_ms = clock_boot_ms();
    if (now_ms < worker->sweep_ms)
        return;
    worker->sweep_ms = now_ms + SWEEP_MS;
    pthread_mutex_lock(&worker->lock);
    struct connection *connection = worker->idle.next;
    while (connection != &worker->idle) {
        struct connection *next = connection->next;
        if (now_ms - connection->since_ms >= (connection->is_kept ? KEPT_MS_MAX : FRESH_MS_MAX)) {
            unlink_idle(connection);
            drop_connection(worker, connection);
        }
        connection = next;
    }
    pthread_mutex_unlock(&worker->lock);
}

static int wait_ms(struct worker *worker)
{
    int64_t until_ms = INT64_MAX;
    pthread_mutex_lock(&worker->lock);
    if (worker->idle.next != &worker->idle)
        until_ms = worker->sweep_ms;
    pthread_mutex_unlock(&worker->lock);
    if (worker->accept_again_ms != 0 && worker->accept_again_ms < until_ms)
        until_ms = worker->accept_again_ms;
    if (until_ms == INT64_MAX)
        return -1;
    int64_t left_ms = until_ms - clock_boot_ms();
    return left_ms < 0 ? 0 : (int)left_ms + 1;
}

/* Waits and handles what happened; false when it was the sign to stop. */
static bool handle_events(struct worker *worker, int timeout_ms)
{
    struct epoll_event events[64];
    bool goes_on = true;
    bool has_new = false;
    int count = epoll_wait(worker->epoll_fd, events, 64, timeout_ms);
    for (int i = 0; i < count; i++) {
        void *what = events[i].data.ptr;
        eventfd_t ignored;
        if (what == worker)
            has_new = true;
        else if (what == &worker->options.stop_fd)
            goes_on = false;
        else if (what == &worker->wake_fd)
            (void)eventfd_read(worker->wake_fd, &ignored);
        else
            queue_ready(worker, what);
    }
    if (has_new) /* last: it may close a connection that had an event, too */
        accept_one(worker);
    return goes_on;
}

static void serve_until_stopped(struct worker *worker)
{
    worker->sweep_ms = clock_boot_ms() + SWEEP_MS;
    while (handle_events(worker, wait_ms(worker))) {
        sweep(worker);
        if (worker->accept_again_ms != 0 && clock_boot_ms() >= worker->accept_again_ms) {
            worker->accept_again_ms = 0;
            set_accepting(worker, true);
        }
    }
}

/* ---- the end ---- */

/* Closes idle connections, at first only those that have carried a request: on the others one is
 * on its way. A request that has arrived is served (its event is waiting). */
static void close_idle(struct worker *worker, bool fresh_ones_too)
{
    pthread_mutex_lock(&worker->lock);
    struct connection *connection = worker->idle.next;
    while (connection != &worker->idle) {
        struct connection *next = connection->next;
        char byte;
        bool has_request = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
        if (!has_request && (connection->is_kept || fresh_ones_too)) {
            unlink_idle(connection);
            drop_connection(worker, connection);
        }
        connection = next;
    }
    pthread_mutex_unlock(&worker->lock);
}

static bool is_drained(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool is_idle = worker->idle.next == &worker->idle;
    bool result = is_idle && worker->queue_count == 0 && worker->busy_count == 0;
    pthread_mutex_unlock(&worker->lock);
    return result;
}

static enum status drain(struct worker *worker, struct error *err)
{
    int64_t start_ms = clock_boot_ms();
    set_accepting(worker, false);
    (void)epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, worker->options.stop_fd, NULL);
    pthread_mutex_lock(&worker->lock);
    worker->is_draining = true;
    pthread_mutex_unlock(&worker->lock);
    for (;;) {
        int64_t passed_ms = clock_boot_ms() - start_ms;
        bool is_grace_over = passed_ms >= DRAIN_FRESH_MS_MAX;
        close_idle(worker, is_grace_over);
        if (is_drained(worker))
            return STATUS_OK;
        if (passed_ms >= DRAIN_MS_MAX)
            return error_set(err, STATUS_TIMEOUT, "requests did not finish within %d s",
                             DRAIN_MS_MAX / 1000);
        handle_events(worker,
                      (int)((is_grace_over ? DRAIN_MS_MAX : DRAIN_FRESH_MS_MAX) - passed_ms));
    }
}

/* ---- beginning and end of the whole ---- */

static enum status open_worker(struct worker *worker, struct error *err)
{
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->is_ready, NULL);
    worker->idle.next = worker->idle.previous = &worker->idle;
    worker->queue_size = worker->options.threads * QUEUE_PER_THREAD;
    worker->queue = calloc(worker->queue_size, sizeof(struct connection *));
    if (worker->queue == NULL)
        return error_set(err, STATUS_NO_MEMORY, "queue of requests");
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->epoll_fd < 0 || worker->wake_fd < 0)
        return error_set_errno(err, errno, "epoll");
    struct epoll_event stop = {.events = EPOLLIN, .data.ptr = &worker->options.stop_fd};
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = &worker->wake_fd};
    if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, worker->options.stop_fd, &stop) != 0 ||
        epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, worker->wake_fd, &wake) != 0)
        return error_set_errno(err, errno, "epoll");
    return sse_open(worker->options.backend, worker->options.gateway, &worker->sse, err);
}

static void close_worker(struct worker *worker)
{
    while (close_oldest(worker)) {
    }
    fd_close(worker->epoll_fd);
    fd_close(worker->wake_fd);
    free(worker->queue);
    pthread_cond_destroy(&worker->is_ready);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

static void end_threads(struct worker *worker, pthread_t *threads, unsigned count)
{
    pthread_mutex_lock(&worker->lock);
    worker->is_ending = true;
    pthread_cond_broadcast(&worker->is_ready);
    pthread_mutex_unlock(&worker->lock);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static enum status start_threads(struct worker *worker, pthread_t *threads, unsigned *ret_count,
                                 struct error *err)
{
    *ret_count = 0;
    while (*ret_count < worker->options.threads) {
        struct desk *desk;
        enum status status = desk_new(worker, &desk, err);
        if (status != STATUS_OK)
            return status;
        int error_number = pthread_create(&threads[*ret_count], NULL, run_thread, desk);
        if (error_number != 0) {
            desk_free(desk);
            return error_set_errno(err, error_number, "threads of the gateway");
        }
        (*ret_count)++;
    }
    return STATUS_OK;
}

enum status http_worker_serve(const struct http_worker_options *options, struct error *err)
{
    struct worker *worker = check_alloc(calloc(1, sizeof(*worker)));
    pthread_t threads[THREADS_MAX];
    unsigned thread_count = 0;
    *worker = (struct worker){.options = *options, .epoll_fd = -1, .wake_fd = -1};
    if (worker->options.threads < 1)
        worker->options.threads = 1;
    if (worker->options.threads > THREADS_MAX)
        worker->options.threads = THREADS_MAX;
    enum status status = open_worker(worker, err);
    if (status == STATUS_OK)
        status = start_threads(worker, threads, &thread_count, err);
    if (status == STATUS_OK) {
        set_accepting(worker, true);
        options->backend->set_ready(options->gateway, true);
        serve_until_stopped(worker);
        options->backend->set_ready(options->gateway, false);
        status = drain(worker, err);
    }
    sse_close(worker->sse);
    if (status == STATUS_TIMEOUT)
        return status; /* a thread still needs the rest */
    end_threads(worker, threads, thread_count);
    close_worker(worker);
    return status;
}

static int stop_fd = -1;

static void on_stop_signal(int signal_number)
{
    (void)signal_number;
    int saved_errno = errno;
    (void)eventfd_write(stop_fd, 1);
    errno = saved_errno;
}

static enum status install_handlers(struct error *err)
{
    struct sigaction stop = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0)
        return error_set_errno(err, errno, "eventfd");
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL); /* settings come from the orchestrator */
    return STATUS_OK;
}

static enum status listen_at(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(err, STATUS_INVALID, "%s: too long for a socket", path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    struct stat what;
    if (lstat(path, &what) == 0 && S_ISSOCK(what.st_mode))
        unlink(path);
    mode_t before = umask(0117); /* from the first moment: whoever connects can end this process */
    int result = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(before);
    if (result != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        enum status status = error_set_errno(err, errno, "%s", path);
        fd_close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

/* As many descriptors as the system lets us have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static unsigned configured_threads(struct gateway *gateway)
{
    const Wire__GatewaySettings *settings = gateway_hold_settings(gateway);
    unsigned threads = settings->threads == 0 ? 8 : settings->threads;
    gateway_release_settings(settings);
    return threads;
}

enum status http_worker_run(struct gateway *gateway, int listen_fd, const char *listen_path,
                            struct error *err)
{
    int own_fd = -1;
    enum status status = install_handlers(err);
    if (status == STATUS_OK)
        status = fcgi_prepare(err);
    if (status == STATUS_OK && listen_fd < 0)
        status = listen_at(listen_path, &own_fd, err);
    if (status == STATUS_OK)
        status = fd_set_nonblocking(listen_fd < 0 ? own_fd : listen_fd, true, err);
    if (status != STATUS_OK)
        return status;
    raise_descriptor_limit();
    const struct http_worker_options options = {
        .backend = &http_backend_live,
        .gateway = gateway,
        .threads = configured_threads(gateway),
        .listen_fd = listen_fd < 0 ? own_fd : listen_fd,
        .stop_fd = stop_fd,
    };
    status = http_worker_serve(&options, err);
    fd_close(own_fd);
    return status;
}
