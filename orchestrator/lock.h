/* One orchestrator to a data folder. */
#ifndef TIERCE_ORCHESTRATOR_LOCK_H
#define TIERCE_ORCHESTRATOR_LOCK_H

#include "base/error.h"

/* Held until this process ends, however it ends. STATUS_CONFLICT names the one that holds it. */
enum status lock_folder(const char *folder, struct error *err);

#endif
