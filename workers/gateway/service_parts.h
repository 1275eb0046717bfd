/* The inside of struct service, for service*.c. */
#ifndef TIERCE_GATEWAY_SERVICE_PARTS_H
#define TIERCE_GATEWAY_SERVICE_PARTS_H

#include "cluster/fanout.h"
#include "gateway/gateway.h"
#include "gateway/service.h"
#include "index/search.h"
#include "rpc/client.h"
#include "text/analyze.h"

struct service {
    struct gateway *gateway;
    struct fanout *fanout;
    struct text_analyzer *analyzer;
    struct rpc_client *orchestrator;
    struct rpc_client *indexserver; /* reopened when the routing table names another address */
    int64_t deadline_ms;            /* 0: none */
};

/* When a question that comes now has to be answered, by the settings and the service's deadline. */
int64_t service_ends_ms(struct service *service);

/* The rest of the time as fanout_question wants it, at least 1. */
uint32_t service_left_ms(int64_t ends_ms);

/* The status of a question that no shard answered, with words. */
enum status service_no_answer(const struct fanout_answer *answers, unsigned count,
                              struct error *err);

/* Asks the one shard that holds the slot of a URL; the question's request. `*ret_whole`: what the
 * replica that answered has not got is not there. */
enum status service_ask_slot(struct service *service, const struct routing *routing, uint32_t slot,
                             struct fanout_question *question, struct arena *arena,
                             const void **ret_reply, bool *ret_whole, struct error *err);

/* A snippet's spans as HTML, in the arena; NULL: no memory. */
const char *service_snippet(const Wire__Document *document, struct arena *arena);

/* Valid UTF-8 of at most `bytes_max` bytes, what is not replaced by U+FFFD, without control
 * characters, in the arena; NULL: no memory. */
const char *service_clean_text(const char *text, size_t bytes_max, struct arena *arena);

#endif
