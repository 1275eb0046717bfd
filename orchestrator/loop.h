/*
 * The main thread's loop: descriptors and what to do when one is ready. Everything that the
 * orchestrator decides is decided on this thread, so none of its state needs a lock.
 */
#ifndef TIERCE_ORCHESTRATOR_LOOP_H
#define TIERCE_ORCHESTRATOR_LOOP_H

#include <stdint.h>

#include "base/error.h"

/* The owner's memory; it stays in place while it is watched. */
struct loop_watch {
    int fd; /* borrowed */
    void (*ready)(void *context);
    void *context;
};

struct loop {
    int epoll_fd;
};

enum status loop_open(struct loop *ret_loop, struct error *err);
void loop_close(struct loop *loop);

/* Calls watch->ready() whenever the descriptor can be read. */
enum status loop_add(struct loop *loop, struct loop_watch *watch, struct error *err);
void loop_remove(struct loop *loop, struct loop_watch *watch);

/* Waits for one descriptor, or until `deadline_ms` (clock_boot_ms(); INT64_MAX: for ever), and
 * calls what belongs to it. */
void loop_step(struct loop *loop, int64_t deadline_ms);

#endif
