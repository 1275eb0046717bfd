#include "gateway/service_correct.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/query_wire.h"
#include "gateway/service_parts.h"
#include "index/correct.h"

enum {
    TRIES_MAX = 4,       /* other queries that are counted */
    TIMES_COMMONER = 20, /* than the word itself another must be */
    CANDIDATES_KEPT = 3,
};

/* A word of the query that may be mistyped. */
struct suspect {
    struct query_term term; /* exact form */
    uint64_t documents;     /* that write it */
    struct correction_candidate candidates[CANDIDATES_KEPT];
    size_t candidate_count;
};

struct correcting {
    struct service *service;
    const struct correct_question *question;
    struct arena *arena;
    const char *typed; /* in its normal form: equal queries get equal proposals */
    struct suspect suspects[CORRECT_WORDS_MAX];
    size_t suspect_count;
};

/* ---- which words ---- */

static bool is_suspect(const struct correcting *self, const struct query_term *term)
{
    for (size_t i = 0; i < self->suspect_count; i++) {
        if (query_term_equal(&self->suspects[i].term, term))
            return true;
    }
    return false;
}

/* The words that all or any of must match, apart from phrases and exclusions. */
static void collect(struct correcting *self, const struct query_node *node)
{
    if (node->kind == QUERY_AND || node->kind == QUERY_OR) {
        for (uint32_t i = 0; i < node->child_count; i++)
            collect(self, node->children[i]);
    } else if (node->kind == QUERY_TERM && self->suspect_count < CORRECT_WORDS_MAX) {
        const struct query_term *term = &node->words[0].alternatives[0];
        if (!is_suspect(self, term))
            self->suspects[self->suspect_count++] = (struct suspect){.term = *term};
    }
}

static void acquit(struct correcting *self, const struct query_term *term)
{
    for (size_t i = 0; i < self->suspect_count; i++) {
        if (query_term_equal(&self->suspects[i].term, term))
            self->suspects[i--] = self->suspects[--self->suspect_count];
    }
}

/* Words that stand in a phrase or an exclusion, too, stay as they are. */
static void acquit_others(struct correcting *self, const struct query_node *node, bool is_excluded)
{
    is_excluded = is_excluded || node->kind == QUERY_NOT;
    if (node->kind == QUERY_PHRASE || is_excluded) {
        for (uint32_t i = 0; i < node->word_count; i++) {
            for (uint32_t a = 0; a < node->words[i].alternative_count; a++)
                acquit(self, &node->words[i].alternatives[a]);
        }
    }
    for (uint32_t i = 0; i < node->child_count; i++)
        acquit_others(self, node->children[i], is_excluded);
}

/* ---- what they may stand for ---- */

static bool is_same(struct text_slice a, const ProtobufCBinaryData *b)
{
    return a.size == b->len && (b->len == 0 || memcmp(a.bytes, b->data, b->len) == 0);
}

/* Adds up what the shards said of one word. `all` has room for CORRECT_CANDIDATES_MAX of each; more
 * that one names are left out. */
static size_t sum_candidates(const struct fanout_answer *answers, unsigned shards, size_t word,
                             struct suspect *suspect, struct correction_candidate *all)
{
    size_t count = 0;
    for (unsigned shard = 0; shard < shards; shard++) {
        const Wire__CorrectReply *reply = answers[shard].reply;
        if (answers[shard].status != STATUS_OK || word >= reply->n_corrections)
            continue;
        const Wire__Correction *correction = reply->corrections[word];
        suspect->documents += correction->documents;
        for (size_t i = 0; i < correction->n_candidates && i < CORRECT_CANDIDATES_MAX; i++) {
            const Wire__CorrectionCandidate *from = correction->candidates[i];
            size_t at = 0;
            while (at < count && !is_same(all[at].term, &from->term))
                at++;
            if (at == count)
                all[count++] = (struct correction_candidate){
                    .term = {(const char *)from->term.data, from->term.len},
                    .text = {from->text, strlen(from->text)},
                    .distance = from->distance};
            all[at].documents += from->documents;
        }
    }
    return count;
}

static bool is_likelier(struct text_slice word, const struct correction_candidate *a,
                        const struct correction_candidate *b)
{
    uint64_t first = correction_likelihood(word, a);
    uint64_t second = correction_likelihood(word, b);
    if (first != second)
        return first > second;
    size_t size = a->term.size < b->term.size ? a->term.size : b->term.size;
    int order = memcmp(a->term.bytes, b->term.bytes, size);
    return order != 0 ? order < 0 : a->term.size < b->term.size;
}

