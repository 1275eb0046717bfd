#include "downloader/crew.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "downloader/host.h"
#include "downloader/ledger.h"
#include "downloader/lessor.h"
#include "downloader/parsing.h"
#include "downloader/reporter.h"

enum {
    LOOP_MS_MAX = 60000,
    STOP_FETCHING_MS = 1000,  /* after the order to stop: fetches under way may end ... */
    STOP_PARSING_MS = 1800,   /* ... what was fetched may be parsed ... */
    STOP_REPORTING_MS = 2800, /* ... and reported */
    CONNECTIONS_KEPT = 2 * LEDGER_LEASES_MAX,
};

/* A lease, or more URLs for one, on its way from another thread to the loop. */
struct arrival {
    struct arrival *next;
    bool more;
    Wire__HostLease *lease;
};

struct crew {
    struct crew_options options;
    struct host_tools tools;
    struct lessor *lessor;
    struct reporter *reporter;
    bool stopped;
    struct host *hosts[LEDGER_LEASES_MAX]; /* who could begin something longest comes first */
    size_t host_count;
    size_t turn;           /* which host's body goes on next */
    long connections_max;  /* to one host, as libcurl was told */
    pthread_mutex_t mutex; /* of what follows */
    struct arrival *arrivals;
};

/* ---- leases come in ---- */

static void wake(void *context)
{
    struct crew *crew = context;
    curl_multi_wakeup(crew->tools.multi);
}

/* False: no memory. */
static bool pass_to_loop(struct crew *crew, Wire__HostLease *lease, bool more)
{
    struct arrival *arrival = malloc(sizeof(*arrival));
    if (arrival == NULL) {
        wire__host_lease__free_unpacked(lease, NULL);
        return false;
    }
    *arrival = (struct arrival){.lease = lease, .more = more};
    pthread_mutex_lock(&crew->mutex);
    arrival->next = crew->arrivals;
    crew->arrivals = arrival;
    pthread_mutex_unlock(&crew->mutex);
    wake(crew);
    return true;
}

static void take_lease(void *context, Wire__HostLease *lease)
{
    struct crew *crew = context;
    uint64_t id = lease->lease;
    if (!pass_to_loop(crew, lease, false))
        ledger_finish(crew->tools.ledger, id);
}

static void take_more(void *context, Wire__HostLease *more)
{
    pass_to_loop(context, more, true);
}

static struct arrival *take_arrivals(struct crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    struct arrival *first = crew->arrivals;
    crew->arrivals = NULL;
    pthread_mutex_unlock(&crew->mutex);
    return first;
}

/* To the host whose lease it is; where that is done already they come with its next lease. */
static void hand_over(struct crew *crew, Wire__HostLease *more)
{
    for (size_t i = 0; i < crew->host_count; i++) {
        if (host_lease(crew->hosts[i]) == more->lease)
            host_take_more(crew->hosts[i], more);
    }
    wire__host_lease__free_unpacked(more, NULL);
}

static void admit_host(struct crew *crew, Wire__HostLease *lease)
{
    struct error err;
    CHECK(crew->host_count < LEDGER_LEASES_MAX); /* the ledger lets no more in */
    if (host_new(&crew->tools, lease, &crew->hosts[crew->host_count], &err) == STATUS_OK)
        crew->host_count++;
    else
        log_warning("%s", err.text);
}

static void admit_hosts(struct crew *crew)
{
    struct arrival *arrival = take_arrivals(crew);
    while (arrival != NULL) {
        struct arrival *next = arrival->next;
        if (arrival->more)
            hand_over(crew, arrival->lease);
        else
            admit_host(crew, arrival->lease);
        free(arrival);
        arrival = next;
    }
}

/* ---- the loop ---- */

/* Who waits longest comes first: so hosts that share an address take turns. They are nearly in
 * order already. */
static void sort_hosts(struct crew *crew)
{
    int64_t since_ms[LEDGER_LEASES_MAX];
    for (size_t i = 0; i < crew->host_count; i++) {
        struct host *host = crew->hosts[i];
        int64_t since = host_waits_since_ms(host);
        size_t at = i;
        for (; at > 0 && since_ms[at - 1] > since; at--) {
            since_ms[at] = since_ms[at - 1];
            crew->hosts[at] = crew->hosts[at - 1];
        }
        since_ms[at] = since;
        crew->hosts[at] = host;
    }
}

/* libcurl keeps to one connection for a host, also where the robots.txt of another redirects to it,
 * unless a lease allows more. */
