#include "index/compound.h"

#include <string.h>

#include "base/check.h"
#include "text/character.h"

static const enum text_language joining[] = {
    TEXT_LANGUAGE_DANISH, TEXT_LANGUAGE_DUTCH,     TEXT_LANGUAGE_FINNISH,
    TEXT_LANGUAGE_GERMAN, TEXT_LANGUAGE_NORWEGIAN, TEXT_LANGUAGE_SWEDISH,
};

static bool has_language(query_languages languages, enum text_language language)
{
    return (languages >> language & 1) != 0;
}

/* ---- the query's words ---- */

struct single_word {
    const struct query_node *node;
    const struct query_word *word;
    struct text_slice text; /* its own */
    uint32_t number;        /* as in struct compound_split */
};

struct word_list {
    struct single_word words[QUERY_WORDS_MAX];
    uint32_t count;
    uint32_t number; /* of the next word, single or not */
};

/* A word by itself, or hyphenated ones. */
static void list_single(const struct query_node *node, struct word_list *list)
{
    const char *end = node->text.bytes + node->text.size;
    const char *start = node->text.bytes;
    for (uint32_t i = 0; i < node->word_count && start < end; i++) {
        const char *hyphen = memchr(start, '-', (size_t)(end - start));
        struct text_slice text = {start, (size_t)((hyphen == NULL ? end : hyphen) - start)};
        if (text.size <= TEXT_TERM_MAX)
            list->words[list->count++] =
                (struct single_word){node, &node->words[i], text, list->number + i};
        start += text.size + 1;
    }
}

/* Words of other phrases are meant as they stand; and what has filters of its own would find more
 * than these let through. */
static void list_words(const struct query_node *node, struct word_list *list)
{
    if (query_stays_whole(node)) {
        const struct query_word *words[QUERY_WORDS_MAX];
        list->number += (uint32_t)query_collect_words(node, words);
        return;
    }
    for (uint32_t i = 0; i < node->child_count; i++)
        list_words(node->children[i], list);
    if (node->kind == QUERY_TERM || (node->kind == QUERY_PHRASE && node->is_hyphenated))
        list_single(node, list);
    list->number += node->word_count;
}

/* How many bytes the first part may have; returns how many ways there are. */
static uint32_t list_cuts(struct text_slice text, uint32_t ret_cuts[TEXT_TERM_MAX])
{
    uint32_t starts[TEXT_TERM_MAX];
    uint32_t characters = 0;
    uint32_t count = 0;
    for (uint32_t at = 0; at < text.size; at++) {
        if (!utf8_continues(text.bytes[at]))
            starts[characters++] = at;
    }
    for (uint32_t i = COMPOUND_PART_MIN; i + COMPOUND_PART_MIN <= characters; i++)
        ret_cuts[count++] = starts[i];
    return count;
}

/* Finds the stem of a part, in the arena. False: it is no word of the language, or `*no_memory`. */
static bool stem(struct text_analyzer *analyzer, struct text_slice part,
                 enum text_language language, struct arena *arena, struct query_term *ret_term,
                 bool *no_memory)
{
    struct text_token token;
    text_analyzer_begin(analyzer, part, language);
    if (!text_analyzer_next(analyzer, &token) || token.pair || token.start != 0 ||
        token.end != part.size || !TEXT_TERM_IS_OF_LANGUAGE(token.term))
        return false;
    *ret_term =
        (struct query_term){arena_copy(arena, token.term, token.term_size), token.term_size};
    *no_memory = *no_memory || ret_term->bytes == NULL;
    return ret_term->bytes != NULL;
}

/* The stems of both parts. */
static bool stem_parts(struct text_analyzer *analyzer, struct text_slice text,
                       const struct compound_split *split, struct arena *arena,
                       struct query_term ret_terms[2], bool *no_memory)
{
    struct text_slice first = {text.bytes, split->at};
    struct text_slice second = {text.bytes + split->at, text.size - split->at};
    return stem(analyzer, first, split->language, arena, &ret_terms[0], no_memory) &&
           stem(analyzer, second, split->language, arena, &ret_terms[1], no_memory);
}

