#include "gateway/grpc_peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_BYTES_MAX = 128, HEADER_BYTES_MAX = 1024 };

/* ---- metadata ---- */

static bool slice_is(grpc_slice slice, const char *text)
{
    return GRPC_SLICE_LENGTH(slice) == strlen(text) &&
           memcmp(GRPC_SLICE_START_PTR(slice), text, strlen(text)) == 0;
}

/* The last value of this name, zero-terminated; false where there is none or it does not fit. */
static bool find_value(const grpc_metadata_array *metadata, const char *name, char *ret,
                       size_t capacity)
{
    for (size_t i = metadata->count; i-- > 0;) {
        const grpc_metadata *item = &metadata->metadata[i];
        size_t size = GRPC_SLICE_LENGTH(item->value);
        if (!slice_is(item->key, name))
            continue;
        if (size >= capacity)
            return false;
        memcpy(ret, GRPC_SLICE_START_PTR(item->value), size);
        ret[size] = '\0';
        return true;
    }
    return false;
}

/* ---- addresses ---- */

static bool is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

static void copy_address(const char *from, size_t size, char ret[INET6_ADDRSTRLEN])
{
    size = size < INET6_ADDRSTRLEN ? size : INET6_ADDRSTRLEN - 1;
    memcpy(ret, from, size);
    ret[size] = '\0';
}

/* "ipv4:192.0.2.1:4711" -> "192.0.2.1"; "ipv6:[::1]:4711", with its brackets perhaps encoded, ->
 * "::1". */
static void read_uri(const char *uri, char ret[INET6_ADDRSTRLEN])
{
    ret[0] = '\0';
    const char *host = strchr(uri, ':');
    const char *port = strrchr(uri, ':');
    if (host == NULL || port == host)
        return;
    host++;
    size_t size = (size_t)(port - host);
    if (size >= 1 && host[0] == '[') {
        host++;
        size = strcspn(host, "]%");
    } else if (strncasecmp(host, "%5B", 3) == 0) {
        host += 3;
        size = strcspn(host, "%");
    }
    copy_address(host, size, ret);
}

static void read_forwarded(const grpc_metadata_array *metadata, char address[INET6_ADDRSTRLEN])
{
    char list[HEADER_BYTES_MAX];
    if (!find_value(metadata, "x-forwarded-for", list, sizeof(list)))
        return;
    const char *last = strrchr(list, ',');
    last = last == NULL ? list : last + 1;
    last += strspn(last, " \t[");
    size_t size = strcspn(last, " \t]");
    char client[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    copy_address(last, size, client);
    if (inet_pton(AF_INET, client, bytes) == 1 || inet_pton(AF_INET6, client, bytes) == 1)
        memcpy(address, client, sizeof(client));
}

void grpc_peer_read(const char *uri, const grpc_metadata_array *metadata,
                    struct grpc_peer *ret_peer)
{
    struct grpc_peer peer = {.is_local = strncmp(uri, "unix:", 5) == 0};
    if (!peer.is_local) {
        read_uri(uri, peer.address);
        peer.is_local = is_loopback(peer.address);
    }
    if (peer.is_local)
        read_forwarded(metadata, peer.address);
    *ret_peer = peer;
}

/* ---- what they may ---- */

static bool refuse(struct grpc_refusal *refusal, grpc_status_code code, const char *words)
{
    refusal->code = code;
    refusal->retry_after_s = 0;
    snprintf(refusal->words, sizeof(refusal->words), "%s", words);
    return false;
}

/* The token of "authorization: Bearer TOKEN"; false where there is none. */
static bool find_token(const grpc_metadata_array *metadata, char ret[TOKEN_BYTES_MAX])
{
    static const char scheme[] = "Bearer ";
    char value[TOKEN_BYTES_MAX + sizeof(scheme)];
    if (!find_value(metadata, "authorization", value, sizeof(value)) ||
        strncasecmp(value, scheme, sizeof(scheme) - 1) != 0 ||
        strlen(value) - (sizeof(scheme) - 1) >= TOKEN_BYTES_MAX)
        return false;
    strcpy(ret, value + sizeof(scheme) - 1);
    return true;
}

static bool is_search_public(struct gateway *gateway)
{
    const Wire__GatewaySettings *settings = gateway_hold_settings(gateway);
    bool is_public = settings->search_public;
    gateway_release_settings(settings);
    return is_public;
}

static bool check_token(struct gateway *gateway, const struct grpc_peer *peer,
                        const grpc_metadata_array *metadata, bool is_needed, bool is_tls,
                        bool *ret_is_admin, struct grpc_refusal *refusal)
{
    char token[TOKEN_BYTES_MAX];
    *ret_is_admin = false;
    if (!find_token(metadata, token))
        return !is_needed || refuse(refusal, GRPC_STATUS_UNAUTHENTICATED,
                                    "this needs the admin token: authorization: Bearer TOKEN");
    if (!peer->is_local && !is_tls)
        return refuse(refusal, GRPC_STATUS_UNAUTHENTICATED,
                      "the admin token is taken over TLS only, or from this machine");
    *ret_is_admin = gateway_token_is_valid(gateway, token);
    explicit_bzero(token, sizeof(token));
    return *ret_is_admin ||
           refuse(refusal, GRPC_STATUS_UNAUTHENTICATED, "the admin token is wrong");
}

bool grpc_peer_may(struct gateway *gateway, const struct grpc_peer *peer,
                   const grpc_metadata_array *metadata, enum grpc_access access, bool is_tls,
                   bool *ret_is_admin, struct grpc_refusal *ret_refusal)
{
    *ret_is_admin = false;
    if (access == GRPC_ANYONE)
        return true;
    unsigned wait_s = gateway_take_allowance(gateway, peer->address, 1);
    if (wait_s != 0) {
        refuse(ret_refusal, GRPC_STATUS_RESOURCE_EXHAUSTED, "too many requests: try again later");
        ret_refusal->retry_after_s = wait_s;
        return false;
    }
    bool is_needed = access == GRPC_ADMIN || (access == GRPC_PUBLIC && !is_search_public(gateway));
    return check_token(gateway, peer, metadata, is_needed, is_tls, ret_is_admin, ret_refusal);
}
