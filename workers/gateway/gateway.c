#include "gateway/gateway.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/gateway_parts.h"
#include "rpc/message.h"

enum { JOIN_WAIT_MS = 10000 };

/* ---- settings ---- */

/* The first settings decide where the counts of requests are shared. */
static enum status open_limits(struct gateway *gateway, const char *path, struct error *err)
{
    if (gateway->limits != NULL) {
        if (strcmp(gateway->limits_file, path) != 0)
            log_warning("the table of limits moves to %s with the next restart", path);
        return STATUS_OK;
    }
    gateway->limits_file = strdup(path);
    if (gateway->limits_file == NULL)
        return error_set(err, STATUS_NO_MEMORY, "settings");
    struct error why;
    if (limits_open(path, &gateway->limits, &why) == STATUS_OK)
        return STATUS_OK;
    log_warning("limits are counted by this process alone: %s", why.text);
    return limits_open("", &gateway->limits, err);
}

static struct held_settings *copy_settings(const Wire__GatewaySettings *settings)
{
    struct held_settings *held = calloc(1, sizeof(*held));
    if (held != NULL)
        held->owner = message_copy(&settings->base);
    if (held == NULL || held->owner == NULL) {
        free(held);
        return NULL;
    }
    held->message = *held->owner;
    atomic_init(&held->references, 1);
    return held;
}

const Wire__GatewaySettings *gateway_hold_settings(struct gateway *gateway)
{
    pthread_mutex_lock(&gateway->mutex);
    struct held_settings *held = gateway->settings;
    atomic_fetch_add_explicit(&held->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&gateway->mutex);
    return &held->message;
}

void gateway_release_settings(const Wire__GatewaySettings *settings)
{
    struct held_settings *held = (struct held_settings *)(uintptr_t)settings;
    if (held == NULL || atomic_fetch_sub_explicit(&held->references, 1, memory_order_acq_rel) != 1)
        return;
    protobuf_c_message_free_unpacked(&held->owner->base, NULL);
    free(held);
}

static void drop_settings(struct held_settings *held)
{
    gateway_release_settings(held == NULL ? NULL : &held->message);
}

static enum status take_settings(void *context, const Wire__Settings *settings, struct error *err)
{
    static const Wire__GatewaySettings none = WIRE__GATEWAY_SETTINGS__INIT;
    struct gateway *gateway = context;
    struct held_settings *copy =
        copy_settings(settings->gateway == NULL ? &none : settings->gateway);
    if (copy == NULL)
        return error_set(err, STATUS_NO_MEMORY, "settings");
    uint32_t cache_entries = copy->message.cache_entries;
    pthread_mutex_lock(&gateway->mutex);
    enum status status = open_limits(gateway, copy->message.limits_file, err);
    struct held_settings *old = copy;
    if (status == STATUS_OK) {
        old = gateway->settings;
        gateway->settings = copy;
    }
    pthread_mutex_unlock(&gateway->mutex);
    drop_settings(old);
    if (status != STATUS_OK)
        return status;
    cache_resize(gateway->cache, cache_entries);
    enum log_level level;
    if (!gateway->keeps_log_level && log_level_parse(settings->log_level, &level))
        log_set_lowest(level);
    return STATUS_OK;
}

bool gateway_token_hash(struct gateway *gateway, uint8_t ret_hash[TOKEN_HASH_BYTES])
{
    pthread_mutex_lock(&gateway->mutex);
    const ProtobufCBinaryData *hash = &gateway->settings->message.token_hash;
    bool is_there = hash->len == TOKEN_HASH_BYTES;
    if (is_there)
        memcpy(ret_hash, hash->data, TOKEN_HASH_BYTES);
    pthread_mutex_unlock(&gateway->mutex);
    return is_there;
}

/* ---- membership ---- */

static void fill_heartbeat(void *context, Wire__HeartbeatRequest *heartbeat)
{
    struct gateway *gateway = context;
    heartbeat->gateway = counters_report(gateway->counters);
}

static void heartbeat_sent(void *context)
{
    struct gateway *gateway = context;
    counters_sent(gateway->counters);
}

static enum status join(struct gateway *gateway, const struct gateway_options *options,
                        struct error *err)
{
    struct member_options member = {
        .orchestrator = gateway->orchestrator,
        .key = &gateway->key,
        .role = options->role,
        .name = options->name,
        .address = options->address,
        .advertise_host = options->advertise_host,
        .shard = -1,
        .context = gateway,
        .take_settings = take_settings,
        .fill_heartbeat = fill_heartbeat,
        .heartbeat_sent = heartbeat_sent,
    };
    enum status status = member_start(&member, JOIN_WAIT_MS, &gateway->member, err);
    if (status == STATUS_OK && gateway->settings == NULL)
        status = error_set(err, STATUS_UNAVAILABLE, "the orchestrator sent no settings");
    return status;
}

enum status gateway_open(const struct gateway_options *options, struct gateway **ret_gateway,
                         struct error *err)
{
    struct gateway *gateway = calloc(1, sizeof(*gateway));
    if (gateway == NULL)
        return error_set(err, STATUS_NO_MEMORY, "gateway");
    pthread_mutex_init(&gateway->mutex, NULL);
    gateway->key = options->key;
    gateway->keeps_log_level = options->keeps_log_level;
    gateway->orchestrator = strdup(options->orchestrator);
    gateway->counters = counters_new();
    gateway->cache = cache_new();
    gateway->terms = term_table_new();
    enum status status = STATUS_OK;
    if (gateway->orchestrator == NULL || gateway->counters == NULL || gateway->cache == NULL ||
        gateway->terms == NULL)
        status = error_set(err, STATUS_NO_MEMORY, "gateway");
    if (status == STATUS_OK)
        status = join(gateway, options, err);
    if (status != STATUS_OK) {
        gateway_close(gateway);
        return status;
    }
    *ret_gateway = gateway;
    return STATUS_OK;
}

void gateway_close(struct gateway *gateway)
{
    if (gateway == NULL)
        return;
    member_stop(gateway->member); /* the last counters go with it */
    drop_settings(gateway->settings);
    limits_close(gateway->limits);
    free(gateway->limits_file);
    term_table_free(gateway->terms);
    cache_free(gateway->cache);
    counters_free(gateway->counters);
    free(gateway->orchestrator);
    explicit_bzero(&gateway->key, sizeof(gateway->key));
    pthread_mutex_destroy(&gateway->mutex);
    free(gateway);
}

void gateway_set_ready(struct gateway *gateway, bool ready)
{
    member_set_state(gateway->member,
                     ready ? WIRE__MEMBER_STATE__STATE_READY : WIRE__MEMBER_STATE__STATE_DRAINING);
}

const struct cluster_key *gateway_key(const struct gateway *gateway)
{
    return &gateway->key;
}

const char *gateway_orchestrator(const struct gateway *gateway)
{
    return gateway->orchestrator;
}

struct routing *gateway_routing(struct gateway *gateway)
{
    return member_routing(gateway->member);
}
