/* The wire's message for what lib/index explains. */
#ifndef TIERCE_BARREL_EXPLAIN_H
#define TIERCE_BARREL_EXPLAIN_H

#include "index/explain.h"
#include "wire.pb-c.h"

/* Everything in the arena, or borrowed from `from`. False: no memory. */
bool explanation_to_wire(const struct explanation *from, struct arena *arena,
                         Wire__ExplainReply *ret_reply);

#endif
