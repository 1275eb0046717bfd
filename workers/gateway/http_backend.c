#include "gateway/http_backend.h"

static uint64_t documents(struct gateway *gateway)
{
    struct routing *routing = gateway_routing(gateway);
    uint64_t count = routing == NULL ? 0 : routing->corpus.documents;
    routing_release(routing);
    return count;
}

const struct http_backend http_backend_live = {
    .set_ready = gateway_set_ready,
    .hold_settings = gateway_hold_settings,
    .release_settings = gateway_release_settings,
    .documents = documents,
    .token_is_valid = gateway_token_is_valid,
    .cookie_value = gateway_cookie_value,
    .cookie_is_valid = gateway_cookie_is_valid,
    .take_allowance = gateway_take_allowance,
    .count_request = gateway_count_request,
    .count_error = gateway_count_error,
    .totals = gateway_totals,
    .service_open = service_open,
    .service_close = service_close,
    .service_set_asker = service_set_asker,
    .search = service_search,
    .suggest = service_suggest,
    .backlinks = service_backlinks,
    .add_urls = service_add_urls,
    .remove = service_remove,
    .control = service_control,
    .why = service_why,
    .test_url = service_test_url,
    .explain = service_explain,
    .stats = service_stats,
    .login = service_login,
    .ready = service_ready,
};
