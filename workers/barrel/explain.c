#include "barrel/explain.h"

/* An array of messages, and the array of pointers to them that protobuf-c wants. */
#define NEW_LIST(arena, count, messages, pointers)                                                 \
    ((messages) = arena_alloc(arena, ((count) + 1) * sizeof(*(messages))),                         \
     (pointers) = arena_alloc(arena, ((count) + 1) * sizeof(*(pointers))),                         \
     (messages) != NULL && (pointers) != NULL)

static bool put_form(const struct explained_form *from, struct arena *arena,
                     Wire__ExplainedForm *form)
{
    Wire__ExplainedField *fields;
    wire__explained_form__init(form);
    if (!NEW_LIST(arena, FIELD_COUNT, fields, form->fields))
        return false;
    form->term.data = (uint8_t *)from->term.bytes;
    form->term.len = from->term.size;
    form->documents = from->documents;
    form->frequency = from->frequency;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if ((from->fields & 1u << i) == 0)
            continue;
        Wire__ExplainedField *field = &fields[form->n_fields];
        wire__explained_field__init(field);
        field->field = i;
        field->count = from->counts[i];
        field->weighed = from->weighed[i];
        form->fields[form->n_fields++] = field;
    }
    return true;
}

static bool put_word(const struct explained_word *from, struct arena *arena,
                     Wire__ExplainedWord *word)
{
    Wire__ExplainedForm *forms;
    wire__explained_word__init(word);
    if (!NEW_LIST(arena, from->word->alternative_count, forms, word->forms))
        return false;
    for (uint32_t i = 0; i < from->word->alternative_count; i++) {
        if (!put_form(&from->forms[i], arena, &forms[i]))
            return false;
        word->forms[word->n_forms++] = &forms[i];
    }
    word->counts = from->counts;
    word->prefix = from->is_prefix;
    word->weight = from->weight;
    word->frequency = from->frequency;
    word->score = from->score;
    word->closeness = from->closeness;
    return true;
}

bool explanation_to_wire(const struct explanation *from, struct arena *arena,
                         Wire__ExplainReply *ret_reply)
{
    Wire__ExplainedWord *words;
    wire__explain_reply__init(ret_reply);
    if (!NEW_LIST(arena, from->word_count, words, ret_reply->words))
        return false;
    for (uint32_t i = 0; i < from->word_count; i++) {
        if (!put_word(&from->words[i], arena, &words[i]))
            return false;
        ret_reply->words[ret_reply->n_words++] = &words[i];
    }
    ret_reply->found = from->is_found;
    ret_reply->matches = from->matches;
    ret_reply->failed = arena_copy(arena, from->failed, sizeof(from->failed));
    ret_reply->n_failed = from->failed_count;
    ret_reply->lengths = arena_copy(arena, from->lengths, sizeof(from->lengths));
    ret_reply->n_lengths = FIELD_COUNT;
    ret_reply->words_score = from->words_score;
    ret_reply->title = from->title;
    ret_reply->url = from->url;
    ret_reply->gain = from->gain;
    ret_reply->inlinks = from->inlinks;
    ret_reply->link_factor = from->link_factor;
    ret_reply->freshness_factor = from->freshness_factor;
    ret_reply->factor = from->factor;
    ret_reply->first_score = from->first_score;
    ret_reply->score = from->score;
    return ret_reply->failed != NULL && ret_reply->lengths != NULL;
}
