/* What may be fetched of a source: from where, how much, and how fast. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "indexserver/quiet_hours.h"
#include "indexserver/scope_parts.h"

#define HANDBOOK "/handbook/"

/* ---- limits -------------------------------------------------------------------------------- */

uint64_t source_max_pages(const struct scope *scope, const struct source *source)
{
    if (source->definition->max_pages != 0)
        return source->definition->max_pages;
    return scope->settings->max_pages == 0 ? SOURCE_PAGES_DEFAULT : scope->settings->max_pages;
}

uint64_t source_max_bytes(const struct scope *scope, const struct source *source)
{
    if (source->definition->max_bytes != 0)
        return source->definition->max_bytes;
    return scope->settings->max_bytes == 0 ? SOURCE_BYTES_DEFAULT : scope->settings->max_bytes;
}

uint32_t source_delay_ms(const struct scope *scope, const struct source *source)
{
    return source->definition->delay_set ? source->definition->delay_ms : scope->settings->delay_ms;
}

uint32_t source_connections(const struct source *source)
{
    uint32_t wanted = source->definition->connections;
    if (wanted == 0)
        return 1;
    return wanted < SOURCE_CONNECTIONS_MAX ? wanted : SOURCE_CONNECTIONS_MAX;
}

/* ---- what may not be fetched ---------------------------------------------------------------- */

/* The address that a host or "ip:port" names; false: it is a name. */
static bool parse_address(const char *text, struct sockaddr_storage *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    char host[INET6_ADDRSTRLEN + 1];
    size_t start = text[0] == '[' ? 1 : 0;
    size_t size = start == 1 ? strcspn(text + 1, "]") : strcspn(text, ":");
    memset(ret, 0, sizeof(*ret));
    if (size == 0 || size >= sizeof(host))
        return false;
    memcpy(host, text + start, size);
    host[size] = '\0';
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return true;
    }
    if (start == 0 || inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    return true;
}

static bool is_localhost(const char *host)
{
    static const char tail[] = ".localhost";
    size_t size = strlen(host);
    return strcmp(host, "localhost") == 0 ||
           (size > sizeof(tail) - 1 && strcmp(host + size - (sizeof(tail) - 1), tail) == 0);
}

/* Where a URL leads as far as can be told without asking the DNS. */
enum reach { REACH_NEAR, REACH_FAR, REACH_FORBIDDEN };

static enum reach reach_of(const struct scope *scope, const char *host, const struct source *source)
{
    struct sockaddr_storage address;
    const char *connect_to = source == NULL ? "" : source->definition->connect_to;
    const char *text = connect_to[0] != '\0' ? connect_to : host;
    if (is_localhost(text))
        text = "127.0.0.1";
    if (!parse_address(text, &address))
        return REACH_FAR;
    if (address_in_networks(scope->networks, scope->network_count, (struct sockaddr *)&address) ||
        address_classify((struct sockaddr *)&address) == ADDRESS_LOOPBACK)
        return REACH_NEAR;
    return address_is_public((struct sockaddr *)&address) ? REACH_FAR : REACH_FORBIDDEN;
}

bool source_allows_private(const struct scope *scope, const struct source *source)
{
    return source->owner || source->definition->allow_private ||
           reach_of(scope, source->host, source) == REACH_NEAR;
}

static const char *reach_refusal(const struct scope *scope, const char *host,
                                 const struct source *source, struct arena *arena)
{
    switch (reach_of(scope, host, source)) {
    case REACH_NEAR:
        return NULL;
    case REACH_FAR:
        return scope->settings->contact[0] != '\0' ? NULL
                                                   : "set crawl.contact: without it only this "
                                                     "machine and allowed networks are crawled";
    default:
        return arena_format(arena,
                            "%s is a private address that crawl.allowed_networks does not "
                            "name",
                            host);
    }
}

const char *scope_refusal(struct scope *scope, const struct url *url, const struct source *source,
                          struct arena *arena)
{
    const char *own = scope->settings->own_authority;
    if (own[0] != '\0' && strcmp(url->authority, own) == 0 &&
        strncmp(url->path, HANDBOOK, strlen(HANDBOOK)) != 0)
        return "this is Tierce's own site, of which only " HANDBOOK " is crawled";
    if (port_is_blocked(url->port))
        return arena_format(arena, "port %u is not one for web pages: browsers refuse it, too",
                            url->port);
    return reach_refusal(scope, url->host, source, arena);
}

int64_t source_quiet_until_ms(const struct source *source, int64_t unix_ms)
{
    const Log__Source *definition = source->definition;
    return quiet_hours_end_ms(definition->quiet_hours, definition->n_quiet_hours, unix_ms);
}

static const char *quiet_words(int64_t until_ms, struct arena *arena)
{
    time_t until = (time_t)(until_ms / 1000);
    struct tm local = {0};
    localtime_r(&until, &local);
    return arena_format(arena, "quiet until %02d:%02d", local.tm_hour, local.tm_min);
}

static const char *taken_out_words(const struct source *source, struct arena *arena)
{
    if (source->sweep == SWEEP_PURGE)
        return "it is being purged";
    return arena_format(arena, "no longer in config.yaml: `tierce purge %s` removes its pages",
                        source->definition->url);
}

const char *scope_source_stopped(struct scope *scope, const struct source *source, bool new_pages,
                                 struct arena *arena)
{
    if (scope->paused)
        return "the crawl is paused";
    if (!source->configured && !source->owner)
        return source->origin == LOG__ORIGIN__ORIGIN_ARCHIVE
                   ? "from an archive: nothing is fetched until it is a source"
                   : taken_out_words(source, arena);
    if (source->state == SOURCE_PAUSED)
        return "paused";
    if (source->state == SOURCE_CANCELLED)
        return "cancelled";
    const char *refusal = reach_refusal(scope, source->host, source, arena);
    if (refusal != NULL)
        return arena_format(arena, "refused: %s", refusal);
    int64_t quiet_ms = source_quiet_until_ms(source, clock_unix_us() / 1000);
    if (quiet_ms != 0)
        return quiet_words(quiet_ms, arena);
    if (new_pages && source->counts.fetched >= source_max_pages(scope, source))
        return arena_format(arena, "at its limit: %lu pages", source_max_pages(scope, source));
    if (new_pages && source->counts.bytes >= source_max_bytes(scope, source))
        return arena_format(arena, "at its limit: %lu bytes", source_max_bytes(scope, source));
    return NULL;
}
