/*
 * A walk over the tree of a page, in the page's order, without recursion and within limits. Two
 * walks over the same tree number its nodes alike.
 */
#ifndef TIERCE_PAGE_HTML_WALK_H
#define TIERCE_PAGE_HTML_WALK_H

#include <gumbo.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page/page.h"

enum html_event {
    HTML_ENTER, /* the document or an element; its HTML_LEAVE comes later */
    HTML_TEXT,  /* a text, white space or CDATA */
    HTML_LEAVE,
    HTML_END
};

struct html_walk_level {
    const GumboNode *node;
    uint32_t number;
    unsigned next_child;
};

/* Zero it, and set `root`. */
struct html_walk {
    const GumboNode *root;
    struct html_walk_level levels[PAGE_DEPTH_MAX]; /* the elements that the walk is in */
    size_t depth;                                  /* of the event's: within HTML_LEAVE too */
    uint32_t nodes;                                /* looked at, PAGE_NODES_MAX at most */
    bool cut;                                      /* a limit was reached: something is left out */
    bool leaving;
};

/*
 * The next event, its node and the node's number, below PAGE_NODES_MAX + 1. Of an element entered
 * or left levels[depth - 1] is its own. Comments and <template>, which is no part of the page until
 * a script says so, are passed over.
 */
enum html_event html_walk_next(struct html_walk *walk, const GumboNode **ret_node,
                               uint32_t *ret_number);

#endif
