#include "index/matcher.h"

#include <stdlib.h>
#include <string.h>

#include "index/proximity.h"

/* What a document costs, in steps of a limit: one that the whole tree is asked about, and one whose
 * positions are read. */
#define DOCUMENT_STEPS   4
#define PHRASE_STEPS     64
#define POSITIONS_A_STEP 16

/* ---- words ---- */

uint32_t matcher_word_seek(struct matcher_word *word, uint32_t target)
{
    uint32_t first = DOCID_END;
    for (uint32_t i = 0; i < word->word->alternative_count; i++) {
        if (word->cursors[i] == NULL)
            continue;
        uint32_t docid = posting_cursor_seek(word->cursors[i], target);
        first = docid < first ? docid : first;
    }
    word->docid = first;
    return first;
}

uint32_t matcher_word_fields(struct matcher_word *word)
{
    uint32_t fields = 0;
    for (uint32_t i = 0; i < word->word->alternative_count; i++) {
        if (word->cursors[i] != NULL && word->cursors[i]->docid == word->docid)
            fields |= posting_cursor_fields(word->cursors[i]);
    }
    return fields;
}

static uint32_t term_seek(struct matcher_node *node, uint32_t target)
{
    struct matcher_word *word = &node->words[0];
    uint32_t docid = matcher_word_seek(word, target);
    if (node->query->fields == FIELD_MASK_ALL)
        return docid;
    while (docid != DOCID_END && (matcher_word_fields(word) & node->query->fields) == 0)
        docid = matcher_word_seek(word, docid + 1);
    return docid;
}

/* ---- phrases ---- */

/* Merges the numbers from `middle` on with those in front of it, both rising, each number once.
 * False: no memory. */
static bool merge_runs(struct numbers *numbers, size_t middle, struct numbers *scratch)
{
    size_t behind = numbers->count - middle;
    if (middle == 0 || behind == 0)
        return true;
    if (middle == behind &&
        memcmp(numbers->values, numbers->values + middle, middle * sizeof(*numbers->values)) == 0) {
        numbers->count = middle; /* a form that is all that there is of its stem */
        return true;
    }
    scratch->count = 0;
    uint32_t *out = numbers_reserve(scratch, numbers->count);
    if (out == NULL)
        return false;
    size_t a = 0;
    size_t b = middle;
    while (a < middle || b < numbers->count) {
        bool takes_a =
            b == numbers->count || (a < middle && numbers->values[a] <= numbers->values[b]);
        uint32_t value = numbers->values[takes_a ? a++ : b++];
        if (scratch->count == 0 || out[scratch->count - 1] != value)
            out[scratch->count++] = value;
    }
    struct numbers merged = *scratch;
    *scratch = *numbers;
    *numbers = merged;
    return true;
}

bool matcher_word_positions(const struct matcher_word *word, unsigned field, struct numbers *out,
                            struct numbers *scratch)
{
    out->count = 0;
    for (uint32_t i = 0; i < word->word->alternative_count; i++) {
        struct posting_cursor *cursor = word->cursors[i];
        if (cursor == NULL || cursor->docid != word->docid)
            continue;
        size_t middle = out->count;
        if (!posting_cursor_positions(cursor, (enum query_field)field, out) && !cursor->corrupt)
            return false;
        if (!merge_runs(out, middle, scratch))
            return false;
    }
    return true;
}

static void word_positions(struct matcher *matcher, struct matcher_word *word, unsigned field,
                           struct numbers *out)
{
    if (!matcher_word_positions(word, field, out, &matcher->merged))
        matcher->no_memory = true;
    limit_watch_stops(matcher->watch, 1 + (uint32_t)out->count / POSITIONS_A_STEP);
}

/* Whether there is anything to look for any more. */
static bool goes_on(const struct matcher *matcher)
{
    return !matcher->no_memory && matcher->watch->status == STATUS_OK;
}

/* From where a word stands to where the phrase begins. */
static void move_back(struct numbers *here, uint32_t offset)
{
    size_t kept = 0;
    for (size_t i = 0; i < here->count; i++) {
        if (here->values[i] >= offset)
            here->values[kept++] = here->values[i] - offset;
    }
    here->count = kept;
}

#define STRIDE 16

/* Keeps of `here` (where the phrase may begin) those that have a position of `next` so far behind.
 */
static void keep_followed(struct numbers *here, const struct numbers *next, uint32_t offset)
{
    size_t kept = 0;
    size_t p = 0;
    for (size_t s = 0; s < here->count; s++) {
        uint32_t wanted = here->values[s] + offset;
        while (p + STRIDE < next->count && next->values[p + STRIDE] < wanted)
            p += STRIDE;
        while (p < next->count && next->values[p] < wanted)
            p++;
        if (p == next->count)
            break;
        if (next->values[p] == wanted)
            here->values[kept++] = here->values[s];
    }
    here->count = kept;
}

