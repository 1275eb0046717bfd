#include "sandbox/calls.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>

static uint32_t action_of(enum calls_verdict verdict)
{
    switch (verdict) {
    case CALLS_ALLOW:
        return SCMP_ACT_ALLOW;
    case CALLS_DENY:
        return SCMP_ACT_ERRNO(EPERM);
    case CALLS_ABSENT:
        return SCMP_ACT_ERRNO(ENOSYS);
    case CALLS_KILL:
        break;
    }
    return SCMP_ACT_KILL_PROCESS;
}

/* 0 or a negative errno, as all of libseccomp. */
static int add_rule(scmp_filter_ctx filter, const struct calls_rule *rule)
{
    struct scmp_arg_cmp matches[CALLS_COMPARED_MAX];
    unsigned count = 0;
    int call = seccomp_syscall_resolve_name(rule->call);
    if (call == __NR_SCMP_ERROR)
        return 0;
    while (count < CALLS_COMPARED_MAX && rule->compared[count].mask != 0) {
        const struct calls_compared *compared = &rule->compared[count];
        matches[count++] = (struct scmp_arg_cmp){.arg = compared->index,
                                                 .op = SCMP_CMP_MASKED_EQ,
                                                 .datum_a = compared->mask,
                                                 .datum_b = compared->value};
    }
    return seccomp_rule_add_array(filter, action_of(rule->verdict), call, count, matches);
}

enum status calls_confine(const struct calls_rule *rules, size_t count,
                          enum calls_verdict otherwise, struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(action_of(otherwise));
    int code = filter == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < count && code == 0; i++)
        code = add_rule(filter, &rules[i]);
    if (code == 0)
        code = seccomp_load(filter);
    seccomp_release(filter);
    if (code != 0)
        return error_set(err, STATUS_IO, "filtering system calls: %s", strerror(-code));
    return STATUS_OK;
}
