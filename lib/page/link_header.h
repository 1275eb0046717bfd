/* The Link header: RFC 8288. */
#ifndef TIERCE_PAGE_LINK_HEADER_H
#define TIERCE_PAGE_LINK_HEADER_H

#include <stdbool.h>
#include <stddef.h>

enum { LINK_HEADER_VALUE_BYTES_MAX = 256 }; /* of a parameter; longer ones count as empty */

struct link_header_value {
    const char *target; /* what stands between '<' and '>'. Not terminated, borrowed */
    size_t target_size;
    char rel[LINK_HEADER_VALUE_BYTES_MAX]; /* the first of each; "" where there is none */
    char hreflang[LINK_HEADER_VALUE_BYTES_MAX];
    char type[LINK_HEADER_VALUE_BYTES_MAX];
    bool has_anchor; /* it is about another resource than the one that came with it */
};

/*
 * Reads the next link of a header's values, one to a line, and moves *at behind it; false: there is
 * none left. What is not written as it should be is passed over.
 */
bool link_header_next(const char **at, struct link_header_value *ret_value);

#endif
