/* Answers the barrel's calls. */
#ifndef TIERCE_BARREL_SERVICE_H
#define TIERCE_BARREL_SERVICE_H

#include "barrel/barrel.h"
#include "rpc/server.h"

struct service;

/* barrel: borrowed until the close. */
enum status service_open(struct barrel *barrel, struct service **ret_service, struct error *err);
void service_close(struct service *service); /* accepts NULL */

/* An rpc_handler; `context` is the service. From any thread. */
void service_handle(void *context, struct rpc_call *call);

#endif
