/* What all threads of one gateway process share: settings, routing, membership, limits, caches and
 * counters. */
#ifndef TIERCE_GATEWAY_GATEWAY_H
#define TIERCE_GATEWAY_GATEWAY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/error.h"
#include "cluster/routing.h"
#include "rpc/key.h"
#include "wire.pb-c.h"

struct gateway;

struct gateway_options {
    const char *orchestrator; /* borrowed */
    struct cluster_key key;
    Wire__Role role; /* ROLE_GATEWAY or ROLE_GRPC */
    const char *name;
    const char *address;        /* where gRPC is served, or "" */
    const char *advertise_host; /* or "" */
    bool keeps_log_level;       /* set on the command line: the settings do not change it */
};

/* Registers and waits for the first settings and routing table. */
enum status gateway_open(const struct gateway_options *options, struct gateway **ret_gateway,
                         struct error *err);
void gateway_close(struct gateway *gateway); /* accepts NULL */
void gateway_set_ready(struct gateway *gateway, bool ready);

const struct cluster_key *gateway_key(const struct gateway *gateway);
const char *gateway_orchestrator(const struct gateway *gateway);
struct routing *gateway_routing(struct gateway *gateway); /* give back with routing_release() */

/* The settings in force; give them back with gateway_release_settings(). From any thread. */
const Wire__GatewaySettings *gateway_hold_settings(struct gateway *gateway);
void gateway_release_settings(const Wire__GatewaySettings *settings);

/* ---- who may (auth.c) ---- */
/* The 64 hexadecimal digits of the admin token, compared in constant time with the hash in the
 * settings. */
bool gateway_token_is_valid(struct gateway *gateway, const char *token);
/* The value of the admin cookie, derived from the token's hash: valid for every worker, void once
 * the token changes. */
enum { ADMIN_COOKIE_BYTES = 65 };
void gateway_cookie_value(struct gateway *gateway, char ret[ADMIN_COOKIE_BYTES]);
bool gateway_cookie_is_valid(struct gateway *gateway, const char *value);

/* ---- limits per address (limits.c) ---- */
/*
 * Takes one request from the address's allowance (IPv4 address, IPv6 /64), which all gateway
 * processes of this machine share; or of a cheap one, so many of which count as one, a part.
 * Returns 0, or the seconds after which to try again.
 */
unsigned gateway_take_allowance(struct gateway *gateway, const char *address, unsigned parts);

/* ---- counters (counters.c): deltas, sent with the heartbeat ---- */
void gateway_count_request(struct gateway *gateway);
void gateway_count_error(struct gateway *gateway);
void gateway_count_limited(struct gateway *gateway);
/* query  normalised; only first pages are counted. */
void gateway_count_search(struct gateway *gateway, const char *query, bool first_page,
                          bool from_cache, bool partial);
void gateway_count_barrel(struct gateway *gateway, uint64_t member, int64_t us);

/* This process's counters since its start, for /metrics. */
struct gateway_totals {
    uint64_t requests, searches, cache_hits, errors, limited, partial;
};
void gateway_totals(struct gateway *gateway, struct gateway_totals *ret);

#endif
