/*
 * Addresses as those who need them can reach them: on one machine everything is on loopback, to
 * another machine that says nothing.
 */
#ifndef TIERCE_ORCHESTRATOR_REACH_H
#define TIERCE_ORCHESTRATOR_REACH_H

#include "base/arena.h"
#include "base/error.h"
#include "rpc/endpoint.h"
#include "wire.pb-c.h"

/*
 * Where a member serves. One that listens on every address ("[::]:4711", "0.0.0.0:4711") serves
 * where its registration came from, `peer`. Another address stays as it is. *ret_address is the
 * request's or in the arena. STATUS_INVALID: it is no address, or nobody could reach it; the words
 * say what to do.
 */
enum status reach_member(const Wire__RegisterRequest *request, const struct endpoint *peer,
                         struct arena *arena, char **ret_address, struct error *err);

/*
 * The table for a member on another machine: what serves on this machine's loopback is where that
 * member reaches us, `local`. Nothing changes for a `peer` of this machine. The table's own structs
 * are rewritten, not the strings.
 */
void reach_routing(Wire__Routing *routing, const struct endpoint *peer,
                   const struct endpoint *local, struct arena *arena);

/* Where our children are to listen, given where we do: on loopback, unless we serve other machines;
 * then on every address of the family. */
const char *reach_children_host(const char *own_host);

#endif
