/*
 * The tree of an HTML page, by gumbo, within bounds of memory and time. Gumbo itself knows no such
 * bounds: it never looks whether an allocation failed, frees its tree by recursion (a stranger's
 * nesting decides how deep), and needs time that grows with the square of the nesting. So it gets
 * its memory from a heap that is freed at once, and is left in mid-parse when it takes too much.
 */
#ifndef TIERCE_PAGE_HTML_TREE_H
#define TIERCE_PAGE_HTML_TREE_H

#include <gumbo.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct html_heap;

struct html_tree {
    const GumboNode *root; /* the document */
    struct html_heap *heap;
};

struct html_bounds {
    size_t memory_bytes; /* of the tree and of what the parser needs beside it */
    int64_t cpu_ms;      /* of this thread */
};

/*
 * Parses `size` bytes of UTF-8, which must outlive the tree.
 *
 * Returns STATUS_OK, STATUS_TOO_LARGE where a bound was reached, or STATUS_NO_MEMORY.
 */
enum status html_tree_parse(const char *text, size_t size, const struct html_bounds *bounds,
                            struct html_tree *ret_tree, struct error *err);

/* Accepts a zeroed tree. */
void html_tree_release(struct html_tree *tree);

#endif
