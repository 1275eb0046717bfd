/*
 * A cursor: where the next page of an answer begins, as an opaque word that the client hands back.
 * It carries all that the first page's scores were reckoned with (statistics, document frequencies,
 * the time), so that the next page continues the same order, whichever worker makes it and whatever
 * was indexed meanwhile; and the positions that the shards had reached, so that no replica further
 * behind is asked. It is valid for five minutes.
 *
 * Its statistics are those of private pages, too, and whoever asks may not know them: so it is
 * encrypted, with a key derived from the cluster's, and by its tag known to be ours. The
 * frequencies take eight bytes each, so that its length does not tell them either. Nonces are
 * random: one key is good for 2^32 cursors (NIST SP 800-38D, 8.3).
 *
 * Bytes, in base64url: version 4 | nonce (12) | encrypted: varints, frequencies, varints, score and
 * hash | tag (16). AES-256-GCM; the version is authenticated with them.
 */
#ifndef TIERCE_GATEWAY_CURSOR_H
#define TIERCE_GATEWAY_CURSOR_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "cluster/routing.h"
#include "index/compound.h"
#include "rpc/key.h"

enum {
    CURSOR_VALID_S = 300,
    CURSOR_TERMS_MAX = 256,
    CURSOR_SPLITS_MAX = 64,
    CURSOR_TEXT_MAX = 8 * 1024, /* a longer one is none of ours */
};

/* Where the last result shown stands. */
enum cursor_part {
    CURSOR_ALONE,     /* in the only list */
    CURSOR_ALL_WORDS, /* among the pages with all words; those with any follow */
    CURSOR_ANY_WORD,  /* among those */
    CURSOR_PART_COUNT,
};

struct cursor {
    int64_t made_unix_s;
    uint64_t query_hash; /* of the normalised query: it continues no other one */
    uint64_t depth;      /* results in front of the next page */
    uint64_t languages;  /* whose stems the query was read with: query_languages */
    enum cursor_part part;
    uint64_t epoch;
    uint64_t documents;
    uint64_t field_lengths[ROUTING_FIELDS];
    int64_t now_us; /* the time that scores were reckoned at */
    double score;   /* of the last result shown */
    uint64_t url_hash;
    const uint64_t *document_frequencies; /* of the query's terms, in their order */
    uint32_t term_count;
    const struct compound_split *splits; /* words that were read as two */
    uint32_t split_count;
    const uint64_t *positions; /* of the log, by shard */
    uint32_t shard_count;
};

/* The word, in the arena; NULL: no memory. */
const char *cursor_encode(const struct cluster_key *key, const struct cursor *cursor,
                          struct arena *arena);

/* Arrays lie in the arena. STATUS_INVALID: no cursor of ours, or too old; the words are the user's
 * to read. */
enum status cursor_decode(const struct cluster_key *key, const char *text, int64_t now_unix_s,
                          struct arena *arena, struct cursor *ret_cursor, struct error *err);

#endif
