#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/orchestrator_parts.h"
#include "orchestrator/reach.h"

static void answer_empty(struct rpc_call *call)
{
    Wire__Empty empty = WIRE__EMPTY__INIT;
    rpc_call_reply(call, &empty.base);
}

static void answer_register(struct orchestrator *orchestrator, struct rpc_call *call)
{
    Wire__RegisterRequest *request = rpc_call_request(call, &wire__register_request__descriptor);
    if (request == NULL)
        return;
    Wire__RegisterReply reply = WIRE__REGISTER_REPLY__INIT;
    struct arena *arena = rpc_call_arena(call);
    struct endpoint peer = rpc_call_peer(call), local = rpc_call_local(call);
    struct error err;
    enum status status = reach_member(request, &peer, arena, &request->address, &err);
    if (status == STATUS_OK)
        status = members_register(orchestrator->members, request, arena, &reply, &err);
    if (status == STATUS_OK) {
        reach_routing(reply.routing, &peer, &local, arena);
        rpc_call_reply(call, &reply.base);
        return;
    }
    log_warning("a process is refused: %s", err.text);
    rpc_call_fail(call, err.status, "%s", err.text);
}

static void count(struct orchestrator *orchestrator, const Wire__GatewayReport *report)
{
    counters_add(orchestrator->counters, report);
    for (size_t i = 0; i < report->n_latencies; i++)
        members_add_latency(orchestrator->members, report->latencies[i]->member,
                            report->latencies[i]->calls, report->latencies[i]->total_us);
}

static void answer_heartbeat(struct orchestrator *orchestrator, struct rpc_call *call)
{
    const Wire__HeartbeatRequest *request =
        rpc_call_request(call, &wire__heartbeat_request__descriptor);
    if (request == NULL)
        return;
    Wire__HeartbeatReply reply = WIRE__HEARTBEAT_REPLY__INIT;
    struct endpoint peer = rpc_call_peer(call), local = rpc_call_local(call);
    members_heartbeat(orchestrator->members, request, rpc_call_arena(call), &reply);
    /* A member that has to register again sends its counts once more. */
    if (!reply.unknown && request->gateway != NULL)
        count(orchestrator, request->gateway);
    reach_routing(reply.routing, &peer, &local, rpc_call_arena(call));
    rpc_call_reply(call, &reply.base);
}

static void answer_login_new(struct orchestrator *orchestrator, struct rpc_call *call)
{
    Wire__Login login = WIRE__LOGIN__INIT;
    login.code = (char *)login_code_new(&orchestrator->logins, clock_boot_ms());
    rpc_call_reply(call, &login.base);
}

static void answer_login_redeem(struct orchestrator *orchestrator, struct rpc_call *call)
{
    const Wire__Login *login = rpc_call_request(call, &wire__login__descriptor);
    if (login == NULL)
        return;
    if (login_code_redeem(&orchestrator->logins, login->code, clock_boot_ms()))
        answer_empty(call);
    else
        rpc_call_fail(call, STATUS_DENIED,
                      "this link was used, or is older than ten minutes: ask for a new one");
}

static void answer_restart(struct orchestrator *orchestrator, struct rpc_call *call)
{
    const Wire__RestartRequest *request =
        rpc_call_request(call, &wire__restart_request__descriptor);
    if (request == NULL)
        return;
    unsigned count_wished = children_restart(orchestrator->children, request->role);
    if (count_wished == 0)
        rpc_call_fail(call, STATUS_NOT_FOUND,
                      "no process of that kind was started by this orchestrator");
    else
        answer_empty(call);
}

void orchestrator_answer(void *context, struct rpc_call *call)
{
    struct orchestrator *orchestrator = context;
    switch (rpc_call_method(call)) {
    case WIRE__METHOD__PING:
        answer_empty(call);
        return;
    case WIRE__METHOD__REGISTER:
        answer_register(orchestrator, call);
        return;
    case WIRE__METHOD__HEARTBEAT:
        answer_heartbeat(orchestrator, call);
        return;
    case WIRE__METHOD__ORCHESTRATOR_STATS:
        rpc_call_reply(call, &orchestrator_stats(orchestrator, rpc_call_arena(call))->base);
        return;
    case WIRE__METHOD__LOGIN_NEW:
        answer_login_new(orchestrator, call);
        return;
    case WIRE__METHOD__LOGIN_REDEEM:
        answer_login_redeem(orchestrator, call);
        return;
    case WIRE__METHOD__RESTART:
        answer_restart(orchestrator, call);
        return;
    default:
        rpc_call_fail(call, STATUS_UNSUPPORTED, "the orchestrator does not know method %u",
                      rpc_call_method(call));
    }
}