static void bound_connections(struct crew *crew)
{
    long most = 1;
    for (size_t i = 0; i < crew->host_count; i++) {
        long wanted = (long)host_connections(crew->hosts[i]);
        most = wanted > most ? wanted : most;
    }
    if (most == crew->connections_max)
        return;
    crew->connections_max = most;
    CHECK(curl_multi_setopt(crew->tools.multi, CURLMOPT_MAX_HOST_CONNECTIONS, most) == CURLM_OK);
}

/* Lets every host begin what is due; returns when the next one is. */
static int64_t step_hosts(struct crew *crew, int64_t now_ms)
{
    int64_t next_ms = addresses_close_idle(&crew->tools.addresses, now_ms);
    size_t i = 0;
    sort_hosts(crew);
    bound_connections(crew);
    while (i < crew->host_count) {
        int64_t due_ms = host_step(crew->hosts[i], now_ms);
        if (due_ms < 0) {
            host_free(crew->hosts[i]);
            crew->hosts[i] = crew->hosts[--crew->host_count];
            continue;
        }
        if (due_ms < next_ms)
            next_ms = due_ms;
        i++;
    }
    return next_ms;
}

/* Takes the fetches that are done; returns whether there were any. */
static bool take_fetched(struct crew *crew)
{
    int left;
    bool any = false;
    for (CURLMsg *message = curl_multi_info_read(crew->tools.multi, &left); message != NULL;
         message = curl_multi_info_read(crew->tools.multi, &left)) {
        struct fetch *fetch = NULL;
        CURLcode result = message->data.result;
        CHECK(message->msg == CURLMSG_DONE);
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        host_fetched(fetch, result);
        any = true;
    }
    return any;
}

static void resume(void *context, struct fetch *fetch)
{
    (void)context;
    fetch_make_way(fetch);
    fetch_resume(fetch);
}

/* Bodies that were kept waiting, as far as there are places and bandwidth. Not always the same ones
 * first. */
static void resume_hosts(struct crew *crew)
{
    struct host_tools *tools = &crew->tools;
    for (size_t i = 0; i < crew->host_count; i++) {
        if (tools->places.waiting == 0 && tools->bandwidth.waiting == 0)
            return;
        host_visit_fetches(crew->hosts[crew->turn++ % crew->host_count], resume, NULL);
    }
}

/* Moves the transfers; returns whether some are done and their hosts may have a next step. */
static bool move(struct crew *crew)
{
    int running;
    CHECK(curl_multi_perform(crew->tools.multi, &running) == CURLM_OK);
    bool any = take_fetched(crew);
    resume_hosts(crew);
    return any;
}

static bool is_readable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 0) > 0;
}

/* Waits for the network, a wake, the time, or, where `stop_fd` is not -1, for that or for the end
 * of the spawner, whose descriptor is polled for nothing else. */
static void wait_until(struct crew *crew, int64_t until_ms, int stop_fd)
{
    struct bandwidth *bandwidth = &crew->tools.bandwidth;
    int64_t left_ms = until_ms - clock_boot_ms();
    int64_t credit_ms = bandwidth->waiting > 0 ? bandwidth_wait_ms(bandwidth, clock_boot_us()) : 0;
    if (credit_ms > 0 && credit_ms < left_ms)
        left_ms = credit_ms;
    struct curl_waitfd extra[] = {{.fd = stop_fd, .events = CURL_WAIT_POLLIN},
                                  {.fd = spawner_fd(crew->options.spawner)}};
    if (crew->tools.places.waiting > 0 && left_ms > FETCH_PLACE_CHECK_MS)
        left_ms = FETCH_PLACE_CHECK_MS;
    if (left_ms > LOOP_MS_MAX)
        left_ms = LOOP_MS_MAX;
    if (left_ms > 0)
        curl_multi_poll(crew->tools.multi, extra, stop_fd >= 0 ? ARRAY_COUNT(extra) : 0,
                        (int)left_ms, NULL);
}

static unsigned fetches_under_way(const struct crew *crew)
{
    unsigned count = 0;
    for (size_t i = 0; i < crew->host_count; i++)
        count += host_fetches(crew->hosts[i]);
    return count;
}

