#include "cli/api.h"

#include <curl/curl.h>

#include "cli/trust.h"

enum { STATS_TIMEOUT_MS = 5000, ANSWER_TIMEOUT_MS = 15000 };

const char *api_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* What the API says when it cannot answer: application/problem+json. */
static enum status problem_of(const struct web_answer *answer, const json_t *body,
                              struct error *err)
{
    const char *detail = api_text(body, "detail");
    const char *title = api_text(body, "title");
    return error_set(err, STATUS_UNAVAILABLE, "%s (HTTP %ld)",
                     detail[0] != '\0'  ? detail
                     : title[0] != '\0' ? title
                                        : "the question was refused",
                     answer->code);
}

enum status api_get(struct installation *installation, const char *path,
                    struct web_answer *ret_answer, json_t **ret_body, struct error *err)
{
    Wire__Stats *stats;
    enum status status = installation_stats(installation, STATS_TIMEOUT_MS, &stats, err);
    if (status != STATUS_OK)
        return status;
    struct web_request request = {
        .base_url = stats->base_url,
        .path = path,
        .connect_here = installation_is_local(installation),
        .timeout_ms = ANSWER_TIMEOUT_MS,
    };
    /* without the token, less is shown: that is all */
    if (installation_token(installation, &request.token, NULL) != STATUS_OK)
        request.token = NULL;
    trust_installation(installation, request.trusted_files);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    status = web_get(&request, ret_answer, err);
    if (status != STATUS_OK)
        return status;
    *ret_body = json_loadb((const char *)ret_answer->body.data, ret_answer->body.size, 0, NULL);
    if (ret_answer->code != 200)
        return problem_of(ret_answer, *ret_body, err);
    return *ret_body == NULL ? error_set(err, STATUS_CORRUPT, "the answer is no JSON") : STATUS_OK;
}
