/*
 * The words of the dictionary as people write them, and which of them an asker may know: a word
 * that nobody but hidden pages writes must not be told to strangers, neither one that only removed
 * pages had.
 */
#ifndef TIERCE_INDEX_VOCABULARY_H
#define TIERCE_INDEX_VOCABULARY_H

#include "base/arena.h"
#include "index/dictionary.h"
#include "index/limit.h"
#include "index/snapshot.h"

/*
 * Of a word's list in a segment so many documents are looked at for one that may be shown. Where
 * there is none among them, the word counts as unknown to the asker.
 */
#define VOCABULARY_POSTINGS_MAX 1024

struct vocabulary {
    const struct snapshot *snapshot;
    bool include_private;      /* the asker may see pages of private sites */
    struct limit_watch *watch; /* of all that is done with it. Borrowed */
};

/* Whether a document is live and the asker may see it. */
bool vocabulary_shows(const struct vocabulary *vocabulary, const struct snapshot_entry *entry,
                      uint32_t docid);

/* Whether the asker may know a word by its key in a segment, which some document writes. STATUS_OK,
 * STATUS_CORRUPT or the limit's. */
enum status vocabulary_knows(const struct vocabulary *vocabulary,
                             const struct snapshot_entry *entry,
                             const struct dictionary_entry *found, bool *ret_known,
                             struct error *err);

/* A word that some segment's dictionary has. */
struct vocabulary_word {
    const uint8_t *term; /* folded, as the dictionary has it */
    uint32_t size;
    uint64_t documents; /* that write it, of the segments in which the asker may know it; 0: none */
    uint64_t together;  /* those that have some other words, too; its user's */
};

/* Whether the asker may know the word by this segment. STATUS_OK, STATUS_CORRUPT or the limit's. */
enum status vocabulary_knows_word(const struct vocabulary *vocabulary,
                                  const struct snapshot_entry *entry,
                                  const struct vocabulary_word *word, bool *ret_known,
                                  struct error *err);

/* Sets word->documents. STATUS_OK, STATUS_CORRUPT or the limit's. */
enum status vocabulary_count(const struct vocabulary *vocabulary, struct vocabulary_word *word,
                             struct error *err);

/*
 * The word with the diacritics that a title has which the asker may see, in lower case, in the
 * arena; where no title is quickly found, the term itself. STATUS_OK, STATUS_CORRUPT,
 * STATUS_NO_MEMORY or the limit's.
 */
enum status vocabulary_spell(const struct vocabulary *vocabulary, struct text_analyzer *analyzer,
                             const struct vocabulary_word *word, struct arena *arena,
                             struct text_slice *ret_text, struct error *err);

/* Words gathered from several segments. In an arena. */
struct vocabulary_list {
    struct vocabulary_word *words;
    size_t count;
    size_t capacity;
};

/* Copies the term. STATUS_NO_MEMORY. */
enum status vocabulary_list_add(struct vocabulary_list *list, const uint8_t *term, uint32_t size,
                                uint64_t documents, struct arena *arena, struct error *err);
/* Adds up the documents of equal words, and keeps the `count_max` words with the most. */
void vocabulary_list_settle(struct vocabulary_list *list, size_t count_max);
/* By falling numbers: together, then documents; then as bytes. For qsort(). */
int vocabulary_compare(const void *a, const void *b);

#endif
