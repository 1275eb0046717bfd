#include "cluster/names.h"

#include "base/check.h"

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

const char *fetch_result_name(Log__Reason reason)
{
    static const char *const names[] = {
        [LOG__REASON__REASON_UNKNOWN] = "content",
        [LOG__REASON__REASON_NOT_MODIFIED] = "not modified",
        [LOG__REASON__REASON_REDIRECT] = "redirect",
        [LOG__REASON__REASON_HTTP_ERROR] = "HTTP error",
        [LOG__REASON__REASON_TIMEOUT] = "timeout",
        [LOG__REASON__REASON_CONNECT] = "no connection",
        [LOG__REASON__REASON_TLS] = "no TLS",
        [LOG__REASON__REASON_ADDRESS_REFUSED] = "address refused",
        [LOG__REASON__REASON_ROBOTS_DENIED] = "robots.txt forbids it",
        [LOG__REASON__REASON_ROBOTS_UNREACHABLE] = "robots.txt unreachable",
        [LOG__REASON__REASON_TOO_LARGE] = "too large",
        [LOG__REASON__REASON_UNSUPPORTED_TYPE] = "unsupported type",
        [LOG__REASON__REASON_OUT_OF_SCOPE] = "out of scope",
        [LOG__REASON__REASON_LIMIT] = "limit",
        [LOG__REASON__REASON_BAD_RESPONSE] = "bad response",
        [LOG__REASON__REASON_PARSER] = "parser",
        [LOG__REASON__REASON_NOINDEX] = "noindex",
        [LOG__REASON__REASON_RETRY_LATER] = "retry later",
        [LOG__REASON__REASON_LOGIN] = "log-in failed",
    };
    size_t at = (size_t)reason;
    return at < ARRAY_COUNT(names) && names[at] != NULL ? names[at] : "another reason";
}
