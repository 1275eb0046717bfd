/*
 * Compounds: words that some languages write as one and others apart. Who asks for
 * "Gletscherabfluss" wants pages, too, that say "der Abfluss des Gletschers". So where a query is
 * relaxed, a word is also read as two, if both are known in one of these languages and commoner
 * than the word: the geometric mean of the numbers of documents that have them is larger than the
 * number of those that have the word (Koehn, Knight: "Empirical methods for compound splitting",
 * 2003). They are compared and looked for as stems, so that letters that only join
 * ("Verwaltungsorgan", "Sonnenschein") are left out by the stemmer, as the endings that they are.
 *
 * The statistics are the corpus's: find the readings, ask for the frequencies of their terms,
 * choose, relax. What was chosen can be kept, to relax the same query in the same way later.
 */
#ifndef TIERCE_INDEX_COMPOUND_H
#define TIERCE_INDEX_COMPOUND_H

#include "index/query.h"
#include "index/query_languages.h"

#define COMPOUND_PART_MIN   4   /* characters */
#define COMPOUND_TERMS_MAX  256 /* to ask the frequencies of; further words stay whole */
#define COMPOUND_PAGES_PART 64

/* Where a word is cut. */
struct compound_split {
    uint32_t word; /* its number among the words of query_collect_words() */
    uint32_t at;   /* bytes of its text, folded, that are the first part's */
    enum text_language language;
};

/* One way to read a word as two; those of a word stand side by side. */
struct compound_reading {
    struct compound_split split;
    uint64_t documents; /* that have the whole word */
    uint32_t first;     /* number of the first part's term; the second one's is the next */
};

struct compounds {
    struct query_term terms[COMPOUND_TERMS_MAX];
    uint32_t term_count;
    struct compound_reading readings[COMPOUND_TERMS_MAX / 2];
    uint32_t reading_count;
};

/* What is known of the corpus. */
struct compound_corpus {
    query_languages languages;   /* whose stems are looked for */
    uint64_t pages;              /* compounds_pages() */
    const uint64_t *frequencies; /* of the terms of query_collect_terms() */
};

/* Most pages of one of the languages that join words, by the frequencies of query_language_terms().
 * No part is in more: so a word that is, as in a corpus of another language, needs no look. 0 where
 * they are less than one of COMPOUND_PAGES_PART documents: so many texts, and the short ones among
 * them, are mistaken for another language. */
uint64_t compounds_pages(const uint64_t *language_frequencies, uint64_t documents);

/* All readings of the query's words that may be commoner than the word. In the arena. STATUS_OK or
 * STATUS_NO_MEMORY. */
enum status compounds_find(struct text_analyzer *analyzer, const struct query_node *root,
                           const struct compound_corpus *corpus, struct arena *arena,
                           struct compounds **ret_compounds, struct error *err);

/* Chooses by the frequencies of compounds->terms. `ret_splits` has room for QUERY_WORDS_MAX, by
 * rising word; returns how many there are. */
size_t compounds_choose(const struct compounds *compounds, const uint64_t *frequencies,
                        struct compound_split *ret_splits);

/*
 * query_relax() with the parts of the words, behind everything else: so the terms of the query are
 * the first ones of the relaxed one. Splits that are none of this query's are left out, and those
 * for which it has no room. `root` itself where nothing is added; NULL: as query_relax().
 */
struct query_node *compounds_relax(struct text_analyzer *analyzer, const struct query_node *root,
                                   const struct compound_split *splits, size_t split_count,
                                   struct arena *arena);

#endif
