#include "cluster/member.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/args.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cluster/routing_wire.h"
#include "rpc/client.h"
#include "rpc/frame.h"

enum {
    REGISTER_TIMEOUT_MS = 5000,
    HEARTBEAT_TIMEOUT_MS = 2000,
    GOODBYE_TIMEOUT_MS = 500,
    HEARTBEAT_MS_MIN = 20,
    HEARTBEAT_MS_MAX = 60000,
    BACK_OFF_MS_MIN = 50,
    BACK_OFF_MS_MAX = 1000,
    MACHINE_BYTES = 256,
    REFUSAL_BYTES = 512,
};

enum phase {
    PHASE_JOINING, /* member_start() still waits */
    PHASE_JOINED,
    PHASE_FAILED, /* for good: the words are in `failure` */
};

struct member {
    struct member_options options; /* strings: copies in `strings` */
    struct cluster_key key;
    struct arena strings;
    char machine[MACHINE_BYTES];
    pthread_t thread;
    int end_fd; /* readable once the end is wished, for a thread that waits for an answer */

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* by CLOCK_MONOTONIC */
    /* under the mutex */
    enum phase phase;
    struct error failure; /* of the last attempt to register */
    bool stopping;        /* and end_fd is readable */
    bool hurry;           /* something is new: the next heartbeat goes out at once */
    Wire__MemberState state;
    uint64_t id;
    struct member_place place;
    struct routing *routing;

    /* the thread's alone */
    struct rpc_client *client;
    struct arena arena; /* of one call */
    char *name;         /* set before PHASE_JOINED, never changed after */
    uint32_t heartbeat_ms;
    uint64_t settings_version;
    uint64_t refused_version;
    char refusal[REFUSAL_BYTES];
    bool was_away; /* the orchestrator did not answer: said once */
};

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* ---- what the orchestrator said ------------------------------------------------------------ */

static void take_routing(struct member *member, const Wire__Routing *wire)
{
    struct routing *routing;
    struct error err;
    if (routing_from_wire(wire, &routing, &err) != STATUS_OK) {
        log_warning("the orchestrator sent a routing table that is none: %s", err.text);
        return;
    }
    pthread_mutex_lock(&member->mutex);
    struct routing *old = member->routing;
    member->routing = routing;
    pthread_mutex_unlock(&member->mutex);
    routing_release(old);
}

static void take_settings(struct member *member, const Wire__Settings *settings)
{
    if (settings->version == member->settings_version ||
        settings->version == member->refused_version)
        return;
    struct error err = {0};
    if (member->options.take_settings != NULL &&
        member->options.take_settings(member->options.context, settings, &err) != STATUS_OK) {
        log_warning("settings version %llu refused: %s", (unsigned long long)settings->version,
                    err.text);
        member->refused_version = settings->version;
        snprintf(member->refusal, sizeof(member->refusal), "%s", err.text);
        return;
    }
    member->settings_version = settings->version;
    member->refused_version = 0;
    member->refusal[0] = '\0';
}

/* ---- registration -------------------------------------------------------------------------- */

static void fill_register(struct member *member, Wire__RegisterRequest *request)
{
    request->role = member->options.role;
    request->name = member->name != NULL ? member->name : (char *)or_empty(member->options.name);
    request->pid = (uint32_t)getpid();
    request->machine = member->machine;
    request->address = (char *)or_empty(member->options.address);
    request->version = (char *)tierce_version();
    request->protocol = PROTOCOL_VERSION;
    request->shard =
        member->phase == PHASE_JOINED ? (int32_t)member->place.shard : member->options.shard;
    request->advertise_host = (char *)or_empty(member->options.advertise_host);
    request->data_folder = (char *)or_empty(member->options.data_folder);
}

/* A place once given holds for this process: its data belongs to those slots. */
static bool place_is_other(const struct member *member, const Wire__RegisterReply *reply)
{
    return member->phase == PHASE_JOINED && member->options.role == WIRE__ROLE__ROLE_BARREL &&
           (reply->shard != member->place.shard || reply->slot_first != member->place.slot_first ||
            reply->slot_last != member->place.slot_last);
}

