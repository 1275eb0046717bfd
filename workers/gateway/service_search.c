#include "gateway/service.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "gateway/gateway_parts.h"
#include "gateway/query_wire.h"
#include "gateway/service_correct.h"
#include "gateway/service_parts.h"
#include "index/compound.h"
#include "index/query_languages.h"
#include "index/rerank.h"

enum {
    TERMS_PER_ASK = 64, /* of TERM_STATS */
    SNIPPET_BYTES = 300,
    /* Where fewer pages match, those with any of the words follow. Fewer than the window, so that
     * all that match are known. */
    RELAX_BELOW = 10,
    /* Statistics, and other spellings, may take this part of the time left: a shard that hangs
     * leaves the rest to the search, which does without what it would have said. */
    ASIDE_PART = 4,
    LANGUAGES_AGAIN_MS = 5000, /* after a shard did not answer */
};

/* The hits of all shards, in the order of results. */
struct merged {
    struct search_hit *hits;
    size_t count;
};

/* One search, from question to answer. All of it lies in the arena. */
struct searching {
    struct service *service;
    const struct search_question *question;
    struct arena *arena;
    const struct routing *routing;
    int64_t ends_ms;

    query_languages languages; /* whose stems are looked for */
    bool lacks_statistics;     /* some shard did not say its own: better ones may come soon */
    struct query query;
    struct query_node *relaxed; /* any of its words; NULL: that is no more, or not yet made */
    Wire__Node *node;           /* what is asked now */
    struct query_term terms[QUERY_TERMS_MAX];
    size_t term_count;

    /* what scores are reckoned with */
    struct cursor basis; /* its score and hash: where this page begins, when `has_after` */
    bool has_after;
    uint64_t frequencies[QUERY_TERMS_MAX];

    struct fanout_answer *answers; /* of SEARCH, by shard */
    uint64_t *positions;           /* of the shards that answered */
    bool is_unsettled;             /* one of them finds something else than its position says */
    int64_t asked_ms, heard_ms;    /* when the shards were asked, and had answered */
    struct merged matching;        /* pages that match, where others follow */
    enum cursor_part ends_in;      /* this page */
    bool is_relaxed;               /* what is asked now is any of the words */
    struct search_hit *page;       /* the hits of this page */
    unsigned page_count;
    struct cache_place place;
};

/* ---- statistics ---- */

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

