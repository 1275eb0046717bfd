/* The routing table as it travels, made into the snapshot that the rest of a program uses. */
#ifndef TIERCE_CLUSTER_ROUTING_WIRE_H
#define TIERCE_CLUSTER_ROUTING_WIRE_H

#include "base/error.h"
#include "cluster/routing.h"
#include "wire.pb-c.h"

enum { ROUTING_REPLICAS_MAX = 64 }; /* of one shard */

/*
 * Copies the message. NULL is an empty table of version 0.
 *
 * ret_routing  one reference, the caller's to give back with routing_release(). Untouched on
 *              failure.
 *
 * Returns STATUS_OK, STATUS_CORRUPT (slots out of range or held twice, too many replicas) or
 * STATUS_NO_MEMORY.
 */
enum status routing_from_wire(const Wire__Routing *wire, struct routing **ret_routing,
                              struct error *err);

/* One more reference; returns `routing`. From any thread that holds one already. */
struct routing *routing_share(struct routing *routing);

#endif
