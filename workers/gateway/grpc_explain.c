/* Explain, as the public service says it. */
#include "gateway.pb-c.h"
#include "gateway/grpc_method.h"

static double score_of_units(uint64_t units)
{
    return (double)units / 1048576;
}

/* An array of messages, and the array of pointers to them that protobuf-c wants. */
#define NEW_LIST(arena, count, messages, pointers)                                                 \
    ((messages) = arena_alloc(arena, ((count) + 1) * sizeof(*(messages))),                         \
     (pointers) = arena_alloc(arena, ((count) + 1) * sizeof(*(pointers))),                         \
     (messages) != NULL && (pointers) != NULL)

static bool put_form(const Wire__ExplainReply *reply, const Wire__ExplainedForm *from,
                     struct arena *arena, Tierce__V1__ExplainedForm *form)
{
    Tierce__V1__ExplainedField *fields;
    tierce__v1__explained_form__init(form);
    if (!NEW_LIST(arena, from->n_fields, fields, form->fields))
        return false;
    form->term = from->term;
    form->documents = from->documents;
    form->frequency = from->frequency;
    for (size_t i = 0; i < from->n_fields; i++) {
        const Wire__ExplainedField *field = from->fields[i];
        tierce__v1__explained_field__init(&fields[i]);
        fields[i].field = (char *)service_field_name(field->field);
        fields[i].count = field->count;
        fields[i].length = field->field < reply->n_lengths ? reply->lengths[field->field] : 0;
        fields[i].weighed = field->weighed;
        form->fields[form->n_fields++] = &fields[i];
    }
    return true;
}

static bool put_word(const Wire__ExplainReply *reply, const Wire__ExplainedWord *from,
                     struct arena *arena, Tierce__V1__ExplainedWord *word)
{
    Tierce__V1__ExplainedForm *forms;
    tierce__v1__explained_word__init(word);
    if (!NEW_LIST(arena, from->n_forms, forms, word->forms))
        return false;
    for (size_t i = 0; i < from->n_forms; i++) {
        if (!put_form(reply, from->forms[i], arena, &forms[i]))
            return false;
        word->forms[word->n_forms++] = &forms[i];
    }
    word->counts = from->counts;
    word->prefix = from->prefix;
    word->weight = (double)from->weight / 1048576;
    word->frequency = from->frequency;
    word->score = score_of_units(from->score);
    word->closeness = score_of_units(from->closeness);
    return true;
}

static bool put_words(const Wire__ExplainReply *from, struct arena *arena,
                      Tierce__V1__ExplainResponse *reply)
{
    Tierce__V1__ExplainedWord *words;
    if (!NEW_LIST(arena, from->n_words, words, reply->words))
        return false;
    for (size_t i = 0; i < from->n_words; i++) {
        if (!put_word(from, from->words[i], arena, &words[i]))
            return false;
        reply->words[reply->n_words++] = &words[i];
    }
    return true;
}

enum status grpc_explain_message(struct service *service, const char *query, const char *url,
                                 struct arena *arena, ProtobufCMessage **ret_reply,
                                 struct error *err)
{
    struct explain_answer answer;
    enum status status = service_explain(service, query, url, arena, &answer, err);
    if (status != STATUS_OK)
        return status;
    const Wire__ExplainReply *from = answer.reply;
    Tierce__V1__ExplainResponse *reply = arena_alloc(arena, sizeof(*reply));
    if (reply == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for the answer");
    tierce__v1__explain_response__init(reply);
    reply->query = (char *)answer.query;
    reply->read_as = (char *)answer.read_as;
    reply->url = (char *)answer.url;
    reply->found = from->found;
    reply->matches = from->matches;
    reply->failed = (char **)(uintptr_t)answer.failed;
    reply->n_failed = answer.failed_count;
    reply->score = answer.score;
    reply->rank = answer.rank;
    reply->words_score = score_of_units(from->words_score);
    reply->title = score_of_units(from->title);
    reply->url_score = score_of_units(from->url);
    reply->gain = score_of_units(from->gain);
    reply->factor = from->factor;
    reply->inlinks = from->inlinks;
    reply->link_factor = from->link_factor;
    reply->freshness_factor = from->freshness_factor;
    reply->first_score = from->first_score;
    reply->second_score = from->score;
    if (!put_words(from, arena, reply))
        return error_set(err, STATUS_NO_MEMORY, "no memory for the answer");
    *ret_reply = &reply->base;
    return STATUS_OK;
}
