/* The tree of a query: its rules, and what is gathered from it. query_parse.c makes one. */
#include "index/query.h"

#include "index/dates.h"

struct checker {
    uint32_t nodes;
    uint32_t words;
    uint32_t prefixes;
    uint32_t terms;
};

/* Terms begin with no byte that stands in front of other keys; prefixes do. */
static bool term_is_valid(const struct query_term *term, enum query_kind kind)
{
    if (term->size == 0 || term->size > TEXT_TERM_MAX)
        return false;
    return kind == QUERY_PREFIX ? term->size > 1 && term->bytes[0] == QUERY_KEY_PREFIX
                                : term->bytes[0] >= ' ';
}

static bool words_are_valid(struct checker *checker, const struct query_node *node)
{
    if (node->word_count == 0 || node->word_count > QUERY_WORDS_MAX || node->words == NULL)
        return false;
    if (node->fields == 0 || (node->fields & ~FIELD_MASK_ALL) != 0)
        return false;
    for (uint32_t i = 0; i < node->word_count; i++) {
        const struct query_word *word = &node->words[i];
        if (word->alternative_count == 0 || word->alternative_count > QUERY_ALTERNATIVES_MAX)
            return false;
        if (word->offset > QUERY_OFFSET_MAX ||
            (i == 0 ? word->offset != 0 : word->offset <= node->words[i - 1].offset))
            return false;
        for (uint32_t a = 0; a < word->alternative_count; a++) {
            if (!term_is_valid(&word->alternatives[a], node->kind))
                return false;
        }
        checker->terms += word->alternative_count;
    }
    checker->words += node->word_count;
    return true;
}

static bool node_is_valid(struct checker *checker, const struct query_node *node, uint32_t depth,
                          bool below_and);

static bool children_are_valid(struct checker *checker, const struct query_node *node,
                               uint32_t depth)
{
    if (node->child_count == 0 || node->child_count > QUERY_NODES_MAX || node->children == NULL)
        return false;
    uint32_t positive = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (!node_is_valid(checker, node->children[i], depth + 1, node->kind == QUERY_AND))
            return false;
        positive += node->children[i]->kind != QUERY_NOT;
    }
    return positive > 0;
}

static bool node_is_valid(struct checker *checker, const struct query_node *node, uint32_t depth,
                          bool below_and)
{
    if (node == NULL || depth > QUERY_DEPTH_MAX || ++checker->nodes > QUERY_NODES_MAX)
        return false;
    switch (node->kind) {
    case QUERY_AND:
    case QUERY_OR:
        return children_are_valid(checker, node, depth);
    case QUERY_NOT:
        return below_and && node->child_count == 1 && node->children != NULL &&
               node_is_valid(checker, node->children[0], depth + 1, false);
    case QUERY_TERM:
        return node->word_count == 1 && words_are_valid(checker, node);
    case QUERY_PREFIX:
        return ++checker->prefixes <= QUERY_PREFIXES_MAX && node->word_count == 1 &&
               node->words != NULL && node->words[0].alternative_count == 1 &&
               words_are_valid(checker, node);
    case QUERY_PHRASE:
        return node->slop <= QUERY_SLOP_MAX && words_are_valid(checker, node);
    case QUERY_SITE:
    case QUERY_LANGUAGE:
    case QUERY_TYPE:
        checker->words++;
        return node->text.size > 0 && node->text.size <= QUERY_SITE_MAX;
    case QUERY_DATES:
        checker->words++;
        return node->day_begin <= DATE_DAY_END && node->day_end <= DATE_DAY_END;
    }
    return false;
}

enum status query_check(const struct query_node *root, struct error *err)
{
    struct checker checker = {0};
    if (root == NULL)
        return STATUS_OK;
    if (!node_is_valid(&checker, root, 1, false) || checker.words > QUERY_WORDS_MAX ||
        checker.terms > QUERY_TERMS_MAX)
        return error_set(err, STATUS_INVALID, "not a query");
    return STATUS_OK;
}

static size_t add_term(struct query_term *terms, size_t count, const struct query_term *term)
{
    for (size_t i = 0; i < count; i++) {
        if (query_term_equal(&terms[i], term))
            return count;
    }
    terms[count] = *term;
    return count + 1;
}

static size_t collect_words(const struct query_node *node, const struct query_word **words,
                            size_t count)
{
    if (node->kind == QUERY_NOT)
        return count;
    for (uint32_t i = 0; i < node->child_count; i++)
        count = collect_words(node->children[i], words, count);
    for (uint32_t i = 0; i < node->word_count; i++)
        words[count++] = &node->words[i];
    return count;
}

size_t query_collect_words(const struct query_node *root, const struct query_word **ret_words)
{
    return root == NULL ? 0 : collect_words(root, ret_words, 0);
}

size_t query_collect_terms(const struct query_node *root, struct query_term *ret_terms)
{
    const struct query_word *words[QUERY_WORDS_MAX];
    size_t word_count = query_collect_words(root, words);
    size_t count = 0;
    for (size_t i = 0; i < word_count; i++) {
        for (uint32_t a = 0; a < words[i]->alternative_count; a++)
            count = add_term(ret_terms, count, &words[i]->alternatives[a]);
    }
    return count;
}

