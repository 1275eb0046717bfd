/*
 * Which addresses a fetch may connect to. The address that decides is the one of the connection
 * itself, never one that a name gave a moment earlier, so that a name which changes its address
 * between two questions gains nothing.
 */
#ifndef TIERCE_DOWNLOADER_GUARD_H
#define TIERCE_DOWNLOADER_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/error.h"
#include "crawl/address.h"

enum { GUARD_NETWORKS_MAX = 64 };

struct guard {
    bool allow_private;  /* the source names this host and port as one that may be private */
    bool names_loopback; /* ... and its host is "localhost" or a loopback address itself */
    bool only_loopback;  /* the connection is led elsewhere than the name says: to this machine */
    size_t network_count;
    struct address_network networks[GUARD_NETWORKS_MAX]; /* the owner's allowed networks */
};

/*
 * Fills in who is allowed: the fields of a lease.
 *
 * host        of the URL, in normal form.
 * connect_to  "ip:port"; NULL or "": where the name leads.
 * networks    CIDR texts. One that cannot be read allows nothing: STATUS_INVALID names it.
 */
enum status guard_init(struct guard *guard, bool allow_private, const char *host,
                       const char *connect_to, char *const *networks, size_t network_count,
                       struct error *err);

/* For a hop to any other host than the lease's: only public addresses. */
void guard_init_public(struct guard *guard);

/* STATUS_OK, or STATUS_DENIED with words for the operator. */
enum status guard_check(const struct guard *guard, const struct sockaddr *address,
                        struct error *err);

/* The same of the address's port, whoever asks. */
enum status guard_check_port(const struct sockaddr *address, struct error *err);

/* Reads an address as libcurl writes it: "192.0.2.1" or "2001:db8::1". False: it is none. */
bool address_read(const char *text, struct sockaddr_storage *ret_address);
/* Writes it; `ret` has room for INET6_ADDRSTRLEN. */
void address_write(const struct sockaddr *address, char *ret);

#endif