/* Which word before it is the same one; its own number: none. */
static uint32_t find_same(const struct query_node *phrase, uint32_t word)
{
    const struct query_term *term = &phrase->words[word].alternatives[0];
    for (uint32_t i = word; i > 0; i--) {
        if (query_term_equal(&phrase->words[i - 1].alternatives[0], term))
            return i - 1;
    }
    return word;
}

static bool near_in_field(struct matcher *matcher, struct matcher_node *node, unsigned field)
{
    struct proximity_word words[QUERY_WORDS_MAX];
    uint32_t count = node->query->word_count;
    if (matcher->near == NULL)
        matcher->near = calloc(QUERY_WORDS_MAX, sizeof(*matcher->near));
    matcher->no_memory = matcher->no_memory || matcher->near == NULL;
    for (uint32_t i = 0; i < count && goes_on(matcher); i++) {
        struct numbers *positions = &matcher->near[i];
        word_positions(matcher, &node->words[i], field, positions);
        if (positions->count == 0)
            return false;
        words[i] = (struct proximity_word){.positions = positions->values,
                                           .count = positions->count,
                                           .offset = node->query->words[i].offset,
                                           .same = find_same(node->query, i)};
    }
    return goes_on(matcher) && proximity_matches(words, count, node->query->slop);
}

/* How often any of the word's alternatives stands in a field, at most. */
static uint32_t word_frequency(const struct matcher_word *word, unsigned field)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < word->word->alternative_count; i++) {
        struct posting_cursor *cursor = word->cursors[i];
        if (cursor == NULL || cursor->docid != word->docid)
            continue;
        uint32_t fields = posting_cursor_fields(cursor);
        uint32_t before = fields & ((1u << field) - 1);
        if ((fields & 1u << field) != 0)
            sum += posting_cursor_frequencies(cursor)[field_count(before)];
    }
    return sum;
}

/* Begins with the word that stands there least often: there are no more beginnings. */
static bool phrase_in_field(struct matcher *matcher, struct matcher_node *node, unsigned field)
{
    if (node->query->slop > 0)
        return near_in_field(matcher, node, field);
    const struct query_word *words = node->query->words;
    uint32_t rarest = 0;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < node->query->word_count; i++) {
        uint32_t frequency = word_frequency(&node->words[i], field);
        if (frequency < least) {
            least = frequency;
            rarest = i;
        }
    }
    word_positions(matcher, &node->words[rarest], field, &matcher->here);
    move_back(&matcher->here, words[rarest].offset);
    for (uint32_t i = 0; i < node->query->word_count && matcher->here.count > 0; i++) {
        if (!goes_on(matcher))
            return false;
        if (i == rarest)
            continue;
        word_positions(matcher, &node->words[i], field, &matcher->next);
        keep_followed(&matcher->here, &matcher->next, words[i].offset);
    }
    return matcher->here.count > 0;
}

bool matcher_phrase_matches(struct matcher *matcher, struct matcher_node *node)
{
    uint32_t fields = node->query->fields;
    if (limit_watch_stops(matcher->watch, PHRASE_STEPS))
        return false;
    for (uint32_t i = 0; i < node->query->word_count; i++)
        fields &= matcher_word_fields(&node->words[i]);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        if ((fields & 1u << field) != 0 && phrase_in_field(matcher, node, field))
            return true;
    }
    return false;
}

/* The first document not below the target that has every word. */
static uint32_t all_words_seek(struct matcher_node *node, uint32_t target)
{
    uint32_t i = 0;
    while (target != DOCID_END && i < node->query->word_count) {
        uint32_t docid = matcher_word_seek(&node->words[i], target);
        i = docid == target ? i + 1 : 0;
        target = docid;
    }
    return target;
}

static uint32_t phrase_seek(struct matcher *matcher, struct matcher_node *node, uint32_t target)
{
    uint32_t docid = all_words_seek(node, target);
    while (docid != DOCID_END && !matcher_phrase_matches(matcher, node)) {
        if (matcher->watch->status != STATUS_OK)
            return DOCID_END;
        docid = all_words_seek(node, docid + 1);
    }
    return docid;
}

/* ---- nodes ---- */

static uint32_t and_seek(struct matcher *matcher, struct matcher_node *node, uint32_t target)
{
    uint32_t i = 0;
    while (target != DOCID_END && i < node->query->child_count) {
        struct matcher_node *child = node->order[i];
        bool excludes = child->query->kind == QUERY_NOT;
        struct matcher_node *matched = excludes ? child->children[0] : child;
        uint32_t docid =
            matched->docid < target ? matcher_node_seek(matcher, matched, target) : matched->docid;
        if (excludes ? docid != target : docid == target) {
            i++;
            continue;
        }
        target = excludes ? target + 1 : docid;
        i = 0;
        if (limit_watch_stops(matcher->watch, 1))
            return DOCID_END;
    }
    return target;
}

