#include "cluster/names.h"

const char *role_name(Wire__Role role)
{
    switch (role) {
    case WIRE__ROLE__ROLE_ORCHESTRATOR:
        return "orchestrator";
    case WIRE__ROLE__ROLE_INDEXSERVER:
        return "indexserver";
    case WIRE__ROLE__ROLE_BARREL:
        return "barrel";
    case WIRE__ROLE__ROLE_GATEWAY:
        return "gateway";
    case WIRE__ROLE__ROLE_DOWNLOADER:
        return "downloader";
    case WIRE__ROLE__ROLE_GRPC:
        return "grpc";
    case WIRE__ROLE__ROLE_PROXY:
        return "proxy";
    default:
        return "unknown";
    }
}

const char *state_name(Wire__MemberState state)
{
    switch (state) {
    case WIRE__MEMBER_STATE__STATE_STARTING:
        return "starting";
    case WIRE__MEMBER_STATE__STATE_READY:
        return "ready";
    case WIRE__MEMBER_STATE__STATE_DRAINING:
        return "draining";
    default:
        return "unknown";
    }
}
