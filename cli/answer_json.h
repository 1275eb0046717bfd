/*
 * What the commands answer with --json. What the HTTP API answers too has its shape from
 * cluster/facts_json.h, so that a script may ask either (docs/handbook/api.md).
 */
#ifndef TIERCE_CLI_ANSWER_JSON_H
#define TIERCE_CLI_ANSWER_JSON_H

#include <jansson.h>

#include "base/buffer.h"
#include "text/json.h"

/* For a shape of cluster/facts_json.h, indented. */
struct json_writer json_begin(struct buffer *bytes);

/* Writes it to standard output and releases it. */
void json_print_bytes(struct buffer *bytes);

/* The same of a value that has no such shape. */
void json_print(json_t *json);

#endif
