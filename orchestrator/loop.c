#include "orchestrator/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"

enum status loop_open(struct loop *ret_loop, struct error *err)
{
    ret_loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return ret_loop->epoll_fd < 0 ? error_set_errno(err, errno, "epoll") : STATUS_OK;
}

void loop_close(struct loop *loop)
{
    fd_close(loop->epoll_fd);
    loop->epoll_fd = -1;
}

enum status loop_add(struct loop *loop, struct loop_watch *watch, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) != 0)
        return error_set_errno(err, errno, "epoll");
    return STATUS_OK;
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
    CHECK(epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL) == 0);
}

/* One event at a time: what it calls may remove any other watch. */
void loop_step(struct loop *loop, int64_t deadline_ms)
{
    int64_t left = deadline_ms == INT64_MAX ? -1 : deadline_ms - clock_boot_ms();
    if (deadline_ms != INT64_MAX && left < 0)
        left = 0;
    struct epoll_event event;
    int count = epoll_wait(loop->epoll_fd, &event, 1, left > INT_MAX ? INT_MAX : (int)left);
    CHECK(count >= 0 || errno == EINTR);
    if (count == 1) {
        struct loop_watch *watch = event.data.ptr;
        watch->ready(watch->context);
    }
}
