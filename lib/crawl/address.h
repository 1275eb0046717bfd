/*
 * Which addresses a crawler may talk to: the class of an IP address, and lists of networks.
 */
#ifndef TIERCE_CRAWL_ADDRESS_H
#define TIERCE_CRAWL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

enum address_class {
    ADDRESS_GLOBAL,      /* the only class that a stranger's URL may lead to */
    ADDRESS_UNSPECIFIED, /* 0.0.0.0/8, :: */
    ADDRESS_LOOPBACK,
    ADDRESS_PRIVATE, /* RFC 1918, fc00::/7, fec0::/10 */
    ADDRESS_LINK_LOCAL,
    ADDRESS_SHARED, /* 100.64.0.0/10: behind a provider's translation (CGNAT) */
    ADDRESS_MULTICAST,
    ADDRESS_EMBEDDED, /* a global IPv4 address inside an IPv6 one: mapped, NAT64, 6to4, Teredo */
    ADDRESS_RESERVED, /* documentation, benchmarks, future use, special purposes */
    ADDRESS_FOREIGN,  /* neither IPv4 nor IPv6 */
};

/* An IPv4 address inside an IPv6 one decides where it is not global itself. */
enum address_class address_classify(const struct sockaddr *address);

/* "global", "loopback" ...; never NULL. */
const char *address_class_name(enum address_class address_class);

/* Whether the class is ADDRESS_GLOBAL. */
bool address_is_public(const struct sockaddr *address);

/* Ports of services that a line of HTTP could be taken for a command by: the "bad ports" of the
 * Fetch standard. Browsers open no URL that names one, and neither do we. */
bool port_is_blocked(unsigned port);

struct address_network {
    uint8_t bytes[16]; /* network order, zero behind the prefix */
    int family;        /* AF_INET (4 bytes of it) or AF_INET6 */
    unsigned prefix_bits;
};

/* "127.0.0.0/8", "::1/128", or an address alone. Bits behind the prefix must be zero. */
enum status address_network_parse(const char *text, struct address_network *ret_network,
                                  struct error *err);

/* A v4-mapped address (::ffff:127.0.0.1) is in the IPv4 networks that hold its IPv4 address. */
bool address_network_contains(const struct address_network *network,
                              const struct sockaddr *address);

/* Whether any of `count` networks holds the address. */
bool address_in_networks(const struct address_network *networks, size_t count,
                         const struct sockaddr *address);

#endif
