/*
 * Removals by prefix or site that are not done yet: one entry takes away only so much, the rest is
 * appended as further entries behind it. What is left is noted in the same write as what was done,
 * so that it goes on after a restart.
 */
#ifndef TIERCE_INDEXSERVER_UNFINISHED_H
#define TIERCE_INDEXSERVER_UNFINISHED_H

#include "indexserver/views.h"

/* The view has applied the entry; where it is a removal, change->more says whether something is
 * left of it. */
void unfinished_note(struct change *change, const Log__Entry *entry, enum view view);

/* The view is made anew. */
void unfinished_drop(struct views *views, struct kv_batch *batch, enum view view);

/*
 * A removal that must be appended again, in the arena; NULL: there is none. To be asked when the
 * views have caught up. It is found until it was applied without a rest.
 */
enum status unfinished_find(struct views *views, struct arena *arena, Log__Remove **ret_remove,
                            struct error *err);

#endif
