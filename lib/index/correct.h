/*
 * Words of the dictionary that a mistyped one may stand for: those that one or two edits away are.
 * An edit is a character inserted, left out, replaced, or swapped with its neighbour (Damerau: "A
 * technique for computer detection and correction of spelling errors", 1964).
 *
 * The dictionary is sorted, so that it is walked like a trie: a row of the table of distances is
 * kept for each character of the current key, and where every number of a row is too large, all
 * keys that begin so are leapt over (Shang and Merrett: "Tries for approximate string matching",
 * 1996).
 */
#ifndef TIERCE_INDEX_CORRECT_H
#define TIERCE_INDEX_CORRECT_H

#include "base/arena.h"
#include "index/index.h"
#include "index/limit.h"

#define CORRECT_WORDS_MAX      8     /* of one call */
#define CORRECT_CANDIDATES_MAX 8     /* of one word */
#define CORRECT_CHARACTERS_MAX 32    /* a longer word is not corrected */
#define CORRECT_KEYS_MAX       50000 /* of a segment are looked at for one word; it ends there */

struct correction_candidate {
    struct text_slice term; /* folded, as the dictionary has it */
    struct text_slice text; /* as it is shown */
    uint64_t documents;     /* that write it, of those that the asker may know of; > 0 */
    unsigned distance;      /* edits, 1 or 2 */
};

struct correction {
    uint64_t documents;                      /* that write the word itself */
    struct correction_candidate *candidates; /* the likeliest first. In the arena */
    size_t candidate_count;
};

/*
 * How likely it is that a word was meant, as a number to compare: how many documents write it, less
 * for a second edit, and for one in the first letter, where people err seldom (Pollock and Zamora:
 * "Automatic spelling correction in scientific and scholarly text", 1984). Equal for equal shards'
 * sums, so that whoever adds up documents orders anew.
 */
uint64_t correction_likelihood(struct text_slice word,
                               const struct correction_candidate *candidate);

/*
 * Corrections of words, as struct query_term has them: folded, not stemmed. Words of fewer than
 * three characters and those with digits have none; those of fewer than six characters, and words
 * that begin with another letter, are at most one edit away. No letter is taken for one of another
 * part of Unicode behind its own: a Latin letter is for none but a Latin one.
 *
 * `limit` may be NULL. Returns STATUS_OK, STATUS_INVALID (too many words), STATUS_CORRUPT,
 * STATUS_NO_MEMORY or the limit's.
 */
enum status index_correct(struct index *index, struct text_analyzer *analyzer,
                          const struct text_slice *words, size_t count, bool include_private,
                          const struct search_limit *limit, struct arena *arena,
                          struct correction *ret_corrections, struct error *err);

#endif