/* Keeps the likeliest of those that are much commoner than the word. */
static void keep_likeliest(struct suspect *suspect, const struct correction_candidate *all,
                           size_t count)
{
    struct text_slice word = {(const char *)suspect->term.bytes, suspect->term.size};
    for (size_t i = 0; i < count; i++) {
        if (all[i].documents <= suspect->documents * TIMES_COMMONER)
            continue;
        size_t at = suspect->candidate_count;
        if (at == CANDIDATES_KEPT) {
            if (!is_likelier(word, &all[i], &suspect->candidates[at - 1]))
                continue;
            at--;
        } else {
            suspect->candidate_count++;
        }
        for (; at > 0 && is_likelier(word, &all[i], &suspect->candidates[at - 1]); at--)
            suspect->candidates[at] = suspect->candidates[at - 1];
        suspect->candidates[at] = all[i];
    }
}

static bool is_part(const void *reply)
{
    return ((const Wire__CorrectReply *)reply)->rebuilding;
}

/* Asks all shards. False: there is nothing to go on. */
static bool find_candidates(struct correcting *self)
{
    const struct routing *routing = self->question->routing;
    unsigned shards = routing->shard_count;
    Wire__CorrectRequest request = WIRE__CORRECT_REQUEST__INIT;
    ProtobufCBinaryData words[CORRECT_WORDS_MAX];
    struct fanout_answer *answers = arena_alloc(self->arena, shards * sizeof(*answers) + 1);
    struct correction_candidate *all =
        arena_alloc(self->arena, shards * CORRECT_CANDIDATES_MAX * sizeof(*all) + 1);
    if (answers == NULL || all == NULL)
        return false;
    for (size_t i = 0; i < self->suspect_count; i++)
        words[i] = (ProtobufCBinaryData){.len = self->suspects[i].term.size,
                                         .data = (uint8_t *)self->suspects[i].term.bytes};
    request.words = words;
    request.n_words = self->suspect_count;
    request.include_private = self->question->is_admin;
    struct fanout_question question = {.method = WIRE__METHOD__CORRECT,
                                       .reply_descriptor = &wire__correct_reply__descriptor,
                                       .is_part = is_part,
                                       .request = &request.base,
                                       .timeout_ms = service_left_ms(self->question->ends_ms)};
    if (fanout_ask(self->service->fanout, routing, &question, self->arena, answers) < shards)
        return false; /* what some do not know may be common in others */
    for (unsigned i = 0; i < shards; i++) {
        if (!answers[i].is_whole)
            return false;
    }
    bool found = false;
    for (size_t i = 0; i < self->suspect_count; i++) {
        size_t count = sum_candidates(answers, shards, i, &self->suspects[i], all);
        keep_likeliest(&self->suspects[i], all, count);
        found = found || self->suspects[i].candidate_count > 0;
    }
    return found;
}

/* ---- other queries ---- */

/* Whether what stands at `start` belongs to an operator or a URL: the run of characters around it
 * has a colon, or begins with a minus. */
static bool is_operated(const char *typed, size_t start)
{
    size_t from = start;
    while (from > 0 && typed[from - 1] != ' ')
        from--;
    size_t size = strcspn(typed + from, " ");
    return typed[from] == '-' || memchr(typed + from, ':', size) != NULL;
}

/* What takes a token's place; NULL: it stays. `chosen`: a candidate for each suspect; -1: none. */
static const struct correction_candidate *
replacement(const struct correcting *self, const int *chosen, const struct text_token *token)
{
    const uint8_t *exact = token->exact_size > 0 ? token->exact : token->term;
    uint32_t size = token->exact_size > 0 ? token->exact_size : token->term_size;
    for (size_t i = 0; !token->pair && i < self->suspect_count; i++) {
        if (chosen[i] >= 0 && query_term_is(&self->suspects[i].term, exact, size))
            return is_operated(self->typed, token->start)
                       ? NULL
                       : &self->suspects[i].candidates[chosen[i]];
    }
    return NULL;
}

