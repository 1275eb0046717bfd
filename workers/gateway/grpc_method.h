/* What can be called on port 8000, apart from how bytes get there. */
#ifndef TIERCE_GATEWAY_GRPC_METHOD_H
#define TIERCE_GATEWAY_GRPC_METHOD_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "gateway/service.h"

enum grpc_kind {
    GRPC_UNARY,
    GRPC_WATCH_STATS,  /* one request, then messages until the client cancels */
    GRPC_WATCH_HEALTH, /* the same */
    GRPC_CONVERSATION, /* an answer for each request, until the client has no more */
};

/* One request in hand. */
struct grpc_job {
    struct service *service;
    struct arena *arena;
    bool is_admin;
    bool is_serving; /* not draining */
};

/*
 * Answers one request: a message in the arena. The status and the words are the client's to read.
 */
typedef enum status grpc_answer(struct grpc_job *job, const ProtobufCMessage *request,
                                ProtobufCMessage **ret_reply, struct error *err);

enum grpc_access {
    GRPC_ANYONE,  /* never limited: health checks */
    GRPC_PUBLIC,  /* unless search.public is off */
    GRPC_LIMITED, /* anyone, but limited */
    GRPC_ADMIN,   /* with the token */
};

struct grpc_method {
    const char *path; /* "/tierce.v1.Gateway/Search" */
    enum grpc_kind kind;
    enum grpc_access access;
    const ProtobufCMessageDescriptor *request;
    grpc_answer *answer; /* of streams: the first message, or NULL */
};

/* NULL: there is no such method. */
const struct grpc_method *grpc_method_find(const char *path);

/* grpc_methods.c */
extern const struct grpc_method grpc_gateway_methods[];
extern const unsigned grpc_gateway_method_count;
/* grpc_health.c */
extern const struct grpc_method grpc_health_methods[];
extern const unsigned grpc_health_method_count;
/* grpc_reflection.c */
extern const struct grpc_method grpc_reflection_methods[];
extern const unsigned grpc_reflection_method_count;

/* The answer of Explain, in the arena. */
enum status grpc_explain_message(struct service *service, const char *query, const char *url,
                                 struct arena *arena, ProtobufCMessage **ret_reply,
                                 struct error *err);

/* The statistics as WatchStats sends them; for all viewers at once. */
enum status grpc_stats_message(struct service *service, struct arena *arena,
                               ProtobufCMessage **ret_message, struct error *err);

#endif
