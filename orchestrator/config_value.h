/* Single values of config.yaml: from their text to a field. */
#ifndef TIERCE_ORCHESTRATOR_CONFIG_VALUE_H
#define TIERCE_ORCHESTRATOR_CONFIG_VALUE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "orchestrator/config_schema.h"

/*
 * Reads one value that is no list into the field that stands `key->offset` bytes into `record`.
 *
 * text    zero-terminated.
 * folder  relative paths are taken from it.
 * arena   strings come from here.
 *
 * Returns STATUS_OK or STATUS_INVALID with words that do not repeat what is allowed.
 */
enum status config_value_read(const struct config_key *key, const char *text, const char *folder,
                              struct arena *arena, void *record, struct error *err);

/* Whether the text may stand in a KIND_LISTEN list: localhost, *, or an IP address. */
bool config_value_is_listen(const char *text);

#endif
