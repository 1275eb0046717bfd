/*
 * Words near each other: sloppy phrases as Lucene has them (PhraseQuery's slop). Each word stands
 * somewhere; how far it is moved from its place in the phrase is its position less its offset. The
 * words are near enough where no two are moved by more than `slop` from each other. So slop 0 is
 * the phrase itself, one word between two of them costs 1, and changing places costs 2. Words that
 * are the same take different positions.
 */
#ifndef TIERCE_INDEX_PROXIMITY_H
#define TIERCE_INDEX_PROXIMITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proximity_word {
    const uint32_t *positions; /* ascending; two may be the same */
    size_t count;
    uint32_t offset; /* in the phrase; rises from word to word */
    uint32_t same;   /* number of the word before it that is the same one; its own: there is none */
    size_t at;       /* scratch: no position in front of it counts any more */
    uint64_t taken;  /* scratch */
};

bool proximity_matches(struct proximity_word *words, uint32_t count, uint32_t slop);

#endif
