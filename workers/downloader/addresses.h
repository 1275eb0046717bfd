/*
 * How many requests are under way to each address: many names may lead to one machine, which is to
 * be spared as a host is. Loopback is this machine's own affair and not counted, unless asked for.
 */
#ifndef TIERCE_DOWNLOADER_ADDRESSES_H
#define TIERCE_DOWNLOADER_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    ADDRESSES_MAX = 128, /* different ones at a time; more than there are fetches */
    ADDRESSES_REQUESTS_USUAL = 2,
};

struct addresses {
    unsigned requests_max; /* under way to one address; 0: no limit */
    bool loopback_too;
    size_t count;
    struct {
        char text[INET6_ADDRSTRLEN];
        unsigned requests;
    } list[ADDRESSES_MAX];
};

/* Whether one more may begin. "" (not known yet) always may. */
bool addresses_have_room(const struct addresses *addresses, const char *text);
/* Counts one more; false: there is no room. */
bool addresses_enter(struct addresses *addresses, const char *text);
/* Of one that was entered. "" does nothing. */
void addresses_leave(struct addresses *addresses, const char *text);

#endif
