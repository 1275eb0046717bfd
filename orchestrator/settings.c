#include "orchestrator/settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/args.h"
#include "base/bytes.h"
#include "base/check.h"
#include "rpc/message.h"

enum { HTTPS_PORT = 443 };

static char *format(struct arena *arena, const char *pattern, const char *text, unsigned port)
{
    return check_alloc(arena_format(arena, pattern, text, port));
}

/* "name", "name:8443", "[::1]:8443" */
static const char *authority_of(const char *host, uint64_t port, struct arena *arena)
{
    bool is_v6 = strchr(host, ':') != NULL;
    if (port == HTTPS_PORT)
        return check_alloc(arena_format(arena, is_v6 ? "[%s]" : "%s", host));
    return format(arena, is_v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

const char *settings_base_url(const struct config *config, struct arena *arena)
{
    return check_alloc(arena_format(arena, "https://%s",
                                    authority_of(config->hostname, config->ports.https, arena)));
}

static char **text_array(struct arena *arena, size_t count)
{
    return check_alloc(arena_zalloc(arena, (count + 1) * sizeof(char *)));
}

/* The names by which an admin's browser may know us. */
static void fill_hosts(const struct config *config, struct arena *arena,
                       Wire__GatewaySettings *gateway)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "::1"};
    gateway->hosts = text_array(arena, 1 + ARRAY_COUNT(loopback));
    gateway->hosts[gateway->n_hosts++] =
        (char *)authority_of(config->hostname, config->ports.https, arena);
    for (size_t i = 0; i < ARRAY_COUNT(loopback); i++) {
        if (strcmp(loopback[i], config->hostname) != 0)
            gateway->hosts[gateway->n_hosts++] =
                (char *)authority_of(loopback[i], config->ports.https, arena);
    }
}

static Wire__GatewaySettings *gateway_settings(const struct settings_source *source,
                                               struct arena *arena)
{
    const struct config *config = source->config;
    Wire__GatewaySettings *gateway = check_alloc(arena_alloc(arena, sizeof(*gateway)));
    wire__gateway_settings__init(gateway);
    gateway->search_public = config->search.is_public;
    gateway->requests_per_minute = (uint32_t)config->search.rate_per_minute;
    gateway->burst = (uint32_t)config->search.burst;
    gateway->token_hash.data = (uint8_t *)source->token_hash;
    gateway->token_hash.len = TOKEN_HASH_BYTES;
    gateway->base_url = (char *)settings_base_url(config, arena);
    fill_hosts(config, arena, gateway);
    gateway->search_timeout_ms = (uint32_t)config->search.timeout_ms;
    gateway->cache_entries = (uint32_t)config->search.cache;
    gateway->threads = (uint32_t)config->gateways.threads;
    gateway->limits_file = (char *)source->limits_file;
    gateway->instance_name = (char *)config->instance_name;
    return gateway;
}

static const char *user_agent(const struct config *config, struct arena *arena)
{
    if (config->crawl.user_agent[0] != '\0')
        return config->crawl.user_agent;
    const char *contact = config->crawl.contact;
    return check_alloc(arena_format(arena, "Tierce/%s%s%s%s", tierce_version(),
                                    contact[0] == '\0' ? "" : " (+", contact,
                                    contact[0] == '\0' ? "" : ")"));
}

static Log__Source *source_settings(const struct config_source *from, struct arena *arena)
{
    Log__Source *source = check_alloc(arena_alloc(arena, sizeof(*source)));
    log__source__init(source);
    source->url = (char *)from->url;
    source->prefix = (char *)from->prefix;
    source->is_public = from->is_public;
    source->allow_private = from->allow_private;
    source->delay_set = from->delay_ms != CONFIG_AUTO;
    source->delay_ms = source->delay_set ? (uint32_t)from->delay_ms : 0;
    source->max_pages = (uint32_t)from->max_pages;
    source->max_bytes = from->max_bytes;
    return source;
}

/* Our own handbook: through our own proxy, whatever our name resolves to. */
static Log__Source *handbook_source(const struct settings_source *from, struct arena *arena)
{
    Log__Source *source = check_alloc(arena_alloc(arena, sizeof(*source)));
    log__source__init(source);
    source->url =
        check_alloc(arena_format(arena, "%s/handbook/", settings_base_url(from->config, arena)));
    source->prefix = source->url;
    source->is_public = true;
    source->allow_private = true;
    source->delay_set = true; /* nobody else is troubled */
    source->connect_to = (char *)from->handbook_connect_to;
    source->ca_file = (char *)from->handbook_ca_file;
    return source;
}

