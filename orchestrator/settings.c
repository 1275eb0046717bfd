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

/* ---- sources ------------------------------------------------------------------------------- */

static void copy_rules(const struct config_source *from, struct arena *arena, Log__Source *source)
{
    static const Log__RuleKind kinds[] = {[SCOPE_RULE_PREFIX] = LOG__RULE_KIND__RULE_PREFIX,
                                          [SCOPE_RULE_GLOB] = LOG__RULE_KIND__RULE_GLOB,
                                          [SCOPE_RULE_REGEX] = LOG__RULE_KIND__RULE_REGEX};
    source->rules =
        check_alloc(arena_alloc(arena, (from->rule_count + 1) * sizeof(*source->rules)));
    for (unsigned i = 0; i < from->rule_count; i++) {
        Log__ScopeRule *rule = check_alloc(arena_alloc(arena, sizeof(*rule)));
        log__scope_rule__init(rule);
        rule->allow = from->rules[i].allow;
        rule->kind = kinds[from->rules[i].kind];
        rule->pattern = (char *)from->rules[i].pattern;
        source->rules[source->n_rules++] = rule;
    }
}

static void copy_hours(const struct config_source *from, struct arena *arena, Log__Source *source)
{
    source->quiet_hours = check_alloc(
        arena_alloc(arena, (from->quiet_hours_count + 1) * sizeof(*source->quiet_hours)));
    for (unsigned i = 0; i < from->quiet_hours_count; i++) {
        Log__QuietHours *hours = check_alloc(arena_alloc(arena, sizeof(*hours)));
        log__quiet_hours__init(hours);
        hours->from_minute = from->quiet_hours[i].from;
        hours->to_minute = from->quiet_hours[i].to;
        source->quiet_hours[source->n_quiet_hours++] = hours;
    }
}

static bool has_credentials(const struct config_source *source)
{
    const struct config_access *access = &source->access;
    return access->headers.count > 0 || access->cookie[0] != '\0' || access->login != LOGIN_NONE;
}

/* Of what is fetched how often; which URLs; by whom. */
static void fill_scope(const struct config_source *from, struct arena *arena, Log__Source *source)
{
    static const Log__QueryPolicy policies[] = {
        [URL_QUERY_KEEP] = LOG__QUERY_POLICY__QUERY_KEEP,
        [URL_QUERY_DROP_LISTED] = LOG__QUERY_POLICY__QUERY_DROP_LISTED,
        [URL_QUERY_DROP_ALL] = LOG__QUERY_POLICY__QUERY_DROP_ALL,
        [URL_QUERY_KEEP_ALL] = LOG__QUERY_POLICY__QUERY_KEEP_ALL};
    source->seeds = (char **)from->seeds.items;
    source->n_seeds = from->seeds.count;
    source->sitemaps = (char **)from->sitemaps.items;
    source->n_sitemaps = from->sitemaps.count;
    source->feeds = (char **)from->feeds.items;
    source->n_feeds = from->feeds.count;
    source->no_sitemaps = from->no_sitemaps;
    source->max_depth = from->max_depth == CONFIG_ENDLESS ? 0 : (uint32_t)from->max_depth + 1;
    source->query = policies[from->query];
    source->drop_parameters = (char **)from->drop_parameters.items;
    source->n_drop_parameters = from->drop_parameters.count;
    copy_rules(from, arena, source);
    copy_hours(from, arena, source);
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
    if (from->recrawl_min_ms != CONFIG_AUTO)
        source->recrawl_min_s = (uint32_t)(from->recrawl_min_ms / 1000);
    if (from->recrawl_max_ms != CONFIG_AUTO)
        source->recrawl_max_s = (uint32_t)(from->recrawl_max_ms / 1000);
    source->ignore_robots = from->robots == ROBOTS_IGNORE;
    source->user_agent = (char *)from->user_agent;
    source->connections = (uint32_t)from->connections;
    source->has_credentials = has_credentials(from);
    fill_scope(from, arena, source);
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
    crawl->crawl_delay_max_ms = (uint32_t)config->crawl.crawl_delay_max_ms;
    crawl->connections_per_address = (uint32_t)config->crawl.connections_per_address;
    crawl->response_factor_tenths = (uint32_t)config->crawl.response_factor_tenths;
    return crawl;
}

/* ---- downloaders --------------------------------------------------------------------------- */

static Wire__Credentials *credentials_of(const struct config_source *source, struct arena *arena)
{
    const struct config_access *access = &source->access;
    Wire__Credentials *credentials = check_alloc(arena_alloc(arena, sizeof(*credentials)));
    wire__credentials__init(credentials);
    credentials->source = (char *)source->url;
    credentials->headers = (char **)access->headers.items;
    credentials->n_headers = access->headers.count;
    credentials->cookie = (char *)access->cookie;
    credentials->user = (char *)access->user;
    credentials->password = (char *)access->password;
    credentials->bearer = (char *)access->token;
    credentials->login_url = (char *)access->login_url;
    credentials->login_fields = (char **)access->fields.items;
    credentials->n_login_fields = access->fields.count;
    return credentials;
}

static Wire__DownloaderSettings *downloader_settings(const struct config *config,
                                                     struct arena *arena)
{
    Wire__DownloaderSettings *downloader = check_alloc(arena_alloc(arena, sizeof(*downloader)));
    uint64_t processes = config->crawl.downloaders == 0 ? 1 : config->crawl.downloaders;
    size_t room = (config->crawl.source_count + 1) * sizeof(*downloader->credentials);
    wire__downloader_settings__init(downloader);
    downloader->bandwidth = config->crawl.bandwidth / processes;
    downloader->credentials = check_alloc(arena_alloc(arena, room));
    for (unsigned i = 0; i < config->crawl.source_count; i++) {
        if (has_credentials(&config->crawl.sources[i]))
            downloader->credentials[downloader->n_credentials++] =
                credentials_of(&config->crawl.sources[i], arena);
    }
    return downloader;
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
    if (role == WIRE__ROLE__ROLE_DOWNLOADER)
        settings->downloader = downloader_settings(source->config, arena);
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
