/* The answers to searches in the shapes that docs/http-api.md promises. */
#ifndef TIERCE_GATEWAY_JSON_ANSWERS_H
#define TIERCE_GATEWAY_JSON_ANSWERS_H

#include "gateway/service.h"
#include "text/json.h"

void json_search_answer(struct json_writer *json, const struct search_answer *answer);
void json_suggest_answer(struct json_writer *json, const struct suggest_answer *answer);
void json_explain_answer(struct json_writer *json, const struct explain_answer *answer);
void json_backlinks_answer(struct json_writer *json, const struct backlinks_answer *answer);

#endif
