/* What scores are reckoned with: how many documents there are, and how many have each term. */
#include <string.h>

#include "base/clock.h"
#include "gateway/gateway_parts.h"
#include "gateway/service_search_parts.h"
#include "index/compound.h"
#include "index/query_languages.h"

enum {
    TERMS_PER_ASK = 64,        /* of TERM_STATS */
    LANGUAGES_AGAIN_MS = 5000, /* after a shard did not answer */
};

/* Asks all shards about `count` of the terms, by their numbers; `*ret_whole`: all of them answered
 * for all of their documents. */
static enum status ask_terms(struct searching *search, const struct query_term *terms,
                             const size_t *missing, size_t count, uint64_t *ret_frequencies,
                             bool *ret_whole)
{
    struct arena *arena = search->arena;
    unsigned shards = search->routing->shard_count;
    Wire__TermStatsRequest request = WIRE__TERM_STATS_REQUEST__INIT;
    request.terms = arena_alloc(arena, count * sizeof(*request.terms));
    struct fanout_answer *answers = arena_alloc(arena, shards * sizeof(*answers) + 1);
    struct term_word *words = arena_alloc(arena, shards * sizeof(*words) + 1);
    if (request.terms == NULL || answers == NULL || words == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct query_term *term = &terms[missing[i]];
        request.terms[request.n_terms++] =
            (ProtobufCBinaryData){.len = term->size, .data = (uint8_t *)term->bytes};
    }
    struct fanout_question question = {.method = WIRE__METHOD__TERM_STATS,
                                       .reply_descriptor = &wire__term_stats_reply__descriptor,
                                       .request = &request.base,
                                       .timeout_ms =
                                           1 + service_left_ms(search->ends_ms) / ASIDE_PART};
    *ret_whole =
        fanout_ask(search->service->fanout, search->routing, &question, arena, answers) == shards;
    for (size_t i = 0; i < count; i++) {
        for (unsigned shard = 0; shard < shards; shard++) {
            const Wire__TermStatsReply *reply = answers[shard].reply;
            bool said = answers[shard].status == STATUS_OK && reply->n_documents == count;
            words[shard] =
                (struct term_word){.documents = said ? reply->documents[i] : TERM_UNKNOWN,
                                   .is_part = said && reply->rebuilding};
            *ret_whole &= said && !reply->rebuilding;
        }
        ret_frequencies[missing[i]] = term_table_put(search->service->gateway->terms,
                                                     search->routing, &terms[missing[i]], words);
    }
    return STATUS_OK;
}

enum status searching_find_frequencies(struct searching *search, const struct query_term *terms,
                                       size_t term_count, uint64_t *ret_frequencies)
{
    size_t missing[TERMS_PER_ASK], count = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < term_count && status == STATUS_OK; i++) {
        bool is_whole = true;
        if (!term_table_get(search->service->gateway->terms, search->routing, &terms[i],
                            &ret_frequencies[i]))
            missing[count++] = i;
        if (count == TERMS_PER_ASK || (count > 0 && i + 1 == term_count)) {
            status = ask_terms(search, terms, missing, count, ret_frequencies, &is_whole);
            count = 0;
        }
        search->lacks_statistics |= !is_whole;
    }
    return status;
}

enum status searching_find_languages(struct searching *search)
{
    struct gateway *gateway = search->service->gateway;
    struct query_term terms[QUERY_LANGUAGE_TERMS_MAX];
    size_t numbers[QUERY_LANGUAGE_TERMS_MAX];
    uint64_t frequencies[QUERY_LANGUAGE_TERMS_MAX];
    uint64_t epoch = search->routing->corpus.epoch + 1;
    bool is_whole = false;
    if (search->routing->shard_count == 0)
        return STATUS_OK;
    if (atomic_load(&gateway->languages_epoch) == epoch ||
        clock_boot_ms() < atomic_load(&gateway->languages_again_ms)) {
        search->lacks_statistics |= atomic_load(&gateway->languages_epoch) != epoch;
        search->languages = atomic_load(&gateway->languages);
        return STATUS_OK;
    }
    size_t count = query_language_terms(terms);
    for (size_t i = 0; i < count; i++)
        numbers[i] = i;
    enum status status = ask_terms(search, terms, numbers, count, frequencies, &is_whole);
    if (status != STATUS_OK)
        return status;
    search->languages = query_languages_choose(frequencies);
    atomic_store(&gateway->languages, search->languages);
    atomic_store(&gateway->compound_pages,
                 compounds_pages(frequencies, search->routing->corpus.documents));
    search->lacks_statistics |= !is_whole;
    if (is_whole)
        atomic_store(&gateway->languages_epoch, epoch);
    else
        atomic_store(&gateway->languages_again_ms, clock_boot_ms() + LANGUAGES_AGAIN_MS);
    return STATUS_OK;
}

enum status searching_find_basis(struct searching *search, struct error *err)
{
    struct cursor *basis = &search->basis;
    if (search->has_after) {
        memcpy(search->frequencies, basis->document_frequencies,
               basis->term_count * sizeof(search->frequencies[0]));
        return STATUS_OK;
    }
    const struct routing *routing = search->routing;
    basis->epoch = routing->corpus.epoch;
    basis->documents = routing->corpus.documents;
    memcpy(basis->field_lengths, routing->corpus.field_lengths, sizeof(basis->field_lengths));
    basis->now_us = clock_unix_us();
    if (searching_find_frequencies(search, search->terms, search->term_count,
                                   search->frequencies) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    basis->document_frequencies = search->frequencies;
    basis->term_count = (uint32_t)search->term_count;
    return STATUS_OK;
}
