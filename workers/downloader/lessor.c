#include "downloader/lessor.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "rpc/message.h"

enum {
    WAIT_MS = 10000,   /* how long the indexserver may keep the question */
    ANSWER_MS = 10000, /* beyond that */
    WAITED_MS = 100,   /* an answer that took so long was waited for */
    IDLE_MS_MIN = 20,  /* between two questions when the answer was empty at once */
    IDLE_MS_MAX = 1000,
    SAY_AWAY_MS = 3000,
    BACK_OFF_MS = 500,                  /* while the indexserver is away */
    REPLY_BYTES_MAX = 96 * 1024 * 1024, /* of memory: leases to parse again carry bodies */
};

struct lessor {
    struct lessor_options options;
    struct link *link;
    pthread_t thread;
    int stop_fd; /* readable: stop */
    struct arena arena;
    int64_t away_since_ms; /* 0: the indexserver answers */
    bool said_away;
};

static bool is_stopped(const struct lessor *lessor)
{
    struct pollfd polled = {.fd = lessor->stop_fd, .events = POLLIN};
    return poll(&polled, 1, 0) > 0;
}

static void pause_for(const struct lessor *lessor, int64_t wait_ms)
{
    struct pollfd polled = {.fd = lessor->stop_fd, .events = POLLIN};
    if (wait_ms > 0)
        poll(&polled, 1, (int)wait_ms);
}

/* A third of the time that the first lease to end has left: so it is prolonged in good time. */
static int64_t prolong_in_ms(struct ledger *ledger)
{
    int64_t ends_ms = ledger_first_end_ms(ledger);
    if (ends_ms == INT64_MAX)
        return WAIT_MS;
    int64_t third_ms = (ends_ms - clock_boot_ms()) / 3;
    if (third_ms < IDLE_MS_MIN)
        return IDLE_MS_MIN;
    return third_ms < WAIT_MS ? third_ms : WAIT_MS;
}

static void take_lease(struct lessor *lessor, const Wire__HostLease *lease)
{
    const struct lessor_options *options = &lessor->options;
    Wire__HostLease *copy = message_copy(&lease->base);
    if (copy == NULL)
        return; /* its time will end */
    if (ledger_add(options->ledger, lease->lease, lease->expires_ms, clock_boot_ms()))
        options->take(options->take_context, copy);
    else
        wire__host_lease__free_unpacked(copy, NULL);
}

/* Asks once; `ret_pause_ms` is the time until the next question. */
static enum status ask(struct lessor *lessor, unsigned room, int64_t wait_ms, int64_t *ret_pause_ms,
                       struct error *err)
{
    uint64_t held[LEDGER_LEASES_MAX];
    const struct lessor_options *options = &lessor->options;
    Wire__LeaseRequest request = WIRE__LEASE_REQUEST__INIT;
    request.member = options->member(options->member_context);
    request.max_hosts = room;
    request.wait_ms = (uint32_t)wait_ms;
    request.held = held;
    request.n_held = ledger_held(options->ledger, held);
    int64_t asked_ms = clock_boot_ms();
    void *message;
    enum status status =
        link_call(lessor->link, WIRE__METHOD__LEASE, &request.base, &wire__lease_reply__descriptor,
                  &lessor->arena, (uint32_t)wait_ms + ANSWER_MS, lessor->stop_fd, &message, err);
    if (status != STATUS_OK)
        return status;
    const Wire__LeaseReply *reply = message;
    ledger_prolong(options->ledger, held, request.n_held, asked_ms);
    ledger_revoke(options->ledger, reply->revoked, reply->n_revoked);
    for (size_t i = 0; i < reply->n_leases; i++)
        take_lease(lessor, reply->leases[i]);
    /* An answer without leases has waited, or says itself when there may be some. */
    int64_t idle_ms = reply->retry_ms < IDLE_MS_MAX ? reply->retry_ms : IDLE_MS_MAX;
    bool waited = wait_ms == 0 || clock_boot_ms() - asked_ms >= WAITED_MS;
    *ret_pause_ms = reply->n_leases > 0 || waited ? 0
                    : idle_ms > IDLE_MS_MIN       ? idle_ms
                                                  : IDLE_MS_MIN;
    return STATUS_OK;
}

/* Said once, and not of the moments in which everything starts. */
static void note_failure(struct lessor *lessor, const struct error *why)
{
    int64_t now_ms = clock_boot_ms();
    if (lessor->away_since_ms == 0)
        lessor->away_since_ms = now_ms;
    if (lessor->said_away || now_ms - lessor->away_since_ms < SAY_AWAY_MS)
        return;
    log_warning("no work from the indexserver: %s", why->text);
    lessor->said_away = true;
}

static void note_success(struct lessor *lessor)
{
    if (lessor->said_away)
        log_info("the indexserver has work again");
    lessor->away_since_ms = 0;
    lessor->said_away = false;
}

static void *run(void *context)
{
    struct lessor *lessor = context;
    struct ledger *ledger = lessor->options.ledger;
    while (!is_stopped(lessor)) {
        struct error err;
        int64_t pause_ms = 0, prolong_ms = prolong_in_ms(ledger);
        unsigned room = ledger_wait_for_room(ledger, clock_boot_ms() + prolong_ms);
        if (is_stopped(lessor))
            break;
        enum status status =
            ask(lessor, room, room > 0 ? prolong_in_ms(ledger) : 0, &pause_ms, &err);
        arena_reset(&lessor->arena);
        if (status != STATUS_OK && status != STATUS_CANCELLED) {
            note_failure(lessor, &err);
            pause_ms = BACK_OFF_MS;
        } else if (status == STATUS_OK) {
            note_success(lessor);
        }
        pause_for(lessor, pause_ms);
    }
    return NULL;
}

enum status lessor_open(const struct lessor_options *options, struct lessor **ret_lessor,
                        struct error *err)
{
    struct lessor *lessor = calloc(1, sizeof(*lessor));
    if (lessor == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lessor");
    lessor->options = *options;
    arena_init(&lessor->arena, REPLY_BYTES_MAX);
    enum status status = link_open(&options->link, &lessor->link, err);
    if (status != STATUS_OK) {
        free(lessor);
        return status;
    }
    lessor->stop_fd = eventfd(0, EFD_CLOEXEC);
    CHECK(lessor->stop_fd >= 0);
    CHECK(pthread_create(&lessor->thread, NULL, run, lessor) == 0);
    *ret_lessor = lessor;
    return STATUS_OK;
}

void lessor_close(struct lessor *lessor)
{
    if (lessor == NULL)
        return;
    CHECK(eventfd_write(lessor->stop_fd, 1) == 0);
    ledger_stop_leasing(lessor->options.ledger);
    pthread_join(lessor->thread, NULL);
    link_close(lessor->link);
    arena_release(&lessor->arena);
    fd_close(lessor->stop_fd);
    free(lessor);
}
