#include "rpc/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static enum status resolve_unix(const char *path, struct endpoint *ret, struct error *err)
{
    struct sockaddr_un socket = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(socket.sun_path))
        return error_set(err, STATUS_INVALID, "%s: longer than a socket's path may be (%zu)", path,
                         sizeof(socket.sun_path) - 1);
    strcpy(socket.sun_path, path);
    *ret = (struct endpoint){.size = sizeof(socket)};
    memcpy(&ret->socket, &socket, sizeof(socket));
    return STATUS_OK;
}

/* "host:port" or "[host]:port" into two strings. */
static enum status split(const char *text, char host[256], char port[8], struct error *err)
{
    const char *colon = strrchr(text, ':');
    const char *start = text;
    size_t size = colon == NULL ? 0 : (size_t)(colon - text);
    if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
        start++;
        size -= 2;
    }
    if (colon == NULL || size == 0 || size >= 256 || strlen(colon + 1) >= 8 || colon[1] == '\0')
        return error_set(err, STATUS_INVALID, "\"%s\" is no address: write HOST:PORT", text);
    memcpy(host, start, size);
    host[size] = '\0';
    strcpy(port, colon + 1);
    return STATUS_OK;
}

enum status endpoint_resolve(const char *text, struct endpoint ret_endpoints[ENDPOINTS_MAX],
                             unsigned *ret_count, struct error *err)
{
    if (strncmp(text, "unix:", 5) == 0) {
        *ret_count = 1;
        return resolve_unix(text + 5, &ret_endpoints[0], err);
    }
    char host[256], port[8];
    enum status status = split(text, host, port, err);
    if (status != STATUS_OK)
        return status;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list;
    int failed = getaddrinfo(host, port, &hints, &list);
    if (failed != 0)
        return error_set(err, STATUS_UNAVAILABLE, "%s: %s", text, gai_strerror(failed));
    unsigned count = 0;
    for (struct addrinfo *at = list; at != NULL && count < ENDPOINTS_MAX; at = at->ai_next) {
        ret_endpoints[count] = (struct endpoint){.size = at->ai_addrlen};
        memcpy(&ret_endpoints[count++].socket, at->ai_addr, at->ai_addrlen);
    }
    freeaddrinfo(list);
    *ret_count = count;
    return STATUS_OK;
}

enum status endpoint_join(const char *host, uint16_t port, char ret[ENDPOINT_TEXT_BYTES],
                          struct error *err)
{
    size_t size = strlen(host);
    const char *colon = strchr(host, ':');
    bool has_brackets = size > 2 && host[0] == '[' && host[size - 1] == ']';
    bool is_v6 = colon != NULL && strchr(colon + 1, ':') != NULL;
    if (size == 0 || size >= 256 || host[strcspn(host, " /\t\r\n")] != '\0' ||
        (colon != NULL && !is_v6))
        return error_set(err, STATUS_INVALID, "\"%s\" is no name or address without a port", host);
    snprintf(ret, ENDPOINT_TEXT_BYTES, is_v6 && !has_brackets ? "[%s]:%u" : "%s:%u", host, port);
    return STATUS_OK;
}

bool endpoint_is_unix(const struct endpoint *endpoint)
{
    return endpoint->socket.ss_family == AF_UNIX;
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
    if (endpoint->socket.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&endpoint->socket;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (endpoint->socket.ss_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)&endpoint->socket)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return false;
}

uint16_t endpoint_port(const struct endpoint *endpoint)
{
    if (endpoint->socket.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&endpoint->socket)->sin_port);
    if (endpoint->socket.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&endpoint->socket)->sin6_port);
    return 0;
}

void endpoint_set_port(struct endpoint *endpoint, uint16_t port)
{
    if (endpoint->socket.ss_family == AF_INET)
        ((struct sockaddr_in *)&endpoint->socket)->sin_port = htons(port);
    else if (endpoint->socket.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&endpoint->socket)->sin6_port = htons(port);
}

void endpoint_unmap(struct endpoint *endpoint)
{
    struct sockaddr_in6 v6;
    memcpy(&v6, &endpoint->socket, sizeof(v6));
    if (v6.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = v6.sin6_port};
    memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[12], sizeof(v4.sin_addr));
    *endpoint = (struct endpoint){.size = sizeof(v4)};
    memcpy(&endpoint->socket, &v4, sizeof(v4));
}

void endpoint_format(const struct endpoint *endpoint, char ret[ENDPOINT_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (endpoint_is_unix(endpoint)) {
        snprintf(ret, ENDPOINT_TEXT_BYTES, "unix:%s",
                 ((const struct sockaddr_un *)&endpoint->socket)->sun_path);
        return;
    }
    if (endpoint->socket.ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&endpoint->socket)->sin_addr, host,
                  sizeof(host));
        snprintf(ret, ENDPOINT_TEXT_BYTES, "%s:%u", host, endpoint_port(endpoint));
        return;
    }
    inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&endpoint->socket)->sin6_addr, host,
              sizeof(host));
    snprintf(ret, ENDPOINT_TEXT_BYTES, "[%s]:%u", host, endpoint_port(endpoint));
}
