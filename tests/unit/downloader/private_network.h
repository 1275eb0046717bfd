/*
 * A network of the test's own: loopback, on which there are also two addresses that the world calls
 * public, and a DNS server that the test is the only one to ask.
 */
#ifndef TIERCE_TESTS_PRIVATE_NETWORK_H
#define TIERCE_TESTS_PRIVATE_NETWORK_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

enum { BIND_MS_MAX = 5000 }; /* an address that was added is there a moment later */

#define NETWORK_PUBLIC    "93.184.216.34"
#define NETWORK_PUBLIC_V6 "2606:2800:220:1::34"

/* What the kernel's own header calls by a name that the C library's headers use too. */
struct network_in6_request {
    struct in6_addr address;
    uint32_t prefix_bits;
    int interface;
};

static inline void network_add_addresses(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int v4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    CHECK(ioctl(v4, SIOCSIFFLAGS, &request) == 0);
    struct sockaddr_in public_v4 = {.sin_family = AF_INET};
    CHECK(inet_pton(AF_INET, NETWORK_PUBLIC, &public_v4.sin_addr) == 1);
    strcpy(request.ifr_name, "lo:1");
    memcpy(&request.ifr_addr, &public_v4, sizeof(public_v4));
    CHECK(ioctl(v4, SIOCSIFADDR, &request) == 0);
    struct network_in6_request six = {.prefix_bits = 128, .interface = (int)if_nametoindex("lo")};
    CHECK(inet_pton(AF_INET6, NETWORK_PUBLIC_V6, &six.address) == 1);
    CHECK(ioctl(v6, SIOCSIFADDR, &six) == 0);
    close(v4);
    close(v6);
}

static inline bool network_put_file(const char *path, const char *text)
{
    char from[] = "/tmp/tierce-network-XXXXXX";
    int fd = mkstemp(from);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
                mount(from, path, NULL, MS_BIND, NULL) == 0;
    close(fd);
    unlink(from);
    return done;
}

/* Moves the process into it; to be called before there are threads. False: this machine does not
 * let it. */
static inline bool network_enter(void)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        !network_put_file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:5\n") ||
        !network_put_file("/etc/nsswitch.conf", "hosts: files dns\n"))
        return false;
    network_add_addresses();
    return true;
}

/* A socket bound to the address; of TCP it listens. */
static inline int network_bind(const char *address, unsigned short port, int type)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    bool is_v6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    CHECK(is_v6 || inet_pton(AF_INET, address, &v4.sin_addr) == 1);
    const struct sockaddr *name = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    socklen_t size = is_v6 ? sizeof(v6) : sizeof(v4);
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
    for (int left = BIND_MS_MAX; bind(fd, name, size) != 0; left--) { /* until it is known */
        CHECK(errno == EADDRNOTAVAIL && left > 0);
        usleep(1000);
    }
    CHECK(type != SOCK_STREAM || listen(fd, 64) == 0);
    return fd;
}

#endif
