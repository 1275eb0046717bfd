/*
 * Text as it is seen: white space between words is one space, a block begins on a new line, nothing
 * stands at the ends.
 */
#ifndef TIERCE_PAGE_FLOW_H
#define TIERCE_PAGE_FLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Set `limit`, zero the rest. `text.failed` tells that memory ran out. */
struct flow {
    struct buffer text; /* the flow's own: buffer_release() */
    size_t limit;       /* most bytes; what is over is left out */
    bool cut;           /* something was */
    bool space;         /* owed before the next word */
    bool line;          /* the same: stronger than a space */
    bool one_line;      /* lines are only spaces here: a title, an anchor */
};

/* Adds UTF-8. With `keep_lines` its newlines are lines, as in <pre>. Control characters are spaces.
 */
void flow_add(struct flow *flow, const char *text, size_t size, bool keep_lines);
void flow_space(struct flow *flow);
void flow_line(struct flow *flow);

/* Begins anew, with the same memory. */
void flow_clear(struct flow *flow);

#endif