/* ---- finding ---- */

uint64_t compounds_pages(const uint64_t *language_frequencies, uint64_t documents)
{
    struct query_term tags[QUERY_LANGUAGE_TERMS_MAX];
    uint64_t pages[TEXT_LANGUAGE_COUNT] = {0};
    uint64_t most = 0;
    size_t count = query_language_terms(tags);
    for (size_t i = 0; i < count; i++) {
        const char *tag = (const char *)tags[i].bytes + 1;
        pages[text_language_of(tag, tags[i].size - 1)] += language_frequencies[i];
    }
    for (size_t i = 0; i < ARRAY_COUNT(joining); i++)
        most = pages[joining[i]] > most ? pages[joining[i]] : most;
    return most < documents / COMPOUND_PAGES_PART ? 0 : most;
}

struct finder {
    struct text_analyzer *analyzer;
    const struct compound_corpus *corpus;
    struct arena *arena;
    struct query_term terms[QUERY_TERMS_MAX]; /* of the query */
    size_t term_count;
    struct compounds *compounds;
    bool no_memory;
};

/* How many documents have a word: as many as have the commonest of its alternatives. */
static uint64_t count_documents(const struct finder *finder, const struct query_word *word)
{
    uint64_t most = 0;
    for (size_t i = 0; i < finder->term_count; i++) {
        uint64_t documents = finder->corpus->frequencies[i];
        for (uint32_t a = 0; documents > most && a < word->alternative_count; a++) {
            if (query_term_equal(&word->alternatives[a], &finder->terms[i]))
                most = documents;
        }
    }
    return most;
}

/* Adds the ways to read a word as two in one language. */
static void find_splits(struct finder *finder, const struct single_word *single,
                        struct compound_reading *reading, const uint32_t *cuts, uint32_t cut_count)
{
    struct compounds *compounds = finder->compounds;
    for (uint32_t i = 0; i < cut_count; i++) {
        reading->split.at = cuts[i];
        reading->first = compounds->term_count;
        if (!stem_parts(finder->analyzer, single->text, &reading->split, finder->arena,
                        &compounds->terms[reading->first], &finder->no_memory))
            continue;
        compounds->readings[compounds->reading_count++] = *reading;
        compounds->term_count += 2;
    }
}

/* Adds the ways to read a word as two, if there is room for all. */
static void find_word(struct finder *finder, const struct single_word *single)
{
    uint32_t cuts[TEXT_TERM_MAX];
    uint32_t cut_count = list_cuts(single->text, cuts);
    uint32_t ways = 0;
    struct compound_reading reading = {.split = {.word = single->number}};
    for (size_t i = 0; i < ARRAY_COUNT(joining); i++)
        ways += has_language(finder->corpus->languages, joining[i]) ? cut_count : 0;
    if (ways == 0 || finder->compounds->term_count + 2 * ways > COMPOUND_TERMS_MAX)
        return;
    reading.documents = count_documents(finder, single->word);
    for (size_t i = 0; reading.documents < finder->corpus->pages && i < ARRAY_COUNT(joining); i++) {
        reading.split.language = joining[i];
        if (has_language(finder->corpus->languages, joining[i]))
            find_splits(finder, single, &reading, cuts, cut_count);
    }
}

enum status compounds_find(struct text_analyzer *analyzer, const struct query_node *root,
                           const struct compound_corpus *corpus, struct arena *arena,
                           struct compounds **ret_compounds, struct error *err)
{
    struct word_list list = {.count = 0};
    struct finder finder = {.analyzer = analyzer, .corpus = corpus, .arena = arena};
    finder.compounds = arena_alloc(arena, sizeof(*finder.compounds));
    if (finder.compounds == NULL)
        return error_set(err, STATUS_NO_MEMORY, "query");
    finder.compounds->term_count = finder.compounds->reading_count = 0;
    if (root != NULL && corpus->pages > 0) {
        finder.term_count = query_collect_terms(root, finder.terms);
        list_words(root, &list);
    }
    for (uint32_t i = 0; i < list.count; i++)
        find_word(&finder, &list.words[i]);
    if (finder.no_memory)
        return error_set(err, STATUS_NO_MEMORY, "query");
    *ret_compounds = finder.compounds;
    return STATUS_OK;
}