/* ---- any instead of all ---- */

/* Whether a phrase has text of a script that is written without spaces, whose characters take three
 * bytes and more; others are hyphenated, are names such as "max_connections", or were put in
 * quotes. */
static bool is_without_spaces(const struct query_node *phrase)
{
    bool is = false;
    for (uint32_t i = 0; i < phrase->word_count; i++)
        is = is || phrase->words[i].alternatives[0].bytes[0] >= 0xe0;
    return is;
}

struct relaxing {
    struct arena *arena;
    struct query_node *words[QUERY_WORDS_MAX];
    uint32_t word_count;
    struct query_node *filters[QUERY_NODES_MAX];
    uint32_t filter_count;
    bool loosens; /* it asks for more than before */
    bool no_memory;
};

static struct query_node *make_node(struct relaxing *relaxing, enum query_kind kind)
{
    struct query_node *node = arena_zalloc(relaxing->arena, sizeof(*node));
    if (node == NULL)
        relaxing->no_memory = true;
    else
        node->kind = kind;
    return node;
}

static void take_words(struct relaxing *relaxing, const struct query_node *node)
{
    for (uint32_t i = 0; i < node->word_count; i++) {
        struct query_node *term = make_node(relaxing, QUERY_TERM);
        if (term == NULL)
            return;
        term->fields = node->fields;
        term->words = arena_copy(relaxing->arena, &node->words[i], sizeof(node->words[i]));
        term->word_count = 1;
        if (term->words == NULL) {
            relaxing->no_memory = true;
            return;
        }
        term->words->offset = 0;
        term->text = node->text;
        relaxing->words[relaxing->word_count++] = term;
    }
}

static bool has_words(const struct query_node *node)
{
    bool has = node->word_count > 0;
    for (uint32_t i = 0; node->kind != QUERY_NOT && i < node->child_count; i++)
        has = has || has_words(node->children[i]);
    return has && node->kind != QUERY_NOT;
}

/* Whether something below a node only chooses documents. Below a QUERY_OR that holds for one branch
 * and not for the others: such a node stays as it is. */
static bool has_filter(const struct query_node *node)
{
    bool has = false;
    for (uint32_t i = 0; i < node->child_count; i++)
        has = has || !has_words(node->children[i]) || has_filter(node->children[i]);
    return has;
}

bool query_stays_whole(const struct query_node *node)
{
    return !has_words(node) || node->kind == QUERY_PREFIX ||
           (node->kind == QUERY_PHRASE && !node->is_hyphenated && !is_without_spaces(node)) ||
           (node->kind == QUERY_OR && has_filter(node));
}

static void relax(struct relaxing *relaxing, struct query_node *node)
{
    uint32_t words_before = relaxing->word_count;
    if (!has_words(node))
        relaxing->filters[relaxing->filter_count++] = node;
    else if (query_stays_whole(node))
        relaxing->words[relaxing->word_count++] = node;
    else if (node->child_count == 0)
        take_words(relaxing, node);
    else
        for (uint32_t i = 0; i < node->child_count; i++)
            relax(relaxing, node->children[i]);
    if (node->kind == QUERY_AND || node->kind == QUERY_PHRASE)
        relaxing->loosens = relaxing->loosens || relaxing->word_count > words_before + 1;
}

/* A node over `count` others; the only one itself. */
static struct query_node *join(struct relaxing *relaxing, enum query_kind kind,
                               struct query_node **nodes, uint32_t count)
{
    if (count == 1)
        return nodes[0];
    struct query_node *node = make_node(relaxing, kind);
    if (node == NULL)
        return NULL;
    node->children = arena_copy(relaxing->arena, nodes, count * sizeof(struct query_node *));
    node->child_count = count;
    relaxing->no_memory = relaxing->no_memory || node->children == NULL;
    return node;
}

struct query_node *query_relax(const struct query_node *root, struct query_node *const *parts,
                               uint32_t part_count, struct arena *arena)
{
    struct relaxing *relaxing = root == NULL ? NULL : arena_zalloc(arena, sizeof(*relaxing));
    if (relaxing == NULL)
        return NULL;
    relaxing->arena = arena;
    relax(relaxing, (struct query_node *)(uintptr_t)root);
    for (uint32_t i = 0; i < part_count; i++)
        relaxing->words[relaxing->word_count++] = parts[i];
    relaxing->loosens = relaxing->loosens || part_count > 0;
    if (!relaxing->loosens && !relaxing->no_memory)
        return (struct query_node *)(uintptr_t)root;
    struct query_node *any = join(relaxing, QUERY_OR, relaxing->words, relaxing->word_count);
    if (any == NULL)
        return NULL;
    relaxing->filters[relaxing->filter_count++] = any;
    struct query_node *all = join(relaxing, QUERY_AND, relaxing->filters, relaxing->filter_count);
    return relaxing->no_memory ? NULL : all;
}
