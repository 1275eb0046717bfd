#include "orchestrator/reach.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_here(const struct endpoint *peer)
{
    return endpoint_is_unix(peer) || endpoint_is_loopback(peer);
}

/* The endpoint with the port of `address`. */
static char *with_port_of(const struct endpoint *endpoint, const char *address, struct arena *arena)
{
    struct endpoint place = *endpoint;
    char text[ENDPOINT_TEXT_BYTES];
    endpoint_set_port(&place, (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    endpoint_format(&place, text);
    return check_alloc(arena_string(arena, text));
}

/* It is of no use without the name of an interface, which is another one elsewhere. */
static bool is_link_local(const struct endpoint *endpoint)
{
    struct sockaddr_in6 v6;
    memcpy(&v6, &endpoint->socket, sizeof(v6));
    return v6.sin6_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr);
}

static bool is_loopback_text(const char *address)
{
    return begins_with(address, "127.") || begins_with(address, "[::1]:") ||
           begins_with(address, "localhost:");
}

static enum status reach_from_here(const char *address, bool is_any_v4, struct arena *arena,
                                   char **ret_address)
{
    *ret_address = check_alloc(
        arena_format(arena, "%s%s", is_any_v4 ? "127.0.0.1" : "[::1]", strrchr(address, ':')));
    return STATUS_OK;
}

enum status reach_member(const Wire__RegisterRequest *request, const struct endpoint *peer,
                         struct arena *arena, char **ret_address, struct error *err)
{
    const char *address = request->address;
    bool is_any_v4 = begins_with(address, "0.0.0.0:"), is_any_v6 = begins_with(address, "[::]:");
    bool is_loopback = is_loopback_text(address);
    if (address[0] != '\0' && strrchr(address, ':') == NULL)
        return error_set(err, STATUS_INVALID,
                         "it says that it serves at \"%s\", which is no host:port", address);
    *ret_address = (char *)address;
    if (is_here(peer))
        return is_any_v4 || is_any_v6 ? reach_from_here(address, is_any_v4, arena, ret_address)
                                      : STATUS_OK;
    if (!is_any_v4 && !is_any_v6 && !is_loopback)
        return STATUS_OK;
    bool is_grpc = request->role == WIRE__ROLE__ROLE_GRPC; /* says where it is on its own machine */
    if (is_loopback && !is_grpc)
        return error_set(
            err, STATUS_INVALID,
            "it listens at %s, which no other machine can reach: give it --host ::", address);
    if (is_link_local(peer) || (is_any_v4 && peer->socket.ss_family != AF_INET))
        return error_set(err, STATUS_INVALID,
                         "it cannot be reached where its registration came from: say where with "
                         "--advertise-host");
    *ret_address = with_port_of(peer, address, arena);
    return STATUS_OK;
}

static void rewrite(char **address, const struct endpoint *local, struct arena *arena)
{
    if (is_loopback_text(*address) && strrchr(*address, ':') != NULL)
        *address = with_port_of(local, *address, arena);
}

void reach_routing(Wire__Routing *routing, const struct endpoint *peer,
                   const struct endpoint *local, struct arena *arena)
{
    if (routing == NULL || is_here(peer))
        return;
    for (size_t i = 0; i < routing->n_shards; i++) {
        for (size_t j = 0; j < routing->shards[i]->n_replicas; j++)
            rewrite(&routing->shards[i]->replicas[j]->address, local, arena);
    }
    rewrite(&routing->indexserver, local, arena);
    rewrite(&routing->grpc, local, arena);
}

const char *reach_children_host(const char *own_host)
{
    bool is_for_here = begins_with(own_host, "unix:") || begins_with(own_host, "127.") ||
                       strcmp(own_host, "localhost") == 0 || strcmp(own_host, "::1") == 0 ||
                       strcmp(own_host, "[::1]") == 0;
    if (is_for_here)
        return "localhost";
    return strchr(own_host, ':') == NULL ? "0.0.0.0" : "::";
}