/* ---- choosing ---- */

size_t compounds_choose(const struct compounds *compounds, const uint64_t *frequencies,
                        struct compound_split *ret_splits)
{
    size_t count = 0;
    double most = 0; /* the square of the mean of what was chosen for the word last looked at */
    for (uint32_t i = 0; i < compounds->reading_count; i++) {
        const struct compound_reading *reading = &compounds->readings[i];
        double whole = (double)reading->documents * (double)reading->documents;
        double parts =
            (double)frequencies[reading->first] * (double)frequencies[reading->first + 1];
        bool is_chosen = count > 0 && ret_splits[count - 1].word == reading->split.word;
        if (parts <= (is_chosen ? most : whole))
            continue;
        count += !is_chosen;
        ret_splits[count - 1] = reading->split;
        most = parts;
    }
    return count;
}

/* ---- relaxing ---- */

/* What a tree has of what query_check() limits. */
static void count_tree(const struct query_node *node, uint32_t *words, uint32_t *terms)
{
    *words += query_filters(node) ? 1 : node->word_count;
    for (uint32_t i = 0; i < node->word_count; i++)
        *terms += node->words[i].alternative_count;
    for (uint32_t i = 0; i < node->child_count; i++)
        count_tree(node->children[i], words, terms);
}

/* A part of a word, looked for in the same fields; NULL: no memory. */
static struct query_node *make_part(const struct single_word *whole, const struct query_term *term,
                                    struct arena *arena)
{
    struct query_node *node = arena_zalloc(arena, sizeof(*node));
    struct query_word *word = arena_zalloc(arena, sizeof(*word));
    if (node == NULL || word == NULL)
        return NULL;
    word->alternatives[0] = *term;
    word->alternative_count = 1;
    node->kind = QUERY_TERM;
    node->fields = whole->node->fields;
    node->words = word;
    node->word_count = 1;
    node->text = whole->text;
    return node;
}

/* The word of a split, where it can be cut so; else NULL. */
static const struct single_word *find_split(const struct word_list *list,
                                            const struct compound_split *split)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct single_word *single = &list->words[i];
        if (single->number == split->word && split->at > 0 && split->at < single->text.size &&
            split->language < TEXT_LANGUAGE_COUNT)
            return single;
    }
    return NULL;
}

struct query_node *compounds_relax(struct text_analyzer *analyzer, const struct query_node *root,
                                   const struct compound_split *splits, size_t split_count,
                                   struct arena *arena)
{
    struct word_list list = {.count = 0};
    struct query_node *parts[2 * QUERY_WORDS_MAX];
    uint32_t part_count = 0, words = 0, terms = 0;
    bool no_memory = false;
    if (root != NULL) {
        list_words(root, &list);
        count_tree(root, &words, &terms);
    }
    for (size_t i = 0; i < split_count; i++) {
        struct query_term stems[2];
        const struct single_word *single = find_split(&list, &splits[i]);
        if (single == NULL || words + 2 > QUERY_WORDS_MAX || terms + 2 > QUERY_TERMS_MAX ||
            !stem_parts(analyzer, single->text, &splits[i], arena, stems, &no_memory))
            continue;
        words += 2;
        terms += 2;
        for (unsigned part = 0; part < 2; part++) {
            parts[part_count] = make_part(single, &stems[part], arena);
            no_memory = no_memory || parts[part_count++] == NULL;
        }
    }
    return no_memory ? NULL : query_relax(root, parts, part_count, arena);
}