static uint32_t or_seek(struct matcher *matcher, struct matcher_node *node, uint32_t target)
{
    uint32_t first = DOCID_END;
    for (uint32_t i = 0; i < node->query->child_count; i++) {
        struct matcher_node *child = node->children[i];
        if (child->docid < target)
            matcher_node_seek(matcher, child, target);
        first = child->docid < first ? child->docid : first;
    }
    return first;
}

uint32_t matcher_node_seek(struct matcher *matcher, struct matcher_node *node, uint32_t target)
{
    switch (node->query->kind) {
    case QUERY_TERM:
        node->docid = term_seek(node, target);
        break;
    case QUERY_PHRASE:
        node->docid = phrase_seek(matcher, node, target);
        break;
    case QUERY_AND:
        node->docid = and_seek(matcher, node, target);
        break;
    case QUERY_OR:
        node->docid = or_seek(matcher, node, target);
        break;
    case QUERY_PREFIX:
    case QUERY_DATES:
        node->docid = posting_union_seek(node->any, target);
        matcher->corrupt = matcher->corrupt || node->any->corrupt;
        break;
    case QUERY_SITE:
    case QUERY_LANGUAGE:
    case QUERY_TYPE:
        node->docid = node->key == NULL ? DOCID_END : posting_cursor_seek(node->key, target);
        break;
    case QUERY_NOT: /* asked through its child */
        break;
    }
    return node->docid;
}

uint32_t matcher_node_start(struct matcher *matcher, struct matcher_node *node)
{
    for (uint32_t i = 0; i < node->query->child_count; i++)
        matcher_node_start(matcher, node->children[i]);
    return matcher_node_seek(matcher, node, 0);
}

uint32_t matcher_seek(struct matcher *matcher, uint32_t target)
{
    if (limit_watch_stops(matcher->watch, DOCUMENT_STEPS))
        return matcher->root->docid = DOCID_END;
    return matcher_node_seek(matcher, matcher->root, target);
}

/* ---- opening ---- */

static void *matcher_alloc(struct matcher *matcher, size_t size)
{
    void *memory = arena_zalloc(matcher->arena, size);
    matcher->no_memory = matcher->no_memory || memory == NULL;
    return memory;
}

/* A cursor on a key's postings; NULL where the segment does not have it. */
static struct posting_cursor *open_cursor(struct matcher *matcher, const uint8_t *key,
                                          uint32_t size)
{
    struct dictionary_entry entry;
    enum status status = dictionary_find(matcher->segment, key, size, &entry);
    if (status == STATUS_CORRUPT)
        matcher->corrupt = true;
    if (status != STATUS_OK)
        return NULL;
    struct posting_cursor *cursor = arena_alloc(matcher->arena, sizeof(*cursor));
    if (cursor == NULL) {
        matcher->no_memory = true;
        return NULL;
    }
    posting_cursor_open(cursor, matcher->segment, entry.address, entry.document_count);
    matcher->cursors[matcher->cursor_count++] = cursor;
    return cursor;
}

/* Returns about how many documents have the word. */
static uint64_t open_word(struct matcher *matcher, struct matcher_word *word,
                          const struct query_word *query)
{
    uint64_t documents = 0;
    word->word = query;
    for (uint32_t i = 0; i < query->alternative_count; i++) {
        const struct query_term *term = &query->alternatives[i];
        word->cursors[i] = open_cursor(matcher, term->bytes, term->size);
        if (word->cursors[i] != NULL)
            documents += word->cursors[i]->document_count;
    }
    matcher_word_seek(word, 0);
    return documents;
}

static void open_words(struct matcher *matcher, struct matcher_node *node)
{
    uint32_t count = node->query->word_count;
    node->words = matcher_alloc(matcher, count * sizeof(*node->words));
    node->cost = UINT64_MAX;
    for (uint32_t i = 0; node->words != NULL && i < count; i++) {
        uint64_t documents = open_word(matcher, &node->words[i], &node->query->words[i]);
        node->cost = documents < node->cost ? documents : node->cost;
    }
}

static void open_key(struct matcher *matcher, struct matcher_node *node, uint8_t kind)
{
    uint8_t key[KEY_MAX];
    key[0] = kind;
    memcpy(key + 1, node->query->text.bytes, node->query->text.size);
    node->key = open_cursor(matcher, key, (uint32_t)node->query->text.size + 1);
    node->cost = node->key == NULL ? 0 : node->key->document_count;
}

