#include "base/thread.h"

#include <sys/resource.h>
#include <unistd.h>

enum { NICE = 10 };

void thread_give_way(void)
{
    /* Linux keeps it for each thread. Without it the work is only less polite. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}
