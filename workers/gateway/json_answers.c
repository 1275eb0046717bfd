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
    json_put_real(json, "score", result->score);
    json_put_string(json, "language", result->language);
    json_put_unsigned(json, "inlinks", result->inlinks);
    json_put_time(json, "fetched_at", result->fetched_us);
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
