/* The service's answers in the shapes that docs/http-api.md promises. */
#ifndef TIERCE_GATEWAY_JSON_ANSWERS_H
#define TIERCE_GATEWAY_JSON_ANSWERS_H

#include "gateway/json.h"
#include "gateway/service.h"

void json_search_answer(struct json_writer *json, const struct search_answer *answer);
void json_backlinks_answer(struct json_writer *json, const struct backlinks_answer *answer);
void json_why(struct json_writer *json, const Wire__LookupReply *reply);
void json_submit_reply(struct json_writer *json, const Wire__SubmitReply *reply);
void json_stats(struct json_writer *json, const Wire__Stats *stats);

/* What a role and a state are called, in JSON and on pages: "barrel", "ready". */
const char *json_role_name(Wire__Role role);
const char *json_state_name(Wire__MemberState state);

#endif
