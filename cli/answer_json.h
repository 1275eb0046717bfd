/*
 * What the commands answer with --json: the same names and shapes as the HTTP API's answers
 * (docs/handbook/api.md), so that a script may ask either.
 */
#ifndef TIERCE_CLI_ANSWER_JSON_H
#define TIERCE_CLI_ANSWER_JSON_H

#include <jansson.h>

#include "wire.pb-c.h"

json_t *json_of_stats(const Wire__Stats *stats);
json_t *json_of_why(const Wire__LookupReply *reply);
json_t *json_of_submit(uint64_t accepted, json_t *rejected); /* takes `rejected` */
json_t *json_of_rejected(const Wire__Rejected *rejected);

const char *role_name(Wire__Role role);
const char *state_name(Wire__MemberState state);

/* Writes it to standard output and frees it. */
void json_print(json_t *json);

#endif
