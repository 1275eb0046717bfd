/* The JSON API, asked over HTTPS as users ask it. */
#ifndef TIERCE_CLI_API_H
#define TIERCE_CLI_API_H

#include <jansson.h>

#include "base/error.h"
#include "cli/installation.h"
#include "cli/web.h"

/*
 * One GET, with the admin's token where there is one. The answer and the body parsed are the
 * caller's to release, also on failure: web_answer_release() and json_decref().
 */
enum status api_get(struct installation *installation, const char *path,
                    struct web_answer *ret_answer, json_t **ret_body, struct error *err);

/* A member's text; "" where there is none. */
const char *api_text(const json_t *object, const char *key);

#endif
