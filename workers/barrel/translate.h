/* Between messages and the index's plain structs. What comes back borrows from the message. */
#ifndef TIERCE_BARREL_TRANSLATE_H
#define TIERCE_BARREL_TRANSLATE_H

#include "index/index.h"
#include "index/search.h"
#include "wire.pb-c.h"

/* A query's tree, checked. NULL (nothing matches) for NODE_NONE. STATUS_INVALID, STATUS_NO_MEMORY.
 */
enum status query_from_wire(const Wire__Node *node, struct arena *arena,
                            struct query_node **ret_root, struct error *err);

/* The statistics as the query's terms want them: a term that the request does not name counts 0.
 * STATUS_INVALID (more than any corpus has), STATUS_NO_MEMORY. */
enum status statistics_from_wire(const Wire__SearchRequest *request, const struct query_node *root,
                                 struct arena *arena, struct search_statistics *ret_statistics,
                                 struct error *err);

/* False: the item is of a kind that is none of the index's. */
bool change_from_wire(const Wire__FeedItem *item, struct arena *arena,
                      struct index_change *ret_change);

#endif