static enum status take_registration(struct member *member, const Wire__RegisterReply *reply,
                                     struct error *err)
{
    if (place_is_other(member, reply))
        return error_set(err, STATUS_CONFLICT,
                         "the orchestrator now wants slots %u to %u here, this process holds %u to "
                         "%u: restart it",
                         reply->slot_first, reply->slot_last, member->place.slot_first,
                         member->place.slot_last);
    if (member->name == NULL) {
        member->name = strdup(reply->name);
        if (member->name == NULL)
            return error_set(err, STATUS_NO_MEMORY, "no memory");
    }
    member->heartbeat_ms = reply->heartbeat_ms < HEARTBEAT_MS_MIN   ? HEARTBEAT_MS_MIN
                           : reply->heartbeat_ms > HEARTBEAT_MS_MAX ? HEARTBEAT_MS_MAX
                                                                    : reply->heartbeat_ms;
    if (reply->routing != NULL)
        take_routing(member, reply->routing);
    pthread_mutex_lock(&member->mutex);
    member->id = reply->member;
    member->place = (struct member_place){.shard = reply->shard,
                                          .replica = reply->replica,
                                          .slot_first = reply->slot_first,
                                          .slot_last = reply->slot_last};
    pthread_mutex_unlock(&member->mutex);
    if (reply->settings != NULL)
        take_settings(member, reply->settings);
    return STATUS_OK;
}

static enum status try_register(struct member *member, struct error *err)
{
    Wire__RegisterRequest request = WIRE__REGISTER_REQUEST__INIT;
    fill_register(member, &request);
    struct rpc_exchange exchange, *list[1] = {&exchange};
    const struct rpc_watch end = {.fd = member->end_fd, .events = POLLIN};
    bool is_end = false;
    arena_reset(&member->arena);
    rpc_start(member->client, WIRE__METHOD__REGISTER, &request.base,
              &wire__register_reply__descriptor, &member->arena, REGISTER_TIMEOUT_MS, &exchange);
    while (rpc_wait_watching(list, 1, REGISTER_TIMEOUT_MS, &end, &is_end) == 0) {
        if (is_end) /* whoever wishes it waits for this thread */
            rpc_cancel(&exchange);
    }
    if (exchange.status != STATUS_OK)
        return error_set(err, exchange.status, "%s", exchange.error.text);
    return take_registration(member, exchange.reply, err);
}

/* ---- heartbeats ---------------------------------------------------------------------------- */

static void fill_heartbeat(struct member *member, Wire__HeartbeatRequest *request,
                           Wire__Memory *memory)
{
    pthread_mutex_lock(&member->mutex);
    request->member = member->id;
    request->state = member->state;
    pthread_mutex_unlock(&member->mutex);
    request->settings_version = member->settings_version;
    request->settings_refusal = member->refusal;
    member_memory(memory);
    request->memory = memory;
    if (member->options.fill_heartbeat != NULL)
        member->options.fill_heartbeat(member->options.context, request);
}

