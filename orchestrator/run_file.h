/* Small files that tell the next orchestrator what was. */
#ifndef TIERCE_ORCHESTRATOR_RUN_FILE_H
#define TIERCE_ORCHESTRATOR_RUN_FILE_H

#include <stddef.h>

#include "base/error.h"

/*
 * Replaces the file (mode 0600): readers see the old bytes or the new, also when this process is
 * killed. Not synced: after a power cut there is nothing left that it could tell about.
 */
enum status run_file_write(const char *path, const void *bytes, size_t size, struct error *err);

#endif
