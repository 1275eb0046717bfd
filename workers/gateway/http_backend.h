/*
 * What the HTTP side needs of the rest of the gateway, as a table: the live one calls gateway.h and
 * service.h, a test hands in its own and needs no cluster.
 */
#ifndef TIERCE_GATEWAY_HTTP_BACKEND_H
#define TIERCE_GATEWAY_HTTP_BACKEND_H

#include "gateway/gateway.h"
#include "gateway/service.h"

/* Each member is the function of that name in gateway.h or service.h. */
struct http_backend {
    void (*set_ready)(struct gateway *gateway, bool ready);
    const Wire__GatewaySettings *(*hold_settings)(struct gateway *gateway);
    void (*release_settings)(const Wire__GatewaySettings *settings);
    /* Live documents of the whole installation, as last counted. */
    uint64_t (*documents)(struct gateway *gateway);
    bool (*token_is_valid)(struct gateway *gateway, const char *token);
    void (*cookie_value)(struct gateway *gateway, char ret[ADMIN_COOKIE_BYTES]);
    bool (*cookie_is_valid)(struct gateway *gateway, const char *value);
    unsigned (*take_allowance)(struct gateway *gateway, const char *address, unsigned parts);
    void (*count_request)(struct gateway *gateway);
    void (*count_error)(struct gateway *gateway);
    void (*totals)(struct gateway *gateway, struct gateway_totals *ret);

    enum status (*service_open)(struct gateway *gateway, struct service **ret_service,
                                struct error *err);
    void (*service_close)(struct service *service);
    void (*service_set_asker)(struct service *service, const struct rpc_watch *watch);
    enum status (*search)(struct service *service, const struct search_question *question,
                          struct arena *arena, struct search_answer *ret_answer, struct error *err);
    enum status (*suggest)(struct service *service, const char *query, bool is_admin,
                           struct arena *arena, struct suggest_answer *ret_answer,
                           struct error *err);
    enum status (*backlinks)(struct service *service, const char *url, unsigned page, unsigned size,
                             bool is_admin, struct arena *arena,
                             struct backlinks_answer *ret_answer, struct error *err);
    enum status (*add_urls)(struct service *service, const char *const *urls, size_t count,
                            struct arena *arena, Wire__SubmitReply **ret_reply, struct error *err);
    enum status (*remove)(struct service *service, Log__RemoveScope scope, const char *value,
                          struct arena *arena, Wire__RemoveReply **ret_reply, struct error *err);
    enum status (*control)(struct service *service, Log__Action action, const char *source,
                           struct error *err);
    enum status (*test_url)(struct service *service, const char *url, struct arena *arena,
                            Wire__TestUrlReply **ret_reply, struct error *err);
    enum status (*why)(struct service *service, const char *url, struct arena *arena,
                       Wire__LookupReply **ret_reply, struct error *err);
    enum status (*explain)(struct service *service, const char *query, const char *url,
                           struct arena *arena, struct explain_answer *ret_answer,
                           struct error *err);
    enum status (*stats)(struct service *service, struct arena *arena, Wire__Stats **ret_stats,
                         struct error *err);
    enum status (*login)(struct service *service, const char *code, struct error *err);
    enum status (*ready)(struct service *service, struct error *err);
};

extern const struct http_backend http_backend_live;

#endif
