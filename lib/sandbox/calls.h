/*
 * Which system calls the process may make from now on: those of a list, by the kernel's seccomp.
 * The filter holds for the calling thread and all that it starts, so it is to be loaded before
 * there are others.
 */
#ifndef TIERCE_SANDBOX_CALLS_H
#define TIERCE_SANDBOX_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { CALLS_COMPARED_MAX = 2 };

/* What becomes of a call. */
enum calls_verdict {
    CALLS_ALLOW,
    CALLS_DENY,   /* it returns EPERM */
    CALLS_ABSENT, /* ENOSYS, as on a kernel that does not know it: the C library has another way */
    CALLS_KILL,   /* the process ends by SIGSYS */
};

/* Holds where argument `index` is `value` in the bits of `mask`. */
struct calls_compared {
    unsigned index;
    uint64_t mask; /* 0: nothing is compared */
    uint64_t value;
};

/* Where several rules name the same call with the same verdict, one of them must hold. */
struct calls_rule {
    const char *call; /* its name; one that this machine's kernel has not is passed over */
    enum calls_verdict verdict;
    struct calls_compared compared[CALLS_COMPARED_MAX];
};

/* Loads the filter; a call that no rule holds for gets `otherwise`. */
enum status calls_confine(const struct calls_rule *rules, size_t count,
                          enum calls_verdict otherwise, struct error *err);

#endif
