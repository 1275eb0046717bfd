#include "downloader/addresses.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "downloader/guard.h"

static bool is_counted(const struct addresses *addresses, const char *text)
{
    struct sockaddr_storage address;
    if (addresses->requests_max == 0 || *text == '\0')
        return false;
    return addresses->loopback_too || !address_read(text, &address) ||
           address_classify((const struct sockaddr *)&address) != ADDRESS_LOOPBACK;
}

static size_t find(const struct addresses *addresses, const char *text)
{
    size_t i = 0;
    while (i < addresses->count && strcmp(addresses->list[i].text, text) != 0)
        i++;
    return i;
}

bool addresses_have_room(const struct addresses *addresses, const char *text)
{
    size_t i = find(addresses, text);
    return !is_counted(addresses, text) || i == addresses->count ||
           addresses->list[i].requests < addresses->requests_max;
}

bool addresses_enter(struct addresses *addresses, const char *text)
{
    size_t i = find(addresses, text);
    if (!is_counted(addresses, text))
        return true;
    if (!addresses_have_room(addresses, text))
        return false;
    if (i == addresses->count) {
        CHECK(addresses->count < ADDRESSES_MAX && strlen(text) < INET6_ADDRSTRLEN);
        strcpy(addresses->list[i].text, text);
        addresses->list[i].requests = 0;
        addresses->count++;
    }
    addresses->list[i].requests++;
    return true;
}

void addresses_leave(struct addresses *addresses, const char *text)
{
    size_t i = find(addresses, text);
    if (!is_counted(addresses, text))
        return;
    CHECK(i < addresses->count && addresses->list[i].requests > 0);
    if (--addresses->list[i].requests == 0)
        addresses->list[i] = addresses->list[--addresses->count];
}
