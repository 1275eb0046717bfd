/* What was probably meant by a key that does not exist. */
#ifndef TIERCE_ORCHESTRATOR_CONFIG_HINT_H
#define TIERCE_ORCHESTRATOR_CONFIG_HINT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "orchestrator/config_schema.h"

/* The part behind the last dot. */
const char *config_leaf(const char *path);

/* The path that was probably meant; NULL where nothing is near. */
const char *config_near_miss(const struct config_key *keys, const char *path);

/* "password" and the like: their values do not belong into the file, nor into a message. */
bool config_is_secret_name(const char *name);

/* Appends what may stand behind `prefix` ("" or "crawl."), each section once: "kind, key". */
void config_siblings(const struct config_key *keys, const char *prefix, struct buffer *ret_text);

#endif
