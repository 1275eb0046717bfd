/* What a role and a state are called wherever people or programs read it: in names, JSON, pages,
 * metrics and on the terminal. */
#ifndef TIERCE_CLUSTER_NAMES_H
#define TIERCE_CLUSTER_NAMES_H

#include "wire.pb-c.h"

const char *role_name(Wire__Role role);          /* "barrel"; "unknown" */
const char *state_name(Wire__MemberState state); /* "ready"; "unknown" */

/* What a fetch came to: "timeout"; "content" for REASON_UNKNOWN. */
const char *fetch_result_name(Log__Reason reason);

#endif