static enum status find_frequencies(struct searching *search, const struct query_term *terms,
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

/* The languages of the corpus, asked once an epoch; without them words are looked for as typed and
 * by the stems of their scripts. */
static enum status find_languages(struct searching *search)
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

/* The statistics in force, or those of the cursor's first page. */
static enum status find_basis(struct searching *search, struct error *err)
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
    if (find_frequencies(search, search->terms, search->term_count, search->frequencies) !=
        STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    basis->document_frequencies = search->frequencies;
    basis->term_count = (uint32_t)search->term_count;
    return STATUS_OK;
}

/* ---- any of the words ---- */

/* As the cursor keeps them. */
static uint64_t pack_split(const struct compound_split *split)
{
    return (uint64_t)split->language << 16 | (uint64_t)split->at << 8 | split->word;
}

static struct compound_split unpack_split(uint64_t packed)
{
    return (struct compound_split){.word = packed & 0xff,
                                   .at = packed >> 8 & 0xff,
                                   .language = (enum text_language)(packed >> 16 & 0xff)};
}

/* Which words are read as two, by the statistics of now. */
static enum status choose_splits(struct searching *search)
{
    struct compounds *compounds;
    struct compound_corpus corpus = {search->languages,
                                     atomic_load(&search->service->gateway->compound_pages),
                                     search->frequencies};
    uint64_t frequencies[COMPOUND_TERMS_MAX];
    struct compound_split splits[QUERY_WORDS_MAX];
    uint64_t *packed = arena_alloc(search->arena, CURSOR_SPLITS_MAX * sizeof(*packed));
    if (packed == NULL ||
        compounds_find(search->service->analyzer, search->query.root, &corpus, search->arena,
                       &compounds, NULL) != STATUS_OK ||
        find_frequencies(search, compounds->terms, compounds->term_count, frequencies) != STATUS_OK)
        return STATUS_NO_MEMORY;
    size_t count = compounds_choose(compounds, frequencies, splits);
    for (size_t i = 0; i < count; i++)
        packed[i] = pack_split(&splits[i]);
    search->basis.splits = packed;
    search->basis.split_count = (uint32_t)count;
    return STATUS_OK;
}

/* Makes search->relaxed, with the words read as two that the cursor names. */
static void relax(struct searching *search)
{
    struct compound_split splits[CURSOR_SPLITS_MAX];
    for (uint32_t i = 0; i < search->basis.split_count; i++)
        splits[i] = unpack_split(search->basis.splits[i]);
    search->relaxed = compounds_relax(search->service->analyzer, search->query.root, splits,
                                      search->basis.split_count, search->arena);
    if (search->relaxed == search->query.root)
        search->relaxed = NULL;
}

/* ---- asking and merging ---- */

/* How many results are in front of this page. */
static uint32_t first_result(const struct searching *search)
{
    return search->has_after ? (uint32_t)search->basis.depth
                             : (search->question->page - 1) * search->question->size;
}

/* Whether this page continues the order of first scores: then shards can begin there. In the window
 * they cannot, which is that of all shards. */
static bool begins_behind_window(const struct searching *search)
{
    const struct cursor *basis = &search->basis;
    if (!search->has_after)
        return false;
    if (basis->part == CURSOR_ALONE)
        return basis->depth > ranking_default.window;
    /* Of the pages with any word, those that match were shown in front. */
    return search->is_relaxed && basis->part == CURSOR_ANY_WORD &&
           basis->depth > ranking_default.window + RELAX_BELOW;
}

static Wire__SearchRequest *make_request(struct searching *search)
{
    struct arena *arena = search->arena;
    Wire__SearchRequest *request = arena_alloc(arena, sizeof(*request));
    Wire__CorpusStats *corpus = arena_alloc(arena, sizeof(*corpus));
    Wire__TermStat *stats = arena_alloc(arena, search->term_count * sizeof(*stats) + 1);
    Wire__TermStat **list = arena_alloc(arena, search->term_count * sizeof(*list) + 1);
    if (request == NULL || corpus == NULL || stats == NULL || list == NULL)
        return NULL;
    wire__search_request__init(request);
    wire__corpus_stats__init(corpus);
    corpus->epoch = search->basis.epoch;
    corpus->documents = search->basis.documents;
    corpus->field_lengths = search->basis.field_lengths;
    corpus->n_field_lengths = ROUTING_FIELDS;
    for (size_t i = 0; i < search->term_count; i++) {
        wire__term_stat__init(&stats[i]);
        stats[i].term.data = (uint8_t *)search->terms[i].bytes;
        stats[i].term.len = search->terms[i].size;
        stats[i].documents = search->frequencies[i];
        list[i] = &stats[i];
    }
    request->query = search->node;
    bool is_behind = begins_behind_window(search);
    request->k = search->question->size;
    if (!is_behind)
        request->k += first_result(search);
    if (!is_behind && search->has_after) /* some may have come in front meanwhile */
        request->k += search->question->size;
    if (search->is_relaxed) /* those that match are left out */
        request->k += RELAX_BELOW;
    if (request->k > SEARCH_K_MAX)
        request->k = SEARCH_K_MAX;
    request->corpus = corpus;
    request->terms = list;
    request->n_terms = search->term_count;
    request->now_us = search->basis.now_us;
    request->include_private = search->question->is_admin;
    request->after_set = is_behind;
    request->after_score = search->basis.score;
    request->after_hash = search->basis.url_hash;
    return request;
}

static enum status ask_shards(struct searching *search, struct error *err)
{
    const struct routing *routing = search->routing;
    unsigned shards = routing->shard_count;
    Wire__SearchRequest *request = make_request(search);
    search->answers = arena_alloc(search->arena, shards * sizeof(*search->answers) + 1);
    if (search->positions == NULL)
        search->positions = arena_zalloc(search->arena, shards * sizeof(*search->positions) + 1);
    if (request == NULL || search->answers == NULL || search->positions == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    bool has_positions = search->has_after && search->basis.shard_count == shards;
    struct fanout_question question = {.method = WIRE__METHOD__SEARCH,
                                       .reply_descriptor = &wire__search_reply__descriptor,
                                       .request = &request->base,
                                       .positions = has_positions ? search->basis.positions : NULL,
                                       .timeout_ms = service_left_ms(search->ends_ms)};
    if (!search->is_relaxed)
        search->asked_ms = clock_boot_ms();
    if (fanout_ask(search->service->fanout, routing, &question, search->arena, search->answers) ==
        0)
        return service_no_answer(search->answers, shards, err);
    if (!search->is_relaxed)
        search->heard_ms = clock_boot_ms();
    for (unsigned i = 0; i < shards; i++) {
        const struct fanout_answer *answer = &search->answers[i];
        if (answer->status != STATUS_OK)
            continue;
        const Wire__SearchReply *reply = answer->reply;
        if (!search->is_relaxed) /* else what was heard first may be older */
            search->positions[i] = reply->position;
        search->is_unsettled |= reply->unsettled;
        gateway_count_barrel(search->service->gateway, answer->member, answer->us);
    }
    if (search->is_unsettled) /* which keeps this answer out of it, too */
        cache_empty(search->service->gateway->cache, search->heard_ms);
    return STATUS_OK;
}

static enum status gather(struct searching *search, struct merged *ret)
{
    size_t room = 1;
    *ret = (struct merged){0};
    for (unsigned i = 0; i < search->routing->shard_count; i++) {
        const Wire__SearchReply *reply = search->answers[i].reply;
        room += search->answers[i].status == STATUS_OK ? reply->n_hits : 0;
    }
    ret->hits = arena_alloc(search->arena, room * sizeof(*ret->hits));
    if (ret->hits == NULL)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < search->routing->shard_count; i++) {
        const Wire__SearchReply *reply = search->answers[i].reply;
        if (search->answers[i].status != STATUS_OK)
            continue;
        for (size_t h = 0; h < reply->n_hits; h++) {
            const Wire__Hit *hit = reply->hits[h];
            ret->hits[ret->count++] =
                (struct search_hit){hit->url_hash, hit->score, hit->first_score, i};
        }
    }
    rerank_order(ret->hits, ret->count, begins_behind_window(search) ? 0 : ranking_default.window);
    return STATUS_OK;
}

/* The first hit behind the last one shown. What was shown may be gone, and others come: it is found
 * by its score, not by its place. */
static size_t find_behind(const struct cursor *basis, const struct merged *merged)
{
    size_t at = 0;
    for (; at < merged->count; at++) {
        const struct search_hit *hit = &merged->hits[at];
        if (hit->score < basis->score ||
            (hit->score == basis->score && hit->url_hash > basis->url_hash))
            break;
    }
    return at;
}

/* Where the page begins in the list that the shards were asked for last. */
static size_t find_start(const struct searching *search, const struct merged *merged)
{
    bool is_elsewhere = search->is_relaxed && search->basis.part != CURSOR_ANY_WORD;
    if (!search->has_after)
        return first_result(search);
    if (begins_behind_window(search) || is_elsewhere)
        return 0;
    return find_behind(&search->basis, merged);
}

static void take_page(struct searching *search, const struct merged *merged, size_t at)
{
    for (; at < merged->count && search->page_count < search->question->size; at++)
        search->page[search->page_count++] = merged->hits[at];
}

/* Leaves out the hits that match. */
static void drop_matching(const struct searching *search, struct merged *merged)
{
    size_t kept = 0;
    for (size_t i = 0; i < merged->count; i++) {
        bool matches = false;
        for (size_t m = 0; m < search->matching.count; m++)
            matches = matches || search->matching.hits[m].url_hash == merged->hits[i].url_hash;
        if (!matches)
            merged->hits[kept++] = merged->hits[i];
    }
    merged->count = kept;
}

/* The page out of those that match and, behind them, those with any of the words. */
static void take_relaxed_page(struct searching *search, struct merged *merged)
{
    const struct merged *matching = &search->matching;
    size_t start = matching->count;
    drop_matching(search, merged);
    if (!search->has_after)
        start = first_result(search);
    else if (search->basis.part == CURSOR_ALL_WORDS)
        start = find_behind(&search->basis, matching);
    take_page(search, matching, start);
    search->ends_in =
        search->page_count == search->question->size ? CURSOR_ALL_WORDS : CURSOR_ANY_WORD;
    if (!search->has_after)
        start = start > matching->count ? start - matching->count : 0;
    else
        start = find_start(search, merged);
    take_page(search, merged, start);
}

/* Fills search->page with the hits of the page asked for. */
static enum status merge(struct searching *search, struct error *err)
{
    struct merged merged;
    search->page = arena_alloc(search->arena, search->question->size * sizeof(*search->page) + 1);
    if (search->page == NULL || gather(search, &merged) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    if (search->is_relaxed)
        take_relaxed_page(search, &merged);
    else
        take_page(search, &merged, find_start(search, &merged));
    return STATUS_OK;
}

static void add_totals(const struct searching *search, struct search_answer *answer)
{
    answer->total = 0;
    answer->shards_asked = answer->shards_answered = 0;
    for (unsigned i = 0; i < search->routing->shard_count; i++) {
        answer->shards_asked++;
        if (search->answers[i].status != STATUS_OK)
            continue;
        const Wire__SearchReply *reply = search->answers[i].reply;
        answer->shards_answered++;
        answer->total += reply->total;
        answer->total_is_lower_bound |= reply->total_is_lower_bound;
        answer->partial |= reply->rebuilding;
    }
    answer->partial |= answer->shards_answered < answer->shards_asked;
}

/* ---- titles and snippets ---- */

struct winners {
    const ProtobufCMessage **requests; /* by shard; NULL: none of its hits is shown */
    uint64_t *prefer;                  /* who found them */
    struct fanout_answer *answers;
};

static enum status fill_requests(struct searching *search, struct winners *winners)
{
    for (unsigned i = 0; i < search->page_count; i++) {
        unsigned shard = search->page[i].shard;
        Wire__DocumentsRequest *request = (Wire__DocumentsRequest *)winners->requests[shard];
        if (request == NULL) {
            request = arena_alloc(search->arena, sizeof(*request));
            uint64_t *hashes = arena_alloc(search->arena, search->page_count * sizeof(*hashes));
            if (request == NULL || hashes == NULL)
                return STATUS_NO_MEMORY;
            wire__documents_request__init(request);
            request->url_hashes = hashes;
            request->query = search->node;
            request->include_private = search->question->is_admin;
            request->snippet_bytes = SNIPPET_BYTES;
            winners->requests[shard] = &request->base;
            winners->prefer[shard] = search->answers[shard].member;
        }
        request->url_hashes[request->n_url_hashes++] = search->page[i].url_hash;
    }
    return STATUS_OK;
}

static enum status ask_documents(struct searching *search, struct winners *winners)
{
    struct arena *arena = search->arena;
    unsigned shards = search->routing->shard_count;
    winners->requests = arena_zalloc(arena, shards * sizeof(*winners->requests) + 1);
    winners->prefer = arena_zalloc(arena, shards * sizeof(*winners->prefer) + 1);
    winners->answers = arena_zalloc(arena, shards * sizeof(*winners->answers) + 1);
    if (winners->requests == NULL || winners->prefer == NULL || winners->answers == NULL ||
        fill_requests(search, winners) != STATUS_OK)
        return STATUS_NO_MEMORY;
    struct fanout_question question = {.method = WIRE__METHOD__DOCUMENTS,
                                       .reply_descriptor = &wire__documents_reply__descriptor,
                                       .requests = winners->requests,
                                       .prefer = winners->prefer,
                                       .timeout_ms = service_left_ms(search->ends_ms)};
    if (search->page_count > 0)
        fanout_ask(search->service->fanout, search->routing, &question, arena, winners->answers);
    return STATUS_OK;
}

/* Replies are in the order asked; the hash is compared all the same. */
static const Wire__Document *take_document(const struct winners *winners,
                                           const struct search_hit *found, unsigned *read)
{
    const struct fanout_answer *answer = &winners->answers[found->shard];
    const Wire__DocumentsReply *reply = answer->status == STATUS_OK ? answer->reply : NULL;
    if (reply == NULL || read[found->shard] >= reply->n_documents)
        return NULL;
    const Wire__Document *document = reply->documents[read[found->shard]++];
    return document->url_hash == found->url_hash ? document : NULL;
}

static enum status add_result(const struct searching *search, const Wire__Document *document,
                              double score, struct search_answer *answer)
{
    const char *snippet = service_snippet(document, search->arena);
    if (snippet == NULL)
        return STATUS_NO_MEMORY;
    answer->results[answer->result_count++] = (struct found_page){
        .url = document->url,
        .title = document->title[0] == '\0' ? document->url : document->title,
        .snippet = snippet,
        .score = score,
        .language = document->language,
        .inlinks = document->inlinks,
        .fetched_us = document->fetched_us,
    };
    return STATUS_OK;
}

/* Pages that went away meanwhile are left out; a shard that does not tell makes the answer
 * partial. */
static enum status fill_results(struct searching *search, struct search_answer *answer,
                                struct error *err)
{
    struct winners winners;
    unsigned *read = arena_zalloc(search->arena, search->routing->shard_count * sizeof(*read) + 1);
    answer->results = arena_alloc(search->arena, search->page_count * sizeof(*answer->results) + 1);
    if (read == NULL || answer->results == NULL || ask_documents(search, &winners) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    for (unsigned i = 0; i < search->page_count; i++) {
        const Wire__Document *document = take_document(&winners, &search->page[i], read);
        if (document == NULL)
            answer->partial = true;
        else if (document->found &&
                 add_result(search, document, search->page[i].score, answer) != STATUS_OK)
            return error_set(err, STATUS_NO_MEMORY, "search");
    }
    return STATUS_OK;
}

/* ---- the next page ---- */

static uint64_t query_hash(const struct query *query)
{
    return hash64(query->read_as, strlen(query->read_as));
}

static void note_place(struct searching *search, const struct search_answer *answer)
{
    struct cache_place *place = &search->place;
    uint64_t depth = search->has_after
                         ? search->basis.depth
                         : (uint64_t)(search->question->page - 1) * search->question->size;
    place->cursor = search->basis;
    place->cursor.query_hash = query_hash(&search->query);
    place->cursor.languages = search->languages;
    place->cursor.part = search->ends_in;
    place->cursor.depth = depth + search->page_count;
    place->cursor.positions = search->positions;
    place->cursor.shard_count = search->routing->shard_count;
    place->is_last = search->page_count < search->question->size ||
                     place->cursor.depth >= answer->total ||
                     place->cursor.depth + search->question->size > SEARCH_DEPTH_MAX;
    if (search->page_count > 0) {
        place->cursor.score = search->page[search->page_count - 1].score;
        place->cursor.url_hash = search->page[search->page_count - 1].url_hash;
    }
}

static enum status write_cursor(const struct searching *search, struct search_answer *answer,
                                struct error *err)
{
    answer->cursor = "";
    if (search->place.is_last)
        return STATUS_OK;
    struct cursor cursor = search->place.cursor;
    cursor.made_unix_s = clock_unix_s();
    answer->cursor = cursor_encode(gateway_key(search->service->gateway), &cursor, search->arena);
    return answer->cursor == NULL ? error_set(err, STATUS_NO_MEMORY, "search") : STATUS_OK;
}

static enum status read_cursor(struct searching *search, struct error *err)
{
    const char *text = search->question->cursor;
    if (text == NULL || text[0] == '\0')
        return STATUS_OK;
    enum status status = cursor_decode(gateway_key(search->service->gateway), text, clock_unix_s(),
                                       search->arena, &search->basis, err);
    search->has_after = status == STATUS_OK;
    search->languages = search->basis.languages;
    return status;
}

/* Whether the cursor's statistics are those of the query that it says. */
static bool is_cursors(struct searching *search)
{
    struct query_term terms[QUERY_TERMS_MAX];
    if (search->basis.query_hash != query_hash(&search->query))
        return false;
    if (search->basis.part == CURSOR_ALONE)
        return search->basis.term_count == search->term_count;
    relax(search);
    return search->relaxed != NULL &&
           search->basis.term_count == query_collect_terms(search->relaxed, terms);
}

static enum status check_cursor(struct searching *search, struct error *err)
{
    if (search->has_after && (search->query.root == NULL || !is_cursors(search)))
        return error_set(err, STATUS_INVALID, "the cursor belongs to another query");
    return STATUS_OK;
}

/* ---- the whole ---- */

static enum status check_depth(const struct searching *search, struct error *err)
{
    const struct search_question *question = search->question;
    if (question->page == 0 || question->size == 0 || question->size > SEARCH_SIZE_MAX)
        return error_set(err, STATUS_INVALID, "a page holds 1 to %d results, and pages begin at 1",
                         SEARCH_SIZE_MAX);
    uint64_t depth = search->has_after ? search->basis.depth + question->size
                                       : (uint64_t)question->page * question->size;
    if (depth > SEARCH_DEPTH_MAX)
        return error_set(err, STATUS_INVALID,
                         "only the first %d results can be seen: add a word to the query",
                         SEARCH_DEPTH_MAX);
    return STATUS_OK;
}

/* Reads the query and, where one was given, the cursor. */
static enum status understand(struct searching *search, struct search_answer *answer,
                              struct error *err)
{
    const struct search_question *question = search->question;
    answer->query = service_clean_text(question->query, QUERY_BYTES_MAX, search->arena);
    if (answer->query == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    struct text_slice typed = {answer->query, strlen(answer->query)};
    enum status status = read_cursor(search, err);
    if (status == STATUS_OK && !search->has_after && find_languages(search) != STATUS_OK)
        status = error_set(err, STATUS_NO_MEMORY, "search");
    if (status == STATUS_OK)
        status = query_parse(search->service->analyzer, typed, search->languages, search->arena,
                             &search->query, err);
    if (status != STATUS_OK)
        return status;
    search->term_count = query_collect_terms(search->query.root, search->terms);
    answer->read_as = search->query.read_as;
    answer->notes = arena_zalloc(search->arena, (QUERY_NOTES_MAX + 1) * sizeof(*answer->notes));
    answer->note_count = search->query.note_count;
    answer->page = question->page;
    answer->size = question->size;
    answer->cursor = "";
    if (answer->notes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    memcpy(answer->notes, search->query.notes, answer->note_count * sizeof(*answer->notes));
    status = check_cursor(search, err);
    return status == STATUS_OK ? check_depth(search, err) : status;
}

static struct cache_key cache_key_of(const struct searching *search)
{
    return (struct cache_key){.read_as = search->query.read_as,
                              .page = search->question->page,
                              .size = search->question->size,
                              .is_admin = search->question->is_admin};
}

static bool answer_from_cache(struct searching *search, struct search_answer *answer)
{
    struct cache *cache = search->service->gateway->cache;
    struct search_answer cached;
    struct cache_key key = cache_key_of(search);
    cache_see_routing(cache, search->routing);
    if (search->has_after ||
        !cache_get(cache, &key, clock_boot_ms(), search->arena, &cached, &search->place))
        return false;
    cached.query = answer->query;
    cached.read_as = answer->read_as;
    cached.notes = answer->notes;
    cached.note_count = answer->note_count;
    cached.from_cache = true;
    if (!service_may_correct(answer->query)) /* it may be read as one without quotation marks is */
        cached.did_you_mean = NULL;
    *answer = cached;
    return true;
}

/* Keeps the answer for the next one who asks the same, if it may be. */
static void remember(struct searching *search, const struct search_answer *answer)
{
    struct cache *cache = search->service->gateway->cache;
    struct cache_heard heard = {
        .positions = search->positions, .asked_ms = search->asked_ms, .heard_ms = search->heard_ms};
    struct cache_key key = cache_key_of(search);
    /* Without its quotation marks the same might have had another spelling proposed. */
    uint64_t matching = answer->is_relaxed ? answer->matching : answer->total;
    bool is_for_all = matching >= CORRECT_TOTAL_BELOW || service_may_correct(answer->query);
    if (!answer->partial && !search->has_after && !search->lacks_statistics && is_for_all)
        cache_put(cache, search->routing, &heard, &key, answer, &search->place);
}

/* Proposes another spelling on the first page. */
static void correct(struct searching *search, struct search_answer *answer)
{
    struct correct_question question = {.routing = search->routing,
                                        .query = &search->query,
                                        .languages = search->languages,
                                        .ends_ms = clock_boot_ms() +
                                                   service_left_ms(search->ends_ms) / ASIDE_PART,
                                        .is_admin = search->question->is_admin};
    if (search->question->page == 1 && !search->has_after)
        service_correct(search->service, &question, search->arena, answer);
}

/* Asks for the tree, and adds what was found. */
static enum status ask_for(struct searching *search, const struct query_node *root,
                           struct search_answer *answer, struct error *err)
{
    enum status status = query_to_wire(root, search->arena, &search->node, err);
    if (status == STATUS_OK)
        status = ask_shards(search, err);
    if (status == STATUS_OK)
        add_totals(search, answer);
    return status;
}

/* Whether pages with any of the words shall follow those that match: further pages of an answer do
 * as the first. */
static bool wants_more(const struct searching *search, const struct search_answer *answer)
{
    return search->has_after ? search->basis.part != CURSOR_ALONE : answer->total < RELAX_BELOW;
}

/* The terms of the relaxed query are those of the query, and perhaps others behind them. */
static enum status find_more_frequencies(struct searching *search)
{
    struct cursor *basis = &search->basis;
    size_t known = search->term_count;
    search->term_count = query_collect_terms(search->relaxed, search->terms);
    if (search->has_after)
        return STATUS_OK;
    basis->term_count = (uint32_t)search->term_count;
    return find_frequencies(search, search->terms + known, search->term_count - known,
                            search->frequencies + known);
}

/* Where any of the words is more than all of them. */
static enum status ask_for_more(struct searching *search, struct search_answer *answer,
                                struct error *err)
{
    enum status status = search->has_after ? STATUS_OK : choose_splits(search);
    if (status == STATUS_OK && search->relaxed == NULL)
        relax(search);
    if (status == STATUS_OK && search->relaxed == NULL)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = find_more_frequencies(search);
    if (status != STATUS_OK || gather(search, &search->matching) != STATUS_OK)
        return error_set(err, STATUS_NO_MEMORY, "search");
    answer->is_relaxed = search->is_relaxed = true;
    answer->matching = answer->total;
    return ask_for(search, search->relaxed, answer, err);
}

static enum status answer_from_shards(struct searching *search, struct search_answer *answer,
                                      struct error *err)
{
    if (search->routing->shard_count == 0)
        return error_set(err, STATUS_UNAVAILABLE, "there is no index yet");
    enum status status = find_basis(search, err);
    if (status == STATUS_OK)
        status = ask_for(search, search->query.root, answer, err);
    if (status == STATUS_OK)
        correct(search, answer); /* by what all words find */
    if (status == STATUS_OK && wants_more(search, answer))
        status = ask_for_more(search, answer, err);
    if (status == STATUS_OK)
        status = merge(search, err);
    if (status == STATUS_OK)
        status = fill_results(search, answer, err);
    if (status != STATUS_OK)
        return status;
    note_place(search, answer);
    remember(search, answer);
    return STATUS_OK;
}

/* Says that not all results have all words. */
static enum status note_relaxed(struct searching *search, struct search_answer *answer,
                                struct error *err)
{
    if (!answer->is_relaxed || answer->total <= answer->matching)
        return STATUS_OK;
    const char *note =
        answer->matching == 0 ? "No page has all of this: these have a part of it."
        : answer->matching == 1
            ? "Only one page has all of this; behind it come pages that have a part of it."
            : arena_format(
                  search->arena,
                  "Only %u pages have all of this; behind them come pages that have a part "
                  "of it.",
                  (unsigned)answer->matching);
    if (note == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    answer->notes[answer->note_count++] = note;
    return STATUS_OK;
}

static enum status answer_question(struct searching *search, struct search_answer *answer,
                                   struct error *err)
{
    enum status status = understand(search, answer, err);
    if (status != STATUS_OK || search->query.root == NULL)
        return status;
    if (!answer_from_cache(search, answer))
        status = answer_from_shards(search, answer, err);
    if (status == STATUS_OK)
        status = note_relaxed(search, answer, err);
    if (status == STATUS_OK)
        status = write_cursor(search, answer, err);
    if (status == STATUS_OK)
        gateway_count_search(search->service->gateway, search->query.read_as,
                             search->question->page == 1 && !search->has_after, answer->from_cache,
                             answer->partial);
    return status;
}

enum status service_search(struct service *service, const struct search_question *question,
                           struct arena *arena, struct search_answer *ret_answer, struct error *err)
{
    int64_t start_us = clock_boot_us();
    struct searching *search = arena_zalloc(arena, sizeof(*search));
    if (search == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    struct routing *routing = gateway_routing(service->gateway);
    search->service = service;
    search->question = question;
    search->arena = arena;
    search->routing = routing;
    search->ends_ms = service_ends_ms(service);
    struct search_answer answer = {0};
    enum status status = answer_question(search, &answer, err);
    routing_release(routing);
    if (status != STATUS_OK)
        return status;
    answer.took_us = clock_boot_us() - start_us;
    *ret_answer = answer;
    return STATUS_OK;
}

/* ---- for explanations ---- */

enum status service_find_window(struct service *service, const struct routing *routing,
                                const char *query, int64_t ends_ms, struct arena *arena,
                                struct service_window *ret_window, struct error *err)
{
    struct search_question question = {
        .query = query, .page = 1, .size = ranking_default.window, .is_admin = true};
    struct search_answer answer = {0};
    struct searching *search = arena_zalloc(arena, sizeof(*search));
    if (search == NULL)
        return error_set(err, STATUS_NO_MEMORY, "search");
    *search = (struct searching){.service = service,
                                 .question = &question,
                                 .arena = arena,
                                 .routing = routing,
                                 .ends_ms = ends_ms};
    enum status status = understand(search, &answer, err);
    struct service_window window = {.query_text = answer.query, .query = search->query};
    if (status == STATUS_OK && search->query.root != NULL) {
        status = query_to_wire(search->query.root, arena, &search->node, err);
        if (status == STATUS_OK)
            status = find_basis(search, err);
        if (status == STATUS_OK)
            status = ask_shards(search, err);
        if (status == STATUS_OK)
            status = merge(search, err);
        window.request = status == STATUS_OK ? make_request(search) : NULL;
        if (status == STATUS_OK && window.request == NULL)
            status = error_set(err, STATUS_NO_MEMORY, "search");
    }
    if (status != STATUS_OK)
        return status;
    window.hits = search->page;
    window.count = search->page_count;
    *ret_window = window;
    return STATUS_OK;
}
