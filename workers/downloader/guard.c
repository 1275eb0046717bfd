#include "downloader/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

bool address_read(const char *text, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char plain[INET6_ADDRSTRLEN] = "";
    size_t size = strcspn(text, "%"); /* "fe80::1%eth0" */
    if (size >= sizeof(plain))
        return false;
    memcpy(plain, text, size);
    memset(ret_address, 0, sizeof(*ret_address));
    if (inet_pton(AF_INET, plain, &v4.sin_addr) == 1) {
        memcpy(ret_address, &v4, sizeof(v4));
        return true;
    }
    if (inet_pton(AF_INET6, plain, &v6.sin6_addr) == 1) {
        memcpy(ret_address, &v6, sizeof(v6));
        return true;
    }
    return false;
}

void address_write(const struct sockaddr *address, char *ret)
{
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (inet_ntop(address->sa_family, bytes, ret, INET6_ADDRSTRLEN) == NULL)
        *ret = '\0';
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static bool is_loopback_host(const char *host)
{
    if (strcmp(host, "localhost") == 0 || ends_with(host, ".localhost"))
        return true;
    char plain[INET6_ADDRSTRLEN];
    struct sockaddr_storage address;
    size_t size = strlen(host), skip = host[0] == '[' ? 1 : 0;
    if (size >= sizeof(plain) || size < 2 * skip)
        return false;
    memcpy(plain, host + skip, size - 2 * skip);
    plain[size - 2 * skip] = '\0';
    return address_read(plain, &address) &&
           address_classify((const struct sockaddr *)&address) == ADDRESS_LOOPBACK;
}

enum status guard_init(struct guard *guard, bool allow_private, const char *host,
                       const char *connect_to, char *const *networks, size_t network_count,
                       struct error *err)
{
    memset(guard, 0, sizeof(*guard));
    guard->allow_private = allow_private;
    guard->names_loopback = is_loopback_host(host);
    guard->only_loopback = connect_to != NULL && *connect_to != '\0';
    if (network_count > GUARD_NETWORKS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "more than %d allowed networks",
                         GUARD_NETWORKS_MAX);
    for (size_t i = 0; i < network_count; i++) {
        enum status status = address_network_parse(networks[i], &guard->networks[i], err);
        if (status != STATUS_OK)
            return status;
        guard->network_count++;
    }
    return STATUS_OK;
}

void guard_init_public(struct guard *guard)
{
    memset(guard, 0, sizeof(*guard));
}

/* Classes that mean some machine nearby, and not all or none. */
static bool may_be_allowed(enum address_class kind)
{
    return kind == ADDRESS_LOOPBACK || kind == ADDRESS_PRIVATE || kind == ADDRESS_LINK_LOCAL ||
           kind == ADDRESS_SHARED || kind == ADDRESS_EMBEDDED || kind == ADDRESS_RESERVED;
}

static unsigned port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
    if (address->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return 0;
}

enum status guard_check_port(const struct sockaddr *address, struct error *err)
{
    unsigned port = port_of(address);
    if (!port_is_blocked(port))
        return STATUS_OK;
    return error_set(err, STATUS_DENIED, "port %u is not one for web pages", port);
}

enum status guard_check(const struct guard *guard, const struct sockaddr *address,
                        struct error *err)
{
    enum address_class kind = address_classify(address);
    if (guard->only_loopback) {
        if (kind == ADDRESS_LOOPBACK)
            return STATUS_OK;
        return error_set(err, STATUS_DENIED,
                         "connect_to may only lead to this machine, not to a %s address",
                         address_class_name(kind));
    }
    if (kind == ADDRESS_GLOBAL)
        return STATUS_OK;
    if (!guard->allow_private)
        return error_set(err, STATUS_DENIED,
                         "the host has a %s address, and no source names it as private",
                         address_class_name(kind));
    if (kind == ADDRESS_LOOPBACK && guard->names_loopback)
        return STATUS_OK;
    if (may_be_allowed(kind) && address_in_networks(guard->networks, guard->network_count, address))
        return STATUS_OK;
    return error_set(err, STATUS_DENIED,
                     "the host has a %s address, which is in none of crawl.allowed_networks",
                     address_class_name(kind));
}