static enum status beat(struct member *member, uint32_t timeout_ms, bool *ret_unknown,
                        struct error *err)
{
    Wire__HeartbeatRequest request = WIRE__HEARTBEAT_REQUEST__INIT;
    Wire__Memory memory = WIRE__MEMORY__INIT;
    fill_heartbeat(member, &request, &memory);
    arena_reset(&member->arena);
    void *message;
    enum status status =
        rpc_call(member->client, WIRE__METHOD__HEARTBEAT, &request.base,
                 &wire__heartbeat_reply__descriptor, &member->arena, timeout_ms, &message, err);
    if (status != STATUS_OK)
        return status;
    const Wire__HeartbeatReply *reply = message;
    *ret_unknown = reply->unknown;
    if (reply->unknown)
        return STATUS_OK;
    if (member->options.heartbeat_sent != NULL)
        member->options.heartbeat_sent(member->options.context);
    if (reply->routing != NULL)
        take_routing(member, reply->routing);
    if (reply->settings != NULL)
        take_settings(member, reply->settings);
    return STATUS_OK;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static struct timespec monotonic_in(unsigned wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Until the time is over, the state changes or the end is wished. Returns false for the end. */
static bool rest(struct member *member, unsigned wait_ms)
{
    struct timespec until = monotonic_in(wait_ms);
    pthread_mutex_lock(&member->mutex);
    while (!member->stopping && !member->hurry &&
           pthread_cond_timedwait(&member->changed, &member->mutex, &until) == 0) {
    }
    member->hurry = false;
    bool goes_on = !member->stopping;
    pthread_mutex_unlock(&member->mutex);
    return goes_on;
}

/* Trying again cannot help: a person has to do something. */
static bool is_final(enum status status)
{
    return status == STATUS_DENIED || status == STATUS_UNSUPPORTED || status == STATUS_CONFLICT ||
           status == STATUS_INVALID;
}

static void set_phase(struct member *member, enum phase phase, const struct error *failure)
{
    pthread_mutex_lock(&member->mutex);
    member->phase = phase;
    if (failure != NULL)
        member->failure = *failure;
    pthread_cond_broadcast(&member->changed);
    pthread_mutex_unlock(&member->mutex);
}

/* Said once until it answers again; `err` tells whether it is away or refuses this process. */
static void say_away(struct member *member, const struct error *err)
{
    if (!member->was_away && is_final(err->status))
        log_error("the orchestrator at %s refuses this process: %s; trying again",
                  member->options.orchestrator, err->text);
    else if (!member->was_away)
        log_warning("no orchestrator at %s: %s; trying again", member->options.orchestrator,
                    err->text);
    member->was_away = true;
}

static void say_back(struct member *member)
{
    if (member->was_away)
        log_info("the orchestrator answers again");
    member->was_away = false;
}

static unsigned grow(unsigned back_off_ms)
{
    unsigned next = back_off_ms * 2;
    return next > BACK_OFF_MS_MAX ? BACK_OFF_MS_MAX : next;
}

/* Registers, for as long as it takes. False: the end is wished, or it failed for good before
 * member_start() returned. */
static bool join_cluster(struct member *member)
{
    unsigned back_off_ms = BACK_OFF_MS_MIN;
    for (;;) {
        struct error err = {0};
        enum status status = try_register(member, &err);
        bool is_first = member->phase == PHASE_JOINING;
        if (status == STATUS_OK) {
            say_back(member);
            if (is_first)
                set_phase(member, PHASE_JOINED, NULL);
            return true;
        }
        if (is_first && is_final(status)) {
            set_phase(member, PHASE_FAILED, &err);
            return false;
        }
        set_phase(member, member->phase, &err);
        if (!is_first && status != STATUS_CANCELLED)
            say_away(member, &err);
        if (!rest(member, back_off_ms))
            return false;
        back_off_ms = grow(back_off_ms);
    }
}

/* The last word: no more requests to this process. The orchestrator may be gone as well. */
static void say_goodbye(struct member *member)
{
    pthread_mutex_lock(&member->mutex);
    member->state = WIRE__MEMBER_STATE__STATE_DRAINING;
    pthread_mutex_unlock(&member->mutex);
    bool unknown;
    beat(member, GOODBYE_TIMEOUT_MS, &unknown, NULL);
}

static void *run_member(void *context)
{
    struct member *member = context;
    if (!join_cluster(member))
        return NULL;
    unsigned back_off_ms = BACK_OFF_MS_MIN;
    for (bool goes_on = true; goes_on;) {
        struct error err = {0};
        bool unknown = false;
        enum status status = beat(member, HEARTBEAT_TIMEOUT_MS, &unknown, &err);
        if (status == STATUS_OK && unknown) {
            if (!join_cluster(member))
                return NULL;
            continue; /* the state goes with the next heartbeat, at once */
        }
        if (status == STATUS_OK) {
            say_back(member);
            back_off_ms = BACK_OFF_MS_MIN;
            goes_on = rest(member, member->heartbeat_ms);
        } else {
            say_away(member, &err);
            goes_on = rest(member, back_off_ms);
            back_off_ms = grow(back_off_ms);
        }
    }
    say_goodbye(member);
    return NULL;
}

/* ---- start and stop ------------------------------------------------------------------------ */

static const char *keep(struct member *member, const char *text)
{
    return check_alloc(arena_string(&member->strings, or_empty(text)));
}

static void init_member(struct member *member, const struct member_options *options)
{
    member->options = *options;
    member->options.orchestrator = keep(member, options->orchestrator);
    member->options.name = keep(member, options->name);
    member->options.address = keep(member, options->address);
    member->options.advertise_host = keep(member, options->advertise_host);
    member->options.data_folder = keep(member, options->data_folder);
    if (options->key != NULL) {
        member->key = *options->key;
        member->options.key = &member->key;
    }
    if (gethostname(member->machine, sizeof(member->machine) - 1) != 0)
        snprintf(member->machine, sizeof(member->machine), "unknown");
    member->state = WIRE__MEMBER_STATE__STATE_STARTING;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&member->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&member->mutex, NULL);
}

static void free_member(struct member *member)
{
    rpc_client_close(member->client);
    routing_release(member->routing);
    fd_close(member->end_fd);
    arena_release(&member->arena);
    arena_release(&member->strings);
    free(member->name);
    pthread_cond_destroy(&member->changed);
    pthread_mutex_destroy(&member->mutex);
    explicit_bzero(&member->key, sizeof(member->key));
    free(member);
}

static void end_thread(struct member *member)
{
    pthread_mutex_lock(&member->mutex);
    member->stopping = true;
    pthread_cond_broadcast(&member->changed);
    pthread_mutex_unlock(&member->mutex);
    (void)eventfd_write(member->end_fd, 1); /* fails where it is readable already */
    pthread_join(member->thread, NULL);
}

/* Waits for the first registration. */
static enum status await_joined(struct member *member, unsigned wait_ms, struct error *err)
{
    struct timespec until = monotonic_in(wait_ms);
    pthread_mutex_lock(&member->mutex);
    while (member->phase == PHASE_JOINING &&
           pthread_cond_timedwait(&member->changed, &member->mutex, &until) == 0) {
    }
    enum phase phase = member->phase;
    struct error failure = member->failure;
    pthread_mutex_unlock(&member->mutex);
    if (phase == PHASE_JOINED)
        return STATUS_OK;
    if (phase == PHASE_FAILED)
        return error_set(err, failure.status, "orchestrator %s: %s", member->options.orchestrator,
                         failure.text);
    return error_set(err, STATUS_TIMEOUT, "orchestrator %s: no answer in %u ms%s%s",
                     member->options.orchestrator, wait_ms, failure.text[0] == '\0' ? "" : ": ",
                     failure.text);
}

enum status member_start(const struct member_options *options, unsigned wait_ms,
                         struct member **ret_member, struct error *err)
{
    struct member *member = check_alloc(calloc(1, sizeof(*member)));
    init_member(member, options);
    enum status status = routing_from_wire(NULL, &member->routing, err);
    member->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (status == STATUS_OK && member->end_fd < 0)
        status = error_set_errno(err, errno, "eventfd");
    if (status == STATUS_OK)
        status = rpc_client_open(member->options.orchestrator, member->options.key, &member->client,
                                 err);
    if (status == STATUS_OK && pthread_create(&member->thread, NULL, run_member, member) != 0)
        status = error_set(err, STATUS_NO_MEMORY, "no thread for the membership");
    if (status != STATUS_OK) {
        free_member(member);
        return status;
    }
    status = await_joined(member, wait_ms, err);
    if (status != STATUS_OK) {
        end_thread(member);
        free_member(member);
        return status;
    }
    *ret_member = member;
    return STATUS_OK;
}

void member_stop(struct member *member)
{
    if (member == NULL)
        return;
    end_thread(member);
    free_member(member);
}

/* ---- what others ask ----------------------------------------------------------------------- */

void member_set_state(struct member *member, Wire__MemberState state)
{
    pthread_mutex_lock(&member->mutex);
    if (member->state != state) {
        member->state = state;
        member->hurry = true;
        pthread_cond_broadcast(&member->changed);
    }
    pthread_mutex_unlock(&member->mutex);
}

void member_hurry(struct member *member)
{
    pthread_mutex_lock(&member->mutex);
    member->hurry = true;
    pthread_cond_broadcast(&member->changed);
    pthread_mutex_unlock(&member->mutex);
}

/* Readers change nothing that a caller could see: the mutex alone is written. */
static struct member *lock(const struct member *member)
{
    struct member *writable = (struct member *)member;
    pthread_mutex_lock(&writable->mutex);
    return writable;
}

uint64_t member_id(const struct member *member)
{
    struct member *locked = lock(member);
    uint64_t id = locked->id;
    pthread_mutex_unlock(&locked->mutex);
    return id;
}

const char *member_name(const struct member *member)
{
    return member->name;
}

struct member_place member_place(const struct member *member)
{
    struct member *locked = lock(member);
    struct member_place place = locked->place;
    pthread_mutex_unlock(&locked->mutex);
    return place;
}

struct routing *member_routing(struct member *member)
{
    pthread_mutex_lock(&member->mutex);
    struct routing *routing = routing_share(member->routing);
    pthread_mutex_unlock(&member->mutex);
    return routing;
}

static uint64_t kilobytes_of(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10) * 1024;
}

/* Opened once: a process that confines itself cannot open it later. */
static int own_status_fd(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pid_t owner; /* not the one that forked it */
    static int fd = -1;
    pthread_mutex_lock(&mutex);
    if (owner != getpid()) {
        fd_close(fd);
        fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        owner = getpid();
    }
    int opened = fd;
    pthread_mutex_unlock(&mutex);
    return opened;
}

void member_memory(Wire__Memory *ret_memory)
{
    char text[4096];
    wire__memory__init(ret_memory);
    ssize_t size = pread(own_status_fd(), text, sizeof(text) - 1, 0);
    if (size <= 0)
        return;
    text[size] = '\0';
    ret_memory->anonymous = kilobytes_of(text, "\nRssAnon:");
    ret_memory->shared = kilobytes_of(text, "\nRssShmem:");
    ret_memory->mapped = kilobytes_of(text, "\nRssFile:");
}
