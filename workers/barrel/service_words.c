#include "barrel/service_words.h"

#include <string.h>

#include "barrel/call_limit.h"
#include "index/correct.h"
#include "index/suggest.h"
#include "wire.pb-c.h"

static ProtobufCBinaryData bytes_of(struct text_slice text)
{
    return (ProtobufCBinaryData){.len = text.size, .data = (uint8_t *)text.bytes};
}

static char *string_of(struct text_slice text, struct arena *arena)
{
    return arena_string_of(arena, text.bytes, text.size);
}

/* ---- SUGGEST ---- */

static bool put_words(const struct suggestions *from, struct arena *arena,
                      Wire__SuggestReply *reply)
{
    Wire__SuggestedWord *words = arena_alloc(arena, (from->word_count + 1) * sizeof(*words));
    reply->words = arena_alloc(arena, (from->word_count + 1) * sizeof(*reply->words));
    if (words == NULL || reply->words == NULL)
        return false;
    for (size_t i = 0; i < from->word_count; i++) {
        wire__suggested_word__init(&words[i]);
        words[i].term = bytes_of(from->words[i].term);
        words[i].text = string_of(from->words[i].text, arena);
        words[i].documents = from->words[i].documents;
        words[i].together = from->words[i].together;
        if (words[i].text == NULL)
            return false;
        reply->words[reply->n_words++] = &words[i];
    }
    return true;
}

static bool put_titles(const struct suggestions *from, struct arena *arena,
                       Wire__SuggestReply *reply)
{
    Wire__SuggestedTitle *titles = arena_alloc(arena, (from->title_count + 1) * sizeof(*titles));
    reply->titles = arena_alloc(arena, (from->title_count + 1) * sizeof(*reply->titles));
    if (titles == NULL || reply->titles == NULL)
        return false;
    for (size_t i = 0; i < from->title_count; i++) {
        wire__suggested_title__init(&titles[i]);
        titles[i].text = string_of(from->titles[i].text, arena);
        titles[i].begins = from->titles[i].begins;
        titles[i].score = from->titles[i].score;
        if (titles[i].text == NULL)
            return false;
        reply->titles[reply->n_titles++] = &titles[i];
    }
    return true;
}

void answer_suggest(struct rpc_call *call, struct index *index, struct text_analyzer *analyzer)
{
    struct error err = {0};
    struct suggestions suggestions;
    struct arena *arena = rpc_call_arena(call);
    Wire__SuggestReply reply = WIRE__SUGGEST_REPLY__INIT;
    Wire__SuggestRequest *request = rpc_call_request(call, &wire__suggest_request__descriptor);
    if (request == NULL)
        return;
    struct text_slice typed = {request->typed, strlen(request->typed)};
    struct search_limit limit = call_limit(call);
    enum status status = index_suggest(index, analyzer, typed, request->include_private, &limit,
                                       arena, &suggestions, &err);
    if (status == STATUS_OK &&
        (!put_words(&suggestions, arena, &reply) || !put_titles(&suggestions, arena, &reply)))
        status = error_set(&err, STATUS_NO_MEMORY, "no memory for suggestions");
    if (status != STATUS_OK)
        rpc_call_fail(call, status, "%s", err.text);
    else
        rpc_call_reply(call, &reply.base);
}

/* ---- CORRECT ---- */

static bool put_candidates(const struct correction *from, struct arena *arena,
                           Wire__Correction *correction)
{
    size_t count = from->candidate_count;
    Wire__CorrectionCandidate *candidates = arena_alloc(arena, (count + 1) * sizeof(*candidates));
    correction->candidates = arena_alloc(arena, (count + 1) * sizeof(*correction->candidates));
    if (candidates == NULL || correction->candidates == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        wire__correction_candidate__init(&candidates[i]);
        candidates[i].term = bytes_of(from->candidates[i].term);
        candidates[i].text = string_of(from->candidates[i].text, arena);
        candidates[i].documents = from->candidates[i].documents;
        candidates[i].distance = from->candidates[i].distance;
        if (candidates[i].text == NULL)
            return false;
        correction->candidates[correction->n_candidates++] = &candidates[i];
    }
    return true;
}

static bool put_corrections(const struct correction *from, size_t count, struct arena *arena,
                            Wire__CorrectReply *reply)
{
    Wire__Correction *corrections = arena_alloc(arena, (count + 1) * sizeof(*corrections));
    reply->corrections = arena_alloc(arena, (count + 1) * sizeof(*reply->corrections));
    if (corrections == NULL || reply->corrections == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        wire__correction__init(&corrections[i]);
        corrections[i].documents = from[i].documents;
        if (!put_candidates(&from[i], arena, &corrections[i]))
            return false;
        reply->corrections[reply->n_corrections++] = &corrections[i];
    }
    return true;
}

void answer_correct(struct rpc_call *call, struct index *index, struct text_analyzer *analyzer,
                    bool rebuilding)
{
    struct error err = {0};
    struct text_slice words[CORRECT_WORDS_MAX];
    struct correction corrections[CORRECT_WORDS_MAX];
    struct arena *arena = rpc_call_arena(call);
    Wire__CorrectReply reply = WIRE__CORRECT_REPLY__INIT;
    Wire__CorrectRequest *request = rpc_call_request(call, &wire__correct_request__descriptor);
    if (request == NULL)
        return;
    reply.rebuilding = rebuilding;
    size_t count = request->n_words;
    for (size_t i = 0; i < count && i < CORRECT_WORDS_MAX; i++)
        words[i] = (struct text_slice){(const char *)request->words[i].data, request->words[i].len};
    struct search_limit limit = call_limit(call);
    enum status status = index_correct(index, analyzer, words, count, request->include_private,
                                       &limit, arena, corrections, &err);
    if (status == STATUS_OK && !put_corrections(corrections, count, arena, &reply))
        status = error_set(&err, STATUS_NO_MEMORY, "no memory for corrections");
    if (status != STATUS_OK)
        rpc_call_fail(call, status, "%s", err.text);
    else
        rpc_call_reply(call, &reply.base);
}
