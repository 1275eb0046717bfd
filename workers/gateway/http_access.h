/*
 * Who may. The only authority is the admin token, as "Authorization: Bearer" or as the cookie that
 * a one-time link sets; no address is one.
 */
#ifndef TIERCE_GATEWAY_HTTP_ACCESS_H
#define TIERCE_GATEWAY_HTTP_ACCESS_H

#include "gateway/routes.h"

#define ADMIN_COOKIE "__Host-tierce"

enum http_credential { CREDENTIAL_NONE, CREDENTIAL_BEARER, CREDENTIAL_COOKIE };

/* What the request proves. A wrong one counts as none. */
enum http_credential http_access_credential(const struct exchange *exchange);

/*
 * Whether a request that changes something may: a JSON body, a known Host, and an Origin of ours
 * where there is one; a cookie needs one. Otherwise answers with the problem and returns false.
 */
bool http_access_may_change(struct exchange *exchange, enum http_credential credential);

#endif
