/*
 * A DNS server whose answers change from one question to the next, or never come. All have a time
 * to live of 0. Names that it does not know do not exist.
 */
#ifndef TIERCE_TESTS_FAKE_DNS_H
#define TIERCE_TESTS_FAKE_DNS_H

#include <pthread.h>
#include <stdint.h>
#include <strings.h>

#include "base/bytes.h"
#include "private_network.h"

enum {
    DNS_BYTES_MAX = 512,
    DNS_HEADER_BYTES = 12,
    DNS_RECORDS_MAX = 4,
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_AAAA = 28,
};

/* What is answered of a name: addresses and names, "silence", or "then" between what is answered
 * first and what is answered ever after. */
struct dns_name {
    const char *name; /* in lower case */
    const char *answers[8];
    unsigned asked[2]; /* for A, for AAAA */
};

static inline void dns_put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The question's name as text; returns the bytes it took. */
static inline size_t dns_read_name(const uint8_t *at, char *ret_text)
{
    size_t size = 0;
    while (at[size] != 0) {
        memcpy(ret_text + size, at + size + 1, at[size]);
        size += at[size] + 1u;
        ret_text[size - 1] = '.';
    }
    ret_text[size > 0 ? size - 1 : 0] = '\0';
    return size + 1;
}

static inline size_t dns_write_name(const char *text, uint8_t *ret)
{
    size_t size = 0;
    while (*text != '\0') {
        size_t label = strcspn(text, ".");
        ret[size] = (uint8_t)label;
        memcpy(ret + size + 1, text, label);
        size += label + 1;
        text += label + (text[label] == '.');
    }
    ret[size] = 0;
    return size + 1;
}

/* One record of the name at `owner`, if it is of the type asked for. Returns its size. */
static inline size_t dns_put_record(uint8_t *at, unsigned owner, const char *text, unsigned type)
{
    uint8_t *data = at + 12;
    struct in6_addr six;
    struct in_addr four;
    unsigned kind = inet_pton(AF_INET6, text, &six) == 1   ? DNS_AAAA
                    : inet_pton(AF_INET, text, &four) == 1 ? DNS_A
                                                           : DNS_CNAME;
    size_t size;
    if (kind != DNS_CNAME && kind != type)
        return 0;
    if (kind == DNS_CNAME)
        size = dns_write_name(text, data);
    else if (kind == DNS_A)
        memcpy(data, &four, size = sizeof(four));
    else
        memcpy(data, &six, size = sizeof(six));
    dns_put16(at, 0xc000 | owner);
    dns_put16(at + 2, kind);
    dns_put16(at + 4, 1);
    memset(at + 6, 0, 4); /* to live */
    dns_put16(at + 10, (unsigned)size);
    return 12 + size;
}

static inline struct dns_name *dns_find(struct dns_name *names, const char *name)
{
    for (; names->name != NULL; names++) {
        if (strcasecmp(names->name, name) == 0)
            return names;
    }
    return NULL;
}

/* The answers that hold at this question. */
static inline const char **dns_current(struct dns_name *name, unsigned type)
{
    const char **first = name->answers;
    unsigned *asked = &name->asked[type == DNS_AAAA];
    for (const char **at = first; *at != NULL; at++) {
        if (strcmp(*at, "then") == 0 && *asked > 0)
            first = at + 1;
    }
    (*asked)++;
    return first;
}

/* Fills in the answer behind the question; 0: none is sent. */
static inline size_t dns_answer(struct dns_name *names, uint8_t *packet, size_t question_size,
                                unsigned type, const char *asked)
{
    size_t size = DNS_HEADER_BYTES + question_size, count = 0;
    unsigned owner = DNS_HEADER_BYTES;
    struct dns_name *name = dns_find(names, asked);
    dns_put16(packet + 2, name != NULL ? 0x8180 : 0x8183);
    while (name != NULL) {
        const char **at = dns_current(name, type);
        struct dns_name *next = NULL;
        for (; *at != NULL && strcmp(*at, "then") != 0; at++) {
            if (strcmp(*at, "silence") == 0)
                return 0;
            size_t more = dns_put_record(packet + size, owner, *at, type);
            count += more > 0;
            next = dns_find(names, *at);
            if (next != NULL)
                owner = (unsigned)size + 12;
            size += more;
        }
        name = next;
    }
    dns_put16(packet + 6, (unsigned)count);
    memset(packet + 8, 0, 4);
    return size;
}

struct dns_server {
    struct dns_name *names;
    int fd;
};

static inline void *dns_run(void *context)
{
    struct dns_name *names = ((struct dns_server *)context)->names;
    int fd = ((struct dns_server *)context)->fd;
    for (;;) {
        uint8_t packet[2 * DNS_BYTES_MAX];
        char name[DNS_BYTES_MAX];
        struct sockaddr_in peer;
        socklen_t peer_size = sizeof(peer);
        ssize_t got = recvfrom(fd, packet, DNS_BYTES_MAX, 0, (struct sockaddr *)&peer, &peer_size);
        if (got <= DNS_HEADER_BYTES)
            continue;
        size_t name_size = dns_read_name(packet + DNS_HEADER_BYTES, name);
        unsigned type = packet[DNS_HEADER_BYTES + name_size + 1];
        size_t size = dns_answer(names, packet, name_size + 4, type, name);
        if (size > 0)
            sendto(fd, packet, size, 0, (struct sockaddr *)&peer, peer_size);
    }
    return NULL;
}

/* For the rest of the process's life. `names` ends with one without a name. */
static inline void dns_start(struct dns_name *names)
{
    static struct dns_server server;
    pthread_t thread;
    server = (struct dns_server){names, network_bind("127.0.0.1", 53, SOCK_DGRAM)};
    CHECK(pthread_create(&thread, NULL, dns_run, &server) == 0);
    pthread_detach(thread);
}

#endif