static void fill_sources(const struct settings_source *from, struct arena *arena,
                         Log__CrawlSettings *crawl)
{
    const struct config *config = from->config;
    size_t room = config->crawl.source_count + 1;
    crawl->sources = check_alloc(arena_zalloc(arena, room * sizeof(*crawl->sources)));
    if (config->crawl.handbook && from->handbook_connect_to != NULL)
        crawl->sources[crawl->n_sources++] = handbook_source(from, arena);
    for (unsigned i = 0; i < config->crawl.source_count; i++)
        crawl->sources[crawl->n_sources++] = source_settings(&config->crawl.sources[i], arena);
}

static Log__CrawlSettings *crawl_settings(const struct settings_source *from, struct arena *arena)
{
    const struct config *config = from->config;
    Log__CrawlSettings *crawl = check_alloc(arena_alloc(arena, sizeof(*crawl)));
    log__crawl_settings__init(crawl);
    crawl->version = from->version;
    crawl->contact = (char *)config->crawl.contact;
    crawl->user_agent = (char *)user_agent(config, arena);
    crawl->delay_ms = (uint32_t)config->crawl.delay_ms;
    crawl->max_pages = (uint32_t)config->crawl.max_pages;
    crawl->max_bytes = config->crawl.max_bytes;
    crawl->allowed_networks = (char **)config->crawl.allowed_networks.items;
    crawl->n_allowed_networks = config->crawl.allowed_networks.count;
    fill_sources(from, arena, crawl);
    crawl->own_authority = (char *)authority_of(config->hostname, config->ports.https, arena);
    crawl->max_page_bytes = (uint32_t)config->crawl.max_page;
    crawl->fetch_timeout_ms = (uint32_t)config->crawl.timeout_ms;
    crawl->recrawl_s = (uint32_t)(config->crawl.recrawl_ms / 1000);
    crawl->robots_ttl_s = (uint32_t)(config->crawl.robots_ttl_ms / 1000);
    return crawl;
}

static Wire__IndexserverSettings *indexserver_settings(const struct settings_source *source,
                                                       struct arena *arena)
{
    Wire__IndexserverSettings *indexserver = check_alloc(arena_alloc(arena, sizeof(*indexserver)));
    wire__indexserver_settings__init(indexserver);
    indexserver->disk_limit = source->disk_limit;
    indexserver->keep_versions = (uint32_t)source->config->crawl.keep_versions;
    return indexserver;
}

Wire__Settings *settings_for(const struct settings_source *source, Wire__Role role,
                             struct arena *arena)
{
    Wire__Settings *settings = check_alloc(arena_alloc(arena, sizeof(*settings)));
    wire__settings__init(settings);
    settings->version = source->version;
    settings->log_level = (char *)source->config->log_level;
    settings->memory_bytes = memory_share(source->memory_total, &source->shares, role);
    if (role == WIRE__ROLE__ROLE_INDEXSERVER || role == WIRE__ROLE__ROLE_DOWNLOADER)
        settings->crawl = crawl_settings(source, arena);
    if (role == WIRE__ROLE__ROLE_INDEXSERVER)
        settings->indexserver = indexserver_settings(source, arena);
    if (role == WIRE__ROLE__ROLE_GATEWAY || role == WIRE__ROLE__ROLE_GRPC)
        settings->gateway = gateway_settings(source, arena);
    return settings;
}

uint64_t settings_fingerprint(const struct settings_source *source)
{
    static const Wire__Role roles[] = {WIRE__ROLE__ROLE_INDEXSERVER, WIRE__ROLE__ROLE_BARREL,
                                       WIRE__ROLE__ROLE_GATEWAY, WIRE__ROLE__ROLE_DOWNLOADER,
                                       WIRE__ROLE__ROLE_GRPC};
    struct settings_source bare = *source;
    struct arena arena = {0};
    struct buffer bytes = {0};
    bare.version = 0;
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++)
        CHECK(message_pack(&settings_for(&bare, roles[i], &arena)->base, &bytes, NULL) ==
              STATUS_OK);
    uint64_t fingerprint = hash64(bytes.data, bytes.size);
    buffer_release(&bytes);
    arena_release(&arena);
    return fingerprint;
}
