#include "index/limit.h"

#include "base/clock.h"

bool limit_watch_look(struct limit_watch *watch)
{
    const struct search_limit *limit = watch->limit;
    if (limit != NULL && watch->status == STATUS_OK) {
        if (limit->is_cancelled != NULL && limit->is_cancelled(limit->context))
            watch->status = STATUS_CANCELLED;
        else if (limit->deadline_ms != 0 && clock_boot_ms() >= limit->deadline_ms)
            watch->status = STATUS_TIMEOUT;
    }
    /* Once it has stopped, every step is a reason to look. */
    watch->steps = watch->status == STATUS_OK ? 0 : LIMIT_STEPS;
    return watch->status != STATUS_OK;
}

enum status limit_watch_status(const struct limit_watch *watch, struct error *err)
{
    if (watch->status == STATUS_OK)
        return STATUS_OK;
    return error_set(err, watch->status,
                     watch->status == STATUS_TIMEOUT ? "the time for an answer ran out"
                                                     : "nobody waits for the answer any more");
}
