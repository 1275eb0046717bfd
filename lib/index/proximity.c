#include "index/proximity.h"

/*
 * Displacements (position less offset) may be negative; here each has this added. The algorithm
 * takes the least displacement `low` of a match, rising: every word then has one from `low` to
 * `low` + slop.
 */
#define BASE (UINT64_C(1) << 32)

static uint64_t displacement(const struct proximity_word *word, size_t at)
{
    return BASE + word->positions[at] - word->offset;
}

/* Moves each word to its first displacement not below `low`; false where one has none any more. */
static bool move_to(struct proximity_word *words, uint32_t count, uint64_t low, uint64_t *ret_high)
{
    uint64_t high = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct proximity_word *word = &words[i];
        while (word->at < word->count && displacement(word, word->at) < low)
            word->at++;
        if (word->at == word->count)
            return false;
        uint64_t here = displacement(word, word->at);
        high = here > high ? here : high;
    }
    *ret_high = high;
    return true;
}

/*
 * Whether every word finds a position of its own. Words that are the same have the same positions,
 * and their ranges follow each other: so each takes the first that is left. Where a word finds
 * none, *ret_low is the least `low` with which it may: further on, what is left to it lies no
 * nearer.
 */
static bool are_apart(struct proximity_word *words, uint32_t count, uint64_t low, uint32_t slop,
                      uint64_t *ret_low)
{
    for (uint32_t i = 0; i < count; i++) {
        struct proximity_word *word = &words[i];
        size_t at = word->at;
        if (word->same != i) {
            while (at < word->count && word->positions[at] <= words[word->same].taken)
                at++;
        }
        if (at == word->count || displacement(word, at) > low + slop) {
            *ret_low = at == word->count ? UINT64_MAX : displacement(word, at) - slop;
            return false;
        }
        word->taken = word->positions[at];
    }
    return true;
}

/* The least displacement behind `low`. */
static uint64_t next_low(const struct proximity_word *words, uint32_t count, uint64_t low)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        size_t at = words[i].at;
        while (at < words[i].count && displacement(&words[i], at) == low)
            at++; /* a place may be told twice: a stem and an exact form */
        if (at < words[i].count && displacement(&words[i], at) < next)
            next = displacement(&words[i], at);
    }
    return next;
}

bool proximity_matches(struct proximity_word *words, uint32_t count, uint32_t slop)
{
    uint64_t low = 0;
    uint64_t high;
    for (uint32_t i = 0; i < count; i++)
        words[i].at = 0;
    while (low != UINT64_MAX && move_to(words, count, low, &high)) {
        if (high > low + slop) {
            low = high - slop;
            continue;
        }
        uint64_t leap;
        if (are_apart(words, count, low, slop, &leap))
            return true;
        uint64_t next = next_low(words, count, low);
        low = leap > next ? leap : next;
    }
    return false;
}
