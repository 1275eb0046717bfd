/*
 * How many requests each address has left: one table in a file that all gateway processes of a
 * machine map, so that a client gains nothing by reaching another worker. An allowance is kept by
 * the generic cell rate algorithm: one 64-bit word for an address, changed by compare-and-swap.
 *
 * An address is an IPv4 address or the /64 of an IPv6 one. The table holds 65,536 of them; where it
 * overflows, the one that is nearest to a full allowance is forgotten.
 */
#ifndef TIERCE_GATEWAY_LIMITS_H
#define TIERCE_GATEWAY_LIMITS_H

#include <stdint.h>

#include "base/error.h"

struct limits;

/* Maps the table, making it (mode 0600) where there is none. path: "" is a table of this process
 * alone. */
enum status limits_open(const char *path, struct limits **ret_limits, struct error *err);
void limits_close(struct limits *limits); /* accepts NULL; the file stays */

/*
 * Takes one request. Returns 0, or the seconds (at least 1) after which to try again.
 *
 * address     "192.0.2.1", "2001:db8::1" or any other name of a client
 * per_minute  the lasting rate; 0: no limit
 * burst       requests at once after a pause; 0 is 1
 * now_us      clock_boot_us(), the same clock for all processes
 */
unsigned limits_take(struct limits *limits, const char *address, uint32_t per_minute,
                     uint32_t burst, int64_t now_us);

#endif
