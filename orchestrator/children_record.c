#include "orchestrator/children_parts.h"

#include <stdio.h>

#include "base/log.h"

static void append_record(const struct runner *runner, struct buffer *text)
{
    if (runner == NULL)
        return;
    struct child_record record = {.role = runner->child->job.role,
                                  .pid = runner->pid,
                                  .ticks = runner->ticks,
                                  .fingerprint = runner->fingerprint,
                                  .stop_signal = runner->stop_signal};
    snprintf(record.slot, sizeof(record.slot), "%s", runner->child->job.slot);
    snprintf(record.name, sizeof(record.name), "%s", runner->name);
    child_record_append(&record, text);
}

void children_write_state(struct children *children)
{
    struct buffer text = {0};
    for (unsigned i = 0; i < children->count; i++) {
        append_record(children->items[i]->current, &text);
        append_record(children->items[i]->successor, &text);
        append_record(children->items[i]->draining, &text);
    }
    struct error err;
    if (children_state_write(children->state_file, &text, &err) != STATUS_OK) {
        if (!children->state_failed)
            log_error("%s; the next orchestrator will not find these processes", err.text);
        children->state_failed = true;
    }
    buffer_release(&text);
}
