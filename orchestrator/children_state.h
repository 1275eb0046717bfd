/* The state file: which processes run, so that the next orchestrator finds them. */
#ifndef TIERCE_ORCHESTRATOR_CHILDREN_STATE_H
#define TIERCE_ORCHESTRATOR_CHILDREN_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"
#include "orchestrator/children.h"

struct child_record {
    char slot[CHILD_NAME_BYTES];
    char name[CHILD_NAME_BYTES];
    Wire__Role role;
    pid_t pid;
    uint64_t ticks;       /* when it began: process_start_ticks() */
    uint64_t fingerprint; /* of the program and its arguments */
    int stop_signal;
};

void child_record_append(const struct child_record *record, struct buffer *text);

/* Replaces the file. Not synced: it is of no use after the machine itself went down. */
enum status children_state_write(const char *path, const struct buffer *records, struct error *err);

/* Visits the records of a file written since this boot. No file is no records. */
void children_state_read(const char *path, void *context,
                         void (*visit)(void *context, const struct child_record *record));

#endif
