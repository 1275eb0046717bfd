#include "orchestrator/children_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "orchestrator/run_file.h"

enum { STATE_BYTES_MAX = 1024 * 1024, BOOT_BYTES = 40 };
#define HEADING "tierce children 1 "

/* Process numbers mean nothing after the machine started anew. */
static void read_boot(char ret[BOOT_BYTES])
{
    struct buffer text = {0};
    ret[0] = '\0';
    if (file_read("/proc/sys/kernel/random/boot_id", 4096, &text, NULL) == STATUS_OK)
        snprintf(ret, BOOT_BYTES, "%.36s", buffer_string(&text));
    ret[strcspn(ret, "\n")] = '\0';
    buffer_release(&text);
}

void child_record_append(const struct child_record *record, struct buffer *text)
{
    buffer_append_format(text, "%s %s %d %d %" PRIu64 " %" PRIx64 " %d\n", record->slot,
                         record->name, (int)record->role, (int)record->pid, record->ticks,
                         record->fingerprint, record->stop_signal);
}

enum status children_state_write(const char *path, const struct buffer *records, struct error *err)
{
    char boot[BOOT_BYTES];
    struct buffer text = {0};
    read_boot(boot);
    buffer_append_format(&text, HEADING "%s\n", boot);
    buffer_append(&text, records->data, records->size);
    enum status status = run_file_write(path, text.data, text.size, err);
    buffer_release(&text);
    return status;
}

static bool parse_record(const char *line, struct child_record *ret)
{
    int role = 0, pid = 0;
    struct child_record record = {0};
    if (sscanf(line, "%47s %47s %d %d %" SCNu64 " %" SCNx64 " %d", record.slot, record.name, &role,
               &pid, &record.ticks, &record.fingerprint, &record.stop_signal) != 7 ||
        pid <= 1 || role <= 0)
        return false;
    record.role = (Wire__Role)role;
    record.pid = pid;
    *ret = record;
    return true;
}

void children_state_read(const char *path, void *context,
                         void (*visit)(void *context, const struct child_record *record))
{
    struct buffer text = {0};
    char boot[BOOT_BYTES];
    char heading[sizeof(HEADING) + BOOT_BYTES];
    read_boot(boot);
    snprintf(heading, sizeof(heading), HEADING "%s", boot);
    char *rest = NULL;
    if (file_read(path, STATE_BYTES_MAX, &text, NULL) == STATUS_OK) {
        buffer_string(&text);
        char *line = strtok_r((char *)text.data, "\n", &rest);
        bool is_ours = line != NULL && strcmp(line, heading) == 0;
        while (is_ours && (line = strtok_r(NULL, "\n", &rest)) != NULL) {
            struct child_record record;
            if (parse_record(line, &record))
                visit(context, &record);
            else
                log_warning("%s: a line that is no record is passed over", path);
        }
    }
    buffer_release(&text);
}
