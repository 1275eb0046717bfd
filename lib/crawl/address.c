#include "crawl/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* A row of the registries of special-purpose addresses (IANA). The first that matches decides. */
struct range {
    const char *network;
    enum address_class address_class;
};

static const struct range ipv4_ranges[] = {
    {"0.0.0.0/8", ADDRESS_UNSPECIFIED},     {"10.0.0.0/8", ADDRESS_PRIVATE},
    {"100.64.0.0/10", ADDRESS_SHARED},      {"127.0.0.0/8", ADDRESS_LOOPBACK},
    {"169.254.0.0/16", ADDRESS_LINK_LOCAL}, {"172.16.0.0/12", ADDRESS_PRIVATE},
    {"192.0.0.0/24", ADDRESS_RESERVED},     {"192.0.2.0/24", ADDRESS_RESERVED},
    {"192.88.99.0/24", ADDRESS_RESERVED},   {"192.168.0.0/16", ADDRESS_PRIVATE},
    {"198.18.0.0/15", ADDRESS_RESERVED},    {"198.51.100.0/24", ADDRESS_RESERVED},
    {"203.0.113.0/24", ADDRESS_RESERVED},   {"224.0.0.0/4", ADDRESS_MULTICAST},
    {"240.0.0.0/4", ADDRESS_RESERVED},      {"0.0.0.0/0", ADDRESS_GLOBAL},
};

/* ADDRESS_EMBEDDED: the IPv4 address inside is looked at too. Only 2000::/3 is in public use. */
static const struct range ipv6_ranges[] = {
    {"::/128", ADDRESS_UNSPECIFIED},     {"::1/128", ADDRESS_LOOPBACK},
    {"::ffff:0:0/96", ADDRESS_EMBEDDED}, {"::/96", ADDRESS_EMBEDDED},
    {"64:ff9b::/96", ADDRESS_EMBEDDED},  {"64:ff9b:1::/48", ADDRESS_PRIVATE},
    {"2001::/32", ADDRESS_EMBEDDED},     {"2001::/23", ADDRESS_RESERVED},
    {"2001:db8::/32", ADDRESS_RESERVED}, {"2002::/16", ADDRESS_EMBEDDED},
    {"3fff::/20", ADDRESS_RESERVED},     {"fc00::/7", ADDRESS_PRIVATE},
    {"fe80::/10", ADDRESS_LINK_LOCAL},   {"fec0::/10", ADDRESS_PRIVATE},
    {"ff00::/8", ADDRESS_MULTICAST},     {"2000::/3", ADDRESS_GLOBAL},
    {"::/0", ADDRESS_RESERVED},
};

static bool in_network(const struct address_network *network, const uint8_t *bytes)
{
    unsigned whole = network->prefix_bits / 8, rest = network->prefix_bits % 8;
    if (memcmp(network->bytes, bytes, whole) != 0)
        return false;
    return rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

static enum address_class classify_bytes(const struct range *ranges, size_t count,
                                         const uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        struct address_network network = {.family = AF_UNSPEC};
        CHECK(address_network_parse(ranges[i].network, &network, NULL) == STATUS_OK);
        if (in_network(&network, bytes))
            return ranges[i].address_class;
    }
    return ADDRESS_RESERVED;
}

static enum address_class classify_ipv4(const uint8_t *bytes)
{
    return classify_bytes(ipv4_ranges, ARRAY_COUNT(ipv4_ranges), bytes);
}

/* A Teredo address holds two: the server's, and the client's with every bit turned. */
static enum address_class classify_teredo(const uint8_t *bytes)
{
    enum address_class server = classify_ipv4(bytes + 4);
    uint8_t client[4];
    for (int i = 0; i < 4; i++)
        client[i] = bytes[12 + i] ^ 0xFF;
    return server != ADDRESS_GLOBAL ? server : classify_ipv4(client);
}

static enum address_class classify_ipv6(const uint8_t *bytes)
{
    enum address_class outer = classify_bytes(ipv6_ranges, ARRAY_COUNT(ipv6_ranges), bytes);
    if (outer != ADDRESS_EMBEDDED)
        return outer;
    enum address_class inner;
    if (bytes[0] == 0x20 && bytes[1] == 0x02)
        inner = classify_ipv4(bytes + 2);
    else if (bytes[0] == 0x20)
        inner = classify_teredo(bytes);
    else
        inner = classify_ipv4(bytes + 12);
    return inner == ADDRESS_GLOBAL ? ADDRESS_EMBEDDED : inner;
}

