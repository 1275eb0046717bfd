/* A raw block of HTTP headers, as it was received. */
#ifndef TIERCE_INDEXSERVER_HEADERS_H
#define TIERCE_INDEXSERVER_HEADERS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/arena.h"

/* The value of the last header of that name (lower case), without white space around, in the arena;
 * "" where there is none. */
char *header_value(const ProtobufCBinaryData *block, const char *name, struct arena *arena);

#endif
