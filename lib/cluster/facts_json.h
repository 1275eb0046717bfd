/* What the cluster says of itself and of a crawl, in the shapes that docs/http-api.md promises: the
 * HTTP API and `tierce --json` say it alike, so a script may ask either. */
#ifndef TIERCE_CLUSTER_FACTS_JSON_H
#define TIERCE_CLUSTER_FACTS_JSON_H

#include "text/json.h"
#include "wire.pb-c.h"

void json_why(struct json_writer *json, const Wire__LookupReply *reply);
void json_test_url(struct json_writer *json, const Wire__TestUrlReply *reply);
void json_submit_reply(struct json_writer *json, const Wire__SubmitReply *reply);
void json_stats(struct json_writer *json, const Wire__Stats *stats);

#endif