/* The bytes of an address, 4 or 16; NULL for another family. */
static const uint8_t *address_bytes(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        return (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return NULL;
}

enum address_class address_classify(const struct sockaddr *address)
{
    const uint8_t *bytes = address_bytes(address);
    if (bytes == NULL)
        return ADDRESS_FOREIGN;
    return address->sa_family == AF_INET ? classify_ipv4(bytes) : classify_ipv6(bytes);
}

const char *address_class_name(enum address_class address_class)
{
    static const char *const names[] = {
        [ADDRESS_GLOBAL] = "global",         [ADDRESS_UNSPECIFIED] = "unspecified",
        [ADDRESS_LOOPBACK] = "loopback",     [ADDRESS_PRIVATE] = "private",
        [ADDRESS_LINK_LOCAL] = "link-local", [ADDRESS_SHARED] = "shared",
        [ADDRESS_MULTICAST] = "multicast",   [ADDRESS_EMBEDDED] = "embedded",
        [ADDRESS_RESERVED] = "reserved",     [ADDRESS_FOREIGN] = "foreign",
    };
    return (size_t)address_class < ARRAY_COUNT(names) ? names[address_class] : "unknown";
}

bool address_is_public(const struct sockaddr *address)
{
    return address_classify(address) == ADDRESS_GLOBAL;
}

bool port_is_blocked(unsigned port)
{
    static const uint16_t blocked[] = {
        0,    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,    25,
        37,   42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,   109,
        110,  111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,   389,
        427,  465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,   556,
        563,  587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659,  4045,
        4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    };
    for (size_t i = 0; i < ARRAY_COUNT(blocked); i++) {
        if (blocked[i] == port)
            return true;
    }
    return false;
}

/* ---- networks ------------------------------------------------------------------------------ */

static bool parse_prefix(const char *text, unsigned most, unsigned *ret_bits)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long bits = strtoul(text, &end, 10);
    *ret_bits = (unsigned)bits;
    return *end == '\0' && bits <= most;
}

static bool zero_behind(const uint8_t *bytes, size_t size, unsigned prefix_bits)
{
    for (unsigned bit = prefix_bits; bit < size * 8; bit++) {
        if (bytes[bit / 8] & 0x80u >> bit % 8)
            return false;
    }
    return true;
}

enum status address_network_parse(const char *text, struct address_network *ret_network,
                                  struct error *err)
{
    struct address_network network = {.family = AF_INET, .prefix_bits = 32};
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchrnul(text, '/');
    size_t size = (size_t)(slash - text);
    if (size >= sizeof(address))
        return error_set(err, STATUS_INVALID, "\"%.60s\" is no network such as 192.168.0.0/16",
                         text);
    memcpy(address, text, size);
    address[size] = '\0';
    if (strchr(address, ':') != NULL) {
        network.family = AF_INET6;
        network.prefix_bits = 128;
    }
    size_t bytes = network.family == AF_INET ? 4 : 16;
    if (inet_pton(network.family, address, network.bytes) != 1 ||
        (*slash != '\0' && !parse_prefix(slash + 1, network.prefix_bits, &network.prefix_bits)))
        return error_set(err, STATUS_INVALID, "\"%.60s\" is no network such as 192.168.0.0/16",
                         text);
    if (!zero_behind(network.bytes, bytes, network.prefix_bits))
        return error_set(err, STATUS_INVALID, "\"%.60s\" has bits behind its prefix", text);
    *ret_network = network;
    return STATUS_OK;
}

bool address_network_contains(const struct address_network *network, const struct sockaddr *address)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    const uint8_t *bytes = address_bytes(address);
    if (bytes == NULL)
        return false;
    if (address->sa_family == network->family)
        return in_network(network, bytes);
    return network->family == AF_INET && memcmp(bytes, mapped, sizeof(mapped)) == 0 &&
           in_network(network, bytes + sizeof(mapped));
}

bool address_in_networks(const struct address_network *networks, size_t count,
                         const struct sockaddr *address)
{
    for (size_t i = 0; i < count; i++) {
        if (address_network_contains(&networks[i], address))
            return true;
    }
    return false;
}