/* Ends, parses and reports what is under way, each for its part of the time there is. */
static void stop(struct crew *crew)
{
    int64_t began_ms = clock_boot_ms();
    lessor_close(crew->lessor);
    crew->lessor = NULL;
    while (fetches_under_way(crew) > 0 && clock_boot_ms() < began_ms + STOP_FETCHING_MS) {
        if (!move(crew))
            wait_until(crew, began_ms + STOP_FETCHING_MS, -1);
    }
    admit_hosts(crew); /* to give their leases back */
    while (crew->host_count > 0)
        host_free(crew->hosts[--crew->host_count]);
    parsing_stop(crew->tools.parsing, began_ms + STOP_PARSING_MS);
    reporter_close(crew->reporter, began_ms + STOP_REPORTING_MS);
    crew->reporter = NULL;
    admit_hosts(crew); /* what came with its last answers has no host any more */
    crew->stopped = true;
}

static void take_settings(struct crew *crew)
{
    struct crew_settings *settings = crew->options.settings;
    unsigned connections = atomic_load(&settings->connections_per_address);
    crew->tools.addresses.connections_max =
        connections == 0 ? ADDRESSES_CONNECTIONS_USUAL : connections;
    bandwidth_set(&crew->tools.bandwidth, atomic_load(&settings->bandwidth), clock_boot_us());
}

enum status crew_run(struct crew *crew, int stop_fd, struct error *err)
{
    bool gone = false;
    while (!gone && !is_readable(stop_fd)) {
        take_settings(crew);
        admit_hosts(crew);
        int64_t next_ms = step_hosts(crew, clock_boot_ms());
        if (!move(crew))
            wait_until(crew, next_ms, stop_fd);
        gone = spawner_is_gone(crew->options.spawner);
    }
    stop(crew);
    return gone ? error_set(err, STATUS_IO, "the process that starts the parser is gone")
                : STATUS_OK;
}

/* ---- open and close ---- */

static enum status open_multi(struct crew *crew, struct error *err)
{
    CURLM *multi = curl_multi_init();
    crew->tools.multi = multi;
    if (multi == NULL)
        return error_set(err, STATUS_NO_MEMORY, "curl");
    CHECK(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT) == CURLM_OK);
    return STATUS_OK;
}

static enum status open_threads(struct crew *crew, struct error *err)
{
    const struct crew_options *options = &crew->options;
    enum status status = parsing_open(crew->tools.ledger, options->spawner, options->page_ms,
                                      &crew->tools.parsing, err);
    struct reporter_options reporter = {.ledger = crew->tools.ledger,
                                        .link = options->link,
                                        .more = take_more,
                                        .more_context = crew};
    if (status == STATUS_OK)
        status = reporter_open(&reporter, &crew->reporter, err);
    struct lessor_options lessor = {
        .ledger = crew->tools.ledger,
        .link = options->link,
        .member = options->member,
        .member_context = options->member_context,
        .take = take_lease,
        .take_context = crew,
    };
    if (status == STATUS_OK)
        status = lessor_open(&lessor, &crew->lessor, err);
    return status;
}

enum status crew_open(const struct crew_options *options, struct crew **ret_crew, struct error *err)
{
    struct crew *crew = calloc(1, sizeof(*crew));
    if (crew == NULL)
        return error_set(err, STATUS_NO_MEMORY, "crew");
    crew->options = *options;
    crew->tools.limits = options->limits;
    crew->tools.credentials = options->credentials;
    crew->tools.places.free = CREW_LARGE_BODIES;
    pthread_mutex_init(&crew->mutex, NULL);
    enum status status = open_multi(crew, err);
    if (status == STATUS_OK)
        status = ledger_open(wake, crew, &crew->tools.ledger, err);
    if (status == STATUS_OK)
        status = open_threads(crew, err);
    if (status != STATUS_OK) {
        crew_close(crew);
        return status;
    }
    *ret_crew = crew;
    return STATUS_OK;
}

void crew_close(struct crew *crew)
{
    if (crew == NULL)
        return;
    if (crew->tools.parsing != NULL && !crew->stopped)
        stop(crew);
    parsing_close(crew->tools.parsing);
    ledger_close(crew->tools.ledger);
    curl_multi_cleanup(crew->tools.multi); /* closes what is still open */
    addresses_release(&crew->tools.addresses);
    pthread_mutex_destroy(&crew->mutex);
    free(crew);
}

void crew_fill_status(struct crew *crew, Wire__DownloaderStatus *ret_status)
{
    struct host_tools *tools = &crew->tools;
    wire__downloader_status__init(ret_status);
    ret_status->pages = atomic_load(&tools->pages);
    ret_status->bytes = atomic_load(&tools->bytes);
    ret_status->errors = atomic_load(&tools->errors);
    ret_status->fetching = atomic_load(&tools->fetching);
    ret_status->parser_restarts = parsing_restarts(tools->parsing);
}
