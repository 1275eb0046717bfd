/*
 * Stands before the C library's getaddrinfo(), for libcurl too: names under ".test" are this
 * machine, and the answer to one that begins with "slow" takes NAMES_SLOW_MS.
 */
#ifndef TIERCE_TESTS_NAMES_H
#define TIERCE_TESTS_NAMES_H

#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_SLOW_MS = 3000 };

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_result)
{
    static const char end[] = ".test";
    __typeof__(getaddrinfo) *real = (__typeof__(getaddrinfo) *)dlsym(RTLD_NEXT, "getaddrinfo");
    size_t size = node != NULL ? strlen(node) : 0;
    if (size < strlen(end) || strcmp(node + size - strlen(end), end) != 0)
        return real(node, service, hints, ret_result);
    if (strncmp(node, "slow", 4) == 0)
        usleep(NAMES_SLOW_MS * 1000);
    return real("127.0.0.1", service, hints, ret_result);
}

#endif
