#include "page/html_walk.h"

static const GumboVector *children_of(const GumboNode *node)
{
    return node->type == GUMBO_NODE_DOCUMENT ? &node->v.document.children
                                             : &node->v.element.children;
}

static bool enter(struct html_walk *walk, const GumboNode *node, uint32_t number)
{
    if (walk->depth == PAGE_DEPTH_MAX) {
        walk->cut = true;
        return false;
    }
    walk->levels[walk->depth++] = (struct html_walk_level){.node = node, .number = number};
    return true;
}

/* The next child of the innermost level; NULL behind the last one, or at the limit. */
static const GumboNode *next_child(struct html_walk *walk)
{
    struct html_walk_level *level = &walk->levels[walk->depth - 1];
    const GumboVector *children = children_of(level->node);
    if (level->next_child == children->length)
        return NULL;
    if (walk->nodes == PAGE_NODES_MAX) {
        walk->cut = true; /* all levels are left, so that what is open is finished */
        return NULL;
    }
    walk->nodes++;
    return children->data[level->next_child++];
}

enum html_event html_walk_next(struct html_walk *walk, const GumboNode **ret_node,
                               uint32_t *ret_number)
{
    if (walk->leaving)
        walk->depth--;
    walk->leaving = false;
    if (walk->nodes == 0 && walk->depth == 0 && walk->root != NULL) {
        *ret_node = walk->root;
        *ret_number = 0;
        walk->root = NULL;
        (void)enter(walk, *ret_node, 0);
        return HTML_ENTER;
    }
    while (walk->depth > 0) {
        const GumboNode *node = next_child(walk);
        if (node == NULL) {
            *ret_node = walk->levels[walk->depth - 1].node;
            *ret_number = walk->levels[walk->depth - 1].number;
            walk->leaving = true;
            return HTML_LEAVE;
        }
        *ret_node = node;
        *ret_number = walk->nodes;
        switch (node->type) {
        case GUMBO_NODE_TEXT:
        case GUMBO_NODE_CDATA:
        case GUMBO_NODE_WHITESPACE:
            return HTML_TEXT;
        case GUMBO_NODE_DOCUMENT:
        case GUMBO_NODE_ELEMENT:
            if (enter(walk, node, walk->nodes))
                return HTML_ENTER;
            break;
        default:
            break;
        }
    }
    return HTML_END;
}
