/* Calls on their way from the server's thread to the main thread. */
#ifndef TIERCE_ORCHESTRATOR_INBOX_H
#define TIERCE_ORCHESTRATOR_INBOX_H

#include "base/error.h"
#include "orchestrator/loop.h"
#include "rpc/server.h"

enum { INBOX_MAX = 4096 };

struct inbox;

/* answer() runs on the loop for each call, in their order, and ends it. */
enum status inbox_open(struct loop *loop, void *context,
                       void (*answer)(void *context, struct rpc_call *call),
                       struct inbox **ret_inbox, struct error *err);
/* From now on calls are refused, those that wait too: to be called before the server is closed.
 * Accepts NULL. */
void inbox_shut(struct inbox *inbox);
void inbox_close(struct inbox *inbox); /* after the server; accepts NULL */

/* An rpc_handler: `context` is the inbox. From any thread. */
void inbox_put(void *context, struct rpc_call *call);

#endif
