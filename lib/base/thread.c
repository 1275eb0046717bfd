#include "base/thread.h"

#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICE = 10, PROMPT_SLICE_NS = 100 * 1000 };

void thread_give_way(void)
{
    /* Linux keeps it for each thread. Without it the work is only less polite. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

/* The first version of the kernel's struct sched_attr, which libc does not declare. */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

void thread_be_prompt(void)
{
    struct attributes attributes = {.size = sizeof(attributes),
                                    .policy = SCHED_OTHER,
                                    .nice = getpriority(PRIO_PROCESS, (id_t)gettid()),
                                    .runtime_ns = PROMPT_SLICE_NS};
    /* Earlier kernels refuse or ignore it, and let whoever slept run first anyway. */
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}
