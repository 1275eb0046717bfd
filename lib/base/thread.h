/* What a thread asks of the kernel for itself alone. */
#ifndef TIERCE_BASE_THREAD_H
#define TIERCE_BASE_THREAD_H

/* From now on the calling thread gives way to every other that wants a processor: for work that
 * nobody waits for. */
void thread_give_way(void);

#endif
