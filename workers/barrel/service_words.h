/* The barrel's answers about words: what completes and what corrects them. */
#ifndef TIERCE_BARREL_SERVICE_WORDS_H
#define TIERCE_BARREL_SERVICE_WORDS_H

#include "index/index.h"
#include "rpc/server.h"

/* Each answers one call of its method. */
void answer_suggest(struct rpc_call *call, struct index *index, struct text_analyzer *analyzer);
/* `rebuilding`: of the index, before it was asked. */
void answer_correct(struct rpc_call *call, struct index *index, struct text_analyzer *analyzer,
                    bool rebuilding);

#endif
