#include "orchestrator/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

struct inbox {
    struct loop *loop;
    struct loop_watch watch; /* an eventfd: it can be read while there are calls */
    void *context;
    void (*answer)(void *context, struct rpc_call *call);
    pthread_mutex_t mutex;
    struct rpc_call *calls[INBOX_MAX]; /* a ring */
    unsigned first;
    unsigned count;
    bool is_shut;
};

void inbox_put(void *context, struct rpc_call *call)
{
    struct inbox *inbox = context;
    bool was_empty = false;
    pthread_mutex_lock(&inbox->mutex);
    bool is_shut = inbox->is_shut;
    bool has_room = inbox->count < INBOX_MAX && !is_shut;
    if (has_room) {
        was_empty = inbox->count == 0;
        inbox->calls[(inbox->first + inbox->count++) % INBOX_MAX] = call;
    }
    pthread_mutex_unlock(&inbox->mutex);
    if (is_shut)
        rpc_call_fail(call, STATUS_UNAVAILABLE, "the orchestrator is stopping");
    else if (!has_room)
        rpc_call_fail(call, STATUS_OVERLOADED, "%d calls wait already", INBOX_MAX);
    else if (was_empty)
        eventfd_write(inbox->watch.fd, 1);
}

static struct rpc_call *take(struct inbox *inbox)
{
    struct rpc_call *call = NULL;
    pthread_mutex_lock(&inbox->mutex);
    if (inbox->count > 0) {
        call = inbox->calls[inbox->first];
        inbox->first = (inbox->first + 1) % INBOX_MAX;
        inbox->count--;
    }
    pthread_mutex_unlock(&inbox->mutex);
    return call;
}

static void answer_all(void *context)
{
    struct inbox *inbox = context;
    eventfd_t wakes;
    eventfd_read(inbox->watch.fd, &wakes); /* before the calls: one that comes now wakes again */
    for (struct rpc_call *call = take(inbox); call != NULL; call = take(inbox))
        inbox->answer(inbox->context, call);
}

enum status inbox_open(struct loop *loop, void *context,
                       void (*answer)(void *context, struct rpc_call *call),
                       struct inbox **ret_inbox, struct error *err)
{
    struct inbox *inbox = check_alloc(calloc(1, sizeof(*inbox)));
    inbox->loop = loop;
    inbox->context = context;
    inbox->answer = answer;
    pthread_mutex_init(&inbox->mutex, NULL);
    inbox->watch = (struct loop_watch){
        .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = answer_all, .context = inbox};
    enum status status = inbox->watch.fd < 0 ? error_set_errno(err, errno, "eventfd")
                                             : loop_add(loop, &inbox->watch, err);
    if (status != STATUS_OK) {
        fd_close(inbox->watch.fd);
        pthread_mutex_destroy(&inbox->mutex);
        free(inbox);
        return status;
    }
    *ret_inbox = inbox;
    return STATUS_OK;
}

void inbox_shut(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    pthread_mutex_lock(&inbox->mutex);
    inbox->is_shut = true;
    pthread_mutex_unlock(&inbox->mutex);
    for (struct rpc_call *call = take(inbox); call != NULL; call = take(inbox))
        rpc_call_fail(call, STATUS_UNAVAILABLE, "the orchestrator is stopping");
}

void inbox_close(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    loop_remove(inbox->loop, &inbox->watch);
    fd_close(inbox->watch.fd);
    pthread_mutex_destroy(&inbox->mutex);
    free(inbox);
}
