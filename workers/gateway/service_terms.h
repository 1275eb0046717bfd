/*
 * In how many documents each term is, summed over the shards: remembered for an epoch, so that
 * every search of that epoch scores alike. What each shard said is kept apart: while one does not
 * answer, its last word stands in for it, and the scores of the others stay as they were. Bounded;
 * what is forgotten is asked again. Any thread.
 */
#ifndef TIERCE_GATEWAY_SERVICE_TERMS_H
#define TIERCE_GATEWAY_SERVICE_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster/routing.h"

struct query_term;
struct term_table;

#define TERM_UNKNOWN UINT64_MAX /* a shard that did not say */

/* What a shard said of a term. */
struct term_word {
    uint64_t documents; /* or TERM_UNKNOWN */
    bool is_part;       /* of its documents some are missing: it is being filled again */
};

struct term_table *term_table_new(void); /* NULL: no memory */
void term_table_free(struct term_table *table);

/* The sum for the epoch of `routing`; false when it is not known. */
bool term_table_get(struct term_table *table, const struct routing *routing,
                    const struct query_term *term, uint64_t *ret_documents);

/*
 * Notes what the shards said in the epoch of `routing`, and returns the sum.
 *
 * words  by shard. Where one said nothing, or counted a part, its last word about the whole counts;
 *        a part counts where there is none, and is not remembered.
 */
uint64_t term_table_put(struct term_table *table, const struct routing *routing,
                        const struct query_term *term, const struct term_word *words);

#endif
