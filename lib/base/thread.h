/* What a thread asks of the kernel for itself alone. */
#ifndef TIERCE_BASE_THREAD_H
#define TIERCE_BASE_THREAD_H

/* From now on the calling thread gives way to every other that wants a processor: for work that
 * nobody waits for. */
void thread_give_way(void);

/*
 * The calling thread answers someone who waits: once it is woken it runs at once, where a thread
 * that computes holds the processor, instead of when that one's slice ends (Linux since 6.12: 3 to
 * 4 ms). It asks for shorter slices, not for more time.
 */
void thread_be_prompt(void);

#endif
