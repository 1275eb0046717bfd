/* grpc.health.v1.Health: serving until the process drains. Whether the index is whole is told by
 * each answer (and by /readyz): a gateway with half an index still serves. */
#include <string.h>

#include "base/check.h"
#include "gateway/grpc_method.h"
#include "health.pb-c.h"

static bool is_known(const char *service)
{
    return service[0] == '\0' || strcmp(service, "tierce.v1.Gateway") == 0 ||
           strcmp(service, "grpc.health.v1.Health") == 0 ||
           strcmp(service, "grpc.reflection.v1alpha.ServerReflection") == 0;
}

static enum status say(struct grpc_job *job,
                       Grpc__Health__V1__HealthCheckResponse__ServingStatus state,
                       ProtobufCMessage **ret_reply, struct error *err)
{
    Grpc__Health__V1__HealthCheckResponse *reply = arena_alloc(job->arena, sizeof(*reply));
    if (reply == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for the answer");
    grpc__health__v1__health_check_response__init(reply);
    reply->status = state;
    *ret_reply = &reply->base;
    return STATUS_OK;
}

static Grpc__Health__V1__HealthCheckResponse__ServingStatus state_of(const struct grpc_job *job)
{
    return job->is_serving ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
                           : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}

static enum status check(struct grpc_job *job, const ProtobufCMessage *message,
                         ProtobufCMessage **ret_reply, struct error *err)
{
    const Grpc__Health__V1__HealthCheckRequest *request =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    if (!is_known(request->service))
        return error_set(err, STATUS_NOT_FOUND, "there is no such service here");
    return say(job, state_of(job), ret_reply, err);
}

/* The first message of a watch, and the last one when the process drains. */
static enum status watch(struct grpc_job *job, const ProtobufCMessage *message,
                         ProtobufCMessage **ret_reply, struct error *err)
{
    const Grpc__Health__V1__HealthCheckRequest *request =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    Grpc__Health__V1__HealthCheckResponse__ServingStatus state =
        is_known(request->service)
            ? state_of(job)
            : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    return say(job, state, ret_reply, err);
}

const struct grpc_method grpc_health_methods[] = {
    {"/grpc.health.v1.Health/Check", GRPC_UNARY, GRPC_ANYONE,
     &grpc__health__v1__health_check_request__descriptor, check},
    {"/grpc.health.v1.Health/Watch", GRPC_WATCH_HEALTH, GRPC_ANYONE,
     &grpc__health__v1__health_check_request__descriptor, watch},
};
const unsigned grpc_health_method_count = ARRAY_COUNT(grpc_health_methods);