static void open_union(struct matcher *matcher, struct matcher_node *node)
{
    const struct query_node *query = node->query;
    node->any = matcher_alloc(matcher, sizeof(*node->any));
    if (node->any == NULL)
        return;
    if (query->kind == QUERY_PREFIX)
        posting_union_open_prefix(node->any, matcher->segment, &query->words[0].alternatives[0],
                                  query->fields, matcher->watch, matcher->arena);
    else
        posting_union_open_dates(node->any, matcher->segment, query->day_begin, query->day_end,
                                 matcher->watch, matcher->arena);
    node->cost = node->any->document_count;
    matcher->is_cut = matcher->is_cut || node->any->is_cut;
    matcher->no_memory = matcher->no_memory || node->any->no_memory;
    matcher->corrupt = matcher->corrupt || node->any->corrupt;
}

static int compare_costs(const void *a_pointer, const void *b_pointer)
{
    const struct matcher_node *a = *(struct matcher_node *const *)a_pointer;
    const struct matcher_node *b = *(struct matcher_node *const *)b_pointer;
    bool a_excludes = a->query->kind == QUERY_NOT;
    bool b_excludes = b->query->kind == QUERY_NOT;
    if (a_excludes != b_excludes)
        return a_excludes ? 1 : -1;
    return (a->cost > b->cost) - (a->cost < b->cost);
}

static struct matcher_node *open_node(struct matcher *matcher, const struct query_node *query);

static void open_children(struct matcher *matcher, struct matcher_node *node)
{
    uint32_t count = node->query->child_count;
    bool is_or = node->query->kind == QUERY_OR;
    node->children = matcher_alloc(matcher, count * sizeof(struct matcher_node *));
    node->order = matcher_alloc(matcher, count * sizeof(struct matcher_node *));
    node->cost = is_or ? 0 : UINT64_MAX;
    for (uint32_t i = 0; !matcher->no_memory && i < count; i++) {
        struct matcher_node *child = open_node(matcher, node->query->children[i]);
        node->children[i] = node->order[i] = child;
        if (child == NULL)
            return;
        if (is_or)
            node->cost += child->cost;
        else if (child->cost < node->cost)
            node->cost = child->cost;
    }
    if (!matcher->no_memory)
        qsort(node->order, count, sizeof(node->order[0]), compare_costs);
}

static void open_kind(struct matcher *matcher, struct matcher_node *node)
{
    switch (node->query->kind) {
    case QUERY_TERM:
    case QUERY_PHRASE:
        open_words(matcher, node);
        break;
    case QUERY_PREFIX:
    case QUERY_DATES:
        open_union(matcher, node);
        break;
    case QUERY_SITE:
        open_key(matcher, node, KEY_SITE);
        break;
    case QUERY_LANGUAGE:
        open_key(matcher, node, KEY_LANGUAGE);
        break;
    case QUERY_TYPE:
        open_key(matcher, node, KEY_TYPE);
        break;
    case QUERY_AND:
    case QUERY_OR:
    case QUERY_NOT:
        open_children(matcher, node);
        break;
    }
}

static struct matcher_node *open_node(struct matcher *matcher, const struct query_node *query)
{
    struct matcher_node *node = matcher_alloc(matcher, sizeof(*node));
    if (node == NULL)
        return NULL;
    node->query = query;
    open_kind(matcher, node);
    if (query->kind == QUERY_NOT)
        node->cost = UINT64_MAX;
    return matcher->no_memory ? NULL : node;
}

enum status matcher_status(const struct matcher *matcher, struct error *err)
{
    bool corrupt = matcher->corrupt;
    for (uint32_t i = 0; i < matcher->cursor_count; i++)
        corrupt = corrupt || matcher->cursors[i]->corrupt;
    if (corrupt)
        return segment_corrupt(matcher->segment, err);
    return matcher->no_memory ? error_set(err, STATUS_NO_MEMORY, "query")
                              : limit_watch_status(matcher->watch, err);
}

enum status matcher_open(struct matcher *matcher, const struct segment *segment,
                         const struct query_node *query, struct limit_watch *watch,
                         struct arena *arena, struct error *err)
{
    *matcher = (struct matcher){.segment = segment, .arena = arena, .watch = watch};
    /* Words below exclusions have cursors, too; query_check() bounds all of them together. */
    matcher->cursors = matcher_alloc(matcher, (QUERY_TERMS_MAX + QUERY_WORDS_MAX) *
                                                  sizeof(struct posting_cursor *));
    if (!matcher->no_memory)
        matcher->root = open_node(matcher, query);
    return matcher_status(matcher, err);
}

void matcher_release(struct matcher *matcher)
{
    numbers_release(&matcher->here);
    numbers_release(&matcher->next);
    numbers_release(&matcher->merged);
    for (uint32_t i = 0; matcher->near != NULL && i < QUERY_WORDS_MAX; i++)
        numbers_release(&matcher->near[i]);
    free(matcher->near);
}
