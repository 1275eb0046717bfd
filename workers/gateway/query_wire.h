/* A query's tree as it travels to the barrels. */
#ifndef TIERCE_GATEWAY_QUERY_WIRE_H
#define TIERCE_GATEWAY_QUERY_WIRE_H

#include "base/arena.h"
#include "base/error.h"
#include "wire.pb-c.h"

struct query_node;

/*
 * The message, in the arena; terms are borrowed from the tree. NULL becomes NODE_NONE. A word's
 * alternatives stand behind one another: of a term all of them, of a phrase those with the same
 * offset. Returns STATUS_OK or STATUS_NO_MEMORY.
 */
enum status query_to_wire(const struct query_node *root, struct arena *arena, Wire__Node **ret_node,
                          struct error *err);

#endif
