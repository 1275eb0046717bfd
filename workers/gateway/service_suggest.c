#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/service_parts.h"
#include "index/query.h"

enum {
    TITLES_KEPT = 3,       /* of the suggestions, where there are that many */
    TITLE_BYTES_MAX = 120, /* what a title is cut to */
    TIMEOUT_MS = 1000,     /* later nobody wants them any more */
};

/* What the shards said, one list behind the other. */
struct gathered {
    Wire__SuggestedWord *words;
    size_t word_count;
    Wire__SuggestedTitle *titles;
    size_t title_count;
};

/* ---- merging ---- */

static int compare_bytes(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    size_t size = a->len < b->len ? a->len : b->len;
    int order = size == 0 ? 0 : memcmp(a->data, b->data, size);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* By term; of one term the shard's first that has the most documents: its spelling counts. */
static int compare_terms(const void *a_pointer, const void *b_pointer)
{
    const Wire__SuggestedWord *a = a_pointer;
    const Wire__SuggestedWord *b = b_pointer;
    int order = compare_bytes(&a->term, &b->term);
    if (order != 0)
        return order;
    if (a->documents != b->documents)
        return a->documents > b->documents ? -1 : 1;
    return strcmp(a->text, b->text);
}

static int compare_words(const void *a_pointer, const void *b_pointer)
{
    const Wire__SuggestedWord *a = a_pointer;
    const Wire__SuggestedWord *b = b_pointer;
    if (a->together != b->together)
        return a->together > b->together ? -1 : 1;
    if (a->documents != b->documents)
        return a->documents > b->documents ? -1 : 1;
    return compare_bytes(&a->term, &b->term);
}

static int compare_titles(const void *a_pointer, const void *b_pointer)
{
    const Wire__SuggestedTitle *a = a_pointer;
    const Wire__SuggestedTitle *b = b_pointer;
    if (a->begins != b->begins)
        return a->begins ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return strcmp(a->text, b->text);
}

static void merge(struct gathered *gathered)
{
    size_t count = 0;
    if (gathered->word_count > 0)
        qsort(gathered->words, gathered->word_count, sizeof(gathered->words[0]), compare_terms);
    for (size_t i = 0; i < gathered->word_count; i++) {
        Wire__SuggestedWord *word = &gathered->words[i];
        Wire__SuggestedWord *last = count == 0 ? NULL : &gathered->words[count - 1];
        if (last != NULL && compare_bytes(&last->term, &word->term) == 0) {
            last->documents += word->documents;
            last->together += word->together;
        } else {
            gathered->words[count++] = *word;
        }
    }
    gathered->word_count = count;
    if (count > 0)
        qsort(gathered->words, count, sizeof(gathered->words[0]), compare_words);
    if (gathered->title_count > 0)
        qsort(gathered->titles, gathered->title_count, sizeof(gathered->titles[0]), compare_titles);
}

static enum status gather(const struct fanout_answer *answers, unsigned shards, struct arena *arena,
                          struct gathered *gathered)
{
    size_t words = 0, titles = 0;
    for (unsigned i = 0; i < shards; i++) {
        const Wire__SuggestReply *reply = answers[i].status == STATUS_OK ? answers[i].reply : NULL;
        words += reply == NULL ? 0 : reply->n_words;
        titles += reply == NULL ? 0 : reply->n_titles;
    }
    gathered->words = arena_alloc(arena, (words + 1) * sizeof(gathered->words[0]));
    gathered->titles = arena_alloc(arena, (titles + 1) * sizeof(gathered->titles[0]));
    if (gathered->words == NULL || gathered->titles == NULL)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < shards; i++) {
        const Wire__SuggestReply *reply = answers[i].status == STATUS_OK ? answers[i].reply : NULL;
        for (size_t w = 0; reply != NULL && w < reply->n_words; w++)
            gathered->words[gathered->word_count++] = *reply->words[w];
        for (size_t t = 0; reply != NULL && t < reply->n_titles; t++)
            gathered->titles[gathered->title_count++] = *reply->titles[t];
    }
    return STATUS_OK;
}

/* ---- choosing ---- */

/* Adds one, while there are fewer than `count_max`: none twice, and not what was typed. Of two that
 * differ in case the second stays: titles come last, and have theirs from people. */
static enum status add(struct suggest_answer *answer, const char *text, size_t bytes_max,
                       unsigned count_max, struct arena *arena)
{
    const char *clean = service_clean_text(text, bytes_max, arena);
    if (clean == NULL)
        return STATUS_NO_MEMORY;
    if (clean[0] == '\0' || strcasecmp(clean, answer->query) == 0)
        return STATUS_OK;
    unsigned at = 0;
    while (at < answer->count && strcasecmp(answer->suggestions[at], clean) != 0)
        at++;
    if (at < answer->count)
        answer->suggestions[at] = clean;
    else if (at < count_max)
        answer->suggestions[answer->count++] = clean;
    return STATUS_OK;
}

/* Words first, then titles, and behind those the words that they have left room for. */
static enum status choose(const struct gathered *gathered, struct arena *arena,
                          struct suggest_answer *answer)
{
    size_t titles = gathered->title_count < TITLES_KEPT ? gathered->title_count : TITLES_KEPT;
    unsigned words_max = SUGGESTIONS_MAX - (unsigned)titles;
    enum status status = STATUS_OK;
    answer->suggestions = arena_alloc(arena, SUGGESTIONS_MAX * sizeof(*answer->suggestions));
    if (answer->suggestions == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < gathered->word_count; i++)
        status = add(answer, gathered->words[i].text, QUERY_BYTES_MAX, words_max, arena);
    for (size_t i = 0; status == STATUS_OK && i < gathered->title_count; i++)
        status = add(answer, gathered->titles[i].text, TITLE_BYTES_MAX, SUGGESTIONS_MAX, arena);
    return status;
}

enum status service_suggest(struct service *service, const char *query, bool is_admin,
                            struct arena *arena, struct suggest_answer *ret_answer,
                            struct error *err)
{
    struct suggest_answer answer = {.query = service_clean_text(query, QUERY_BYTES_MAX, arena)};
    struct gathered gathered = {0};
    struct routing *routing = gateway_routing(service->gateway);
    unsigned shards = routing->shard_count;
    struct fanout_answer *answers = arena_zalloc(arena, shards * sizeof(*answers) + 1);
    enum status status = STATUS_OK;
    if (answer.query == NULL || answers == NULL) {
        routing_release(routing);
        return error_set(err, STATUS_NO_MEMORY, "suggestions");
    }
    Wire__SuggestRequest request = WIRE__SUGGEST_REQUEST__INIT;
    request.typed = (char *)answer.query;
    request.include_private = is_admin;
    uint32_t left_ms = service_left_ms(service_ends_ms(service));
    struct fanout_question question = {.method = WIRE__METHOD__SUGGEST,
                                       .reply_descriptor = &wire__suggest_reply__descriptor,
                                       .request = &request.base,
                                       .timeout_ms = left_ms < TIMEOUT_MS ? left_ms : TIMEOUT_MS};
    if (answer.query[0] != '\0' &&
        fanout_ask(service->fanout, routing, &question, arena, answers) == 0)
        status = service_no_answer(answers, shards, err);
    if (status == STATUS_OK) {
        status = gather(answers, shards, arena, &gathered);
        merge(&gathered);
    }
    if (status == STATUS_OK)
        status = choose(&gathered, arena, &answer);
    routing_release(routing);
    if (status == STATUS_OK)
        *ret_answer = answer;
    return status;
}