/* The query, with the chosen words in their places; NULL: no memory. */
static const char *rewrite(struct correcting *self, const int *chosen)
{
    struct buffer text = {0};
    struct text_token token;
    size_t at = 0;
    struct text_slice typed = {self->typed, strlen(self->typed)};
    text_analyzer_begin(self->service->analyzer, typed, TEXT_LANGUAGE_UNKNOWN);
    while (text_analyzer_next(self->service->analyzer, &token)) {
        const struct correction_candidate *candidate = replacement(self, chosen, &token);
        if (candidate == NULL)
            continue;
        buffer_append(&text, typed.bytes + at, token.start - at);
        buffer_append(&text, candidate->text.bytes, candidate->text.size);
        at = token.end;
    }
    buffer_append(&text, typed.bytes + at, typed.size - at);
    bool is_good = !text.failed && text.size <= QUERY_BYTES_MAX;
    const char *copy =
        is_good ? arena_string_of(self->arena, (const char *)text.data, text.size) : NULL;
    buffer_release(&text);
    return copy;
}

/* How many documents a query finds; 0 where not every shard says it of all it has. */
static uint64_t count(struct correcting *self, const char *typed)
{
    const struct routing *routing = self->question->routing;
    unsigned shards = routing->shard_count;
    struct query query;
    Wire__SearchRequest request = WIRE__SEARCH_REQUEST__INIT;
    struct fanout_answer *answers = arena_alloc(self->arena, shards * sizeof(*answers) + 1);
    if (answers == NULL ||
        query_parse(self->service->analyzer, (struct text_slice){typed, strlen(typed)},
                    self->question->languages, self->arena, &query, NULL) != STATUS_OK ||
        query_to_wire(query.root, self->arena, &request.query, NULL) != STATUS_OK)
        return 0;
    request.include_private = self->question->is_admin; /* and k is 0: only to count */
    struct fanout_question question = {.method = WIRE__METHOD__SEARCH,
                                       .reply_descriptor = &wire__search_reply__descriptor,
                                       .request = &request.base,
                                       .timeout_ms = service_left_ms(self->question->ends_ms)};
    if (fanout_ask(self->service->fanout, routing, &question, self->arena, answers) < shards)
        return 0;
    uint64_t total = 0;
    for (unsigned i = 0; i < shards; i++) {
        const Wire__SearchReply *reply = answers[i].reply;
        if (reply->rebuilding)
            return 0;
        total += reply->total;
    }
    return total;
}

/* True: it is proposed. */
static bool try(struct correcting *self, const int *chosen, struct search_answer *answer)
{
    const char *query = rewrite(self, chosen);
    if (query == NULL || strcmp(query, self->typed) == 0)
        return false;
    uint64_t total = count(self, query);
    if (total <= answer->total * CORRECT_TIMES_MORE)
        return false;
    answer->did_you_mean = query;
    answer->did_you_mean_total = total;
    return true;
}

/* All words replaced by the likeliest; then each by itself, the likeliest first. */
static void try_all(struct correcting *self, struct search_answer *answer)
{
    int chosen[CORRECT_WORDS_MAX];
    size_t with_candidates = 0;
    unsigned tries = 0;
    for (size_t i = 0; i < self->suspect_count; i++) {
        chosen[i] = self->suspects[i].candidate_count > 0 ? 0 : -1;
        with_candidates += self->suspects[i].candidate_count > 0;
    }
    if (with_candidates > 1 && (tries++, try(self, chosen, answer)))
        return;
    for (int candidate = 0; candidate < CANDIDATES_KEPT; candidate++) {
        for (size_t i = 0; i < self->suspect_count; i++) {
            for (size_t other = 0; other < self->suspect_count; other++)
                chosen[other] = -1;
            if ((size_t)candidate >= self->suspects[i].candidate_count)
                continue;
            chosen[i] = candidate;
            if (tries++ == TRIES_MAX || try(self, chosen, answer))
                return;
        }
    }
}

bool service_may_correct(const char *typed)
{
    if (strchr(typed, '"') != NULL)
        return false;
    for (const char *at = typed; (at = strstr(at, "\xe2\x80")) != NULL; at += 2) {
        unsigned char last = (unsigned char)at[2];
        if (last >= 0x9c && last <= 0x9f)
            return false;
    }
    return true;
}

void service_correct(struct service *service, const struct correct_question *question,
                     struct arena *arena, struct search_answer *answer)
{
    const struct query_node *root = question->query->root;
    if (root == NULL || answer->partial || answer->total_is_lower_bound ||
        answer->total >= CORRECT_TOTAL_BELOW || !service_may_correct(answer->query))
        return;
    struct correcting *self = arena_zalloc(arena, sizeof(*self));
    if (self == NULL)
        return;
    self->service = service;
    self->question = question;
    self->arena = arena;
    self->typed = answer->read_as;
    collect(self, root);
    acquit_others(self, root, false);
    if (self->suspect_count > 0 && find_candidates(self))
        try_all(self, answer);
}
