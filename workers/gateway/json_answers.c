#include "gateway/json_answers.h"

#include "gateway/html.h"

/* The snippet as the pages show it: nothing but escaped text and <mark>. */
static void write_snippet(struct json_writer *json, const char *snippet)
{
    struct buffer bytes = {0};
    struct html html = {.bytes = &bytes};
    html_snippet(&html, snippet);
    json_put_string(json, "snippet", buffer_string(&bytes));
    buffer_release(&bytes);
}

static void write_result(struct json_writer *json, const struct found_page *result)
{
    json_open_object(json, NULL);
    json_put_string(json, "url", result->url);
    json_put_string(json, "title", result->title);
    write_snippet(json, result->snippet);
    json_put_exact(json, "score", result->score);
    json_put_string(json, "language", result->language);
    json_put_unsigned(json, "inlinks", result->inlinks);
    json_put_time(json, "fetched_at", result->fetched_us);
    json_put_unsigned(json, "duplicate_count", result->duplicate_total);
    json_open_array(json, "duplicates");
    for (unsigned i = 0; i < result->duplicate_count; i++) {
        json_open_object(json, NULL);
        json_put_string(json, "url", result->duplicates[i]);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
}

/* Missing where there is none. */
static void write_did_you_mean(struct json_writer *json, const struct search_answer *answer)
{
    if (answer->did_you_mean == NULL)
        return;
    json_open_object(json, "did_you_mean");
    json_put_string(json, "query", answer->did_you_mean);
    json_put_unsigned(json, "total", answer->did_you_mean_total);
    json_close_object(json);
}

void json_search_answer(struct json_writer *json, const struct search_answer *answer)
{
    json_open_object(json, NULL);
    json_put_string(json, "query", answer->query);
    json_put_string(json, "read_as", answer->read_as);
    json_open_array(json, "notes");
    for (unsigned i = 0; i < answer->note_count; i++)
        json_put_string(json, NULL, answer->notes[i]);
    json_close_array(json);
    json_put_unsigned(json, "page", answer->page);
    json_put_unsigned(json, "size", answer->size);
    json_put_unsigned(json, "total", answer->total);
    json_put_string(json, "total_relation", answer->total_is_lower_bound ? "gte" : "eq");
    write_did_you_mean(json, answer);
    json_put_boolean(json, "partial", answer->partial);
    json_put_string(json, "cursor", answer->cursor);
    json_put_tenths(json, "took_ms", answer->took_us < 0 ? 0 : (uint64_t)answer->took_us);
    json_open_object(json, "shards");
    json_put_unsigned(json, "asked", answer->shards_asked);
    json_put_unsigned(json, "answered", answer->shards_answered);
    json_close_object(json);
    json_open_array(json, "results");
    for (unsigned i = 0; i < answer->result_count; i++)
        write_result(json, &answer->results[i]);
    json_close_array(json);
    json_close_object(json);
}

void json_suggest_answer(struct json_writer *json, const struct suggest_answer *answer)
{
    json_open_array(json, NULL);
    json_put_string(json, NULL, answer->query);
    json_open_array(json, NULL);
    for (unsigned i = 0; i < answer->count; i++)
        json_put_string(json, NULL, answer->suggestions[i]);
    json_close_array(json);
    json_close_array(json);
}

void json_backlinks_answer(struct json_writer *json, const struct backlinks_answer *answer)
{
    json_open_object(json, NULL);
    json_put_string(json, "url", answer->url);
    json_put_unsigned(json, "total", answer->total);
    json_put_boolean(json, "partial", answer->partial);
    json_open_array(json, "links");
    for (unsigned i = 0; i < answer->link_count; i++) {
        json_open_object(json, NULL);
        json_put_string(json, "url", answer->links[i].url);
        json_put_string(json, "title", answer->links[i].title);
        json_put_string(json, "anchor", answer->links[i].anchor);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
}

/* ---- explanations ---- */

/* Scores travel as whole numbers of 2^-20, which a double holds. */
static void put_score(struct json_writer *json, const char *key, uint64_t units)
{
    json_put_exact(json, key, (double)units / 1048576);
}

static void write_term(struct json_writer *json, const ProtobufCBinaryData *term)
{
    struct buffer text = {0};
    buffer_append(&text, term->data, term->len);
    json_put_string(json, "term", buffer_string(&text));
    buffer_release(&text);
}

static void write_fields(struct json_writer *json, const Wire__ExplainReply *reply,
                         const Wire__ExplainedForm *form)
{
    json_open_array(json, "fields");
    for (size_t i = 0; i < form->n_fields; i++) {
        const Wire__ExplainedField *field = form->fields[i];
        if (field->field >= reply->n_lengths)
            continue;
        json_open_object(json, NULL);
        json_put_string(json, "field", service_field_name(field->field));
        json_put_unsigned(json, "count", field->count);
        json_put_unsigned(json, "length", reply->lengths[field->field]);
        json_put_exact(json, "weighed", (double)field->weighed);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_word(struct json_writer *json, const Wire__ExplainReply *reply,
                       const Wire__ExplainedWord *word)
{
    json_open_object(json, NULL);
    json_put_boolean(json, "counts", word->counts);
    json_put_boolean(json, "prefix", word->prefix);
    json_put_exact(json, "weight", (double)word->weight / 1048576);
    json_put_exact(json, "frequency", (double)word->frequency);
    put_score(json, "score", word->score);
    put_score(json, "closeness", word->closeness);
    json_open_array(json, "forms");
    for (size_t i = 0; i < word->n_forms; i++) {
        json_open_object(json, NULL);
        write_term(json, &word->forms[i]->term);
        json_put_unsigned(json, "documents", word->forms[i]->documents);
        json_put_exact(json, "frequency", (double)word->forms[i]->frequency);
        write_fields(json, reply, word->forms[i]);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
}

void json_explain_answer(struct json_writer *json, const struct explain_answer *answer)
{
    const Wire__ExplainReply *reply = answer->reply;
    json_open_object(json, NULL);
    json_put_string(json, "query", answer->query);
    json_put_string(json, "read_as", answer->read_as);
    json_put_string(json, "url", answer->url);
    json_put_boolean(json, "found", reply->found);
    json_put_boolean(json, "matches", reply->matches);
    json_open_array(json, "failed");
    for (unsigned i = 0; i < answer->failed_count; i++)
        json_put_string(json, NULL, answer->failed[i]);
    json_close_array(json);
    json_put_exact(json, "score", answer->score);
    json_put_unsigned(json, "rank", answer->rank);
    json_put_boolean(json, "in_window", answer->rank > 0);
    put_score(json, "words_score", reply->words_score);
    put_score(json, "title", reply->title);
    put_score(json, "url_score", reply->url);
    put_score(json, "gain", reply->gain);
    json_put_exact(json, "factor", reply->factor);
    json_put_unsigned(json, "inlinks", reply->inlinks);
    json_put_exact(json, "link_factor", reply->link_factor);
    json_put_exact(json, "freshness_factor", reply->freshness_factor);
    json_put_exact(json, "first_score", reply->first_score);
    json_put_exact(json, "second_score", reply->score);
    json_open_array(json, "words");
    for (size_t i = 0; i < reply->n_words; i++)
        write_word(json, reply, reply->words[i]);
    json_close_array(json);
    json_close_object(json);
}
