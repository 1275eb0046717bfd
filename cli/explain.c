/* tierce explain: why a page stands where it stands in the results of a query. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "cli/api.h"
#include "cli/command.h"
#include "cli/print.h"

static void append_escaped(struct buffer *path, const char *text)
{
    char *escaped = check_alloc(curl_easy_escape(NULL, text, (int)strlen(text)));
    buffer_append_string(path, escaped);
    curl_free(escaped);
}

/* "/api/v1/explain?url=...&q=...": the words behind the address, joined by blanks. */
static void write_path(const struct command_line *line, struct buffer *path)
{
    buffer_append_string(path, "/api/v1/explain?url=");
    if (strstr(line->words[0], "://") == NULL)
        append_escaped(path, "https://");
    append_escaped(path, line->words[0]);
    buffer_append_string(path, "&q=");
    for (int i = 1; i < line->word_count; i++) {
        append_escaped(path, i == 1 ? "" : " ");
        append_escaped(path, line->words[i]);
    }
}

static double real_at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static long long count_at(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void print_fields(const json_t *form)
{
    size_t i;
    const json_t *field;
    json_array_foreach(json_object_get(form, "fields"), i, field)
    {
        printf("%s%s %lld of %lld", i == 0 ? "" : ", ", api_text(field, "field"),
               count_at(field, "count"), count_at(field, "length"));
    }
    if (i == 0)
        fputs("not in it", stdout);
}

static void print_form(const json_t *form, bool is_first, double score)
{
    fputs(is_first ? "  " : "    also ", stdout);
    print_text(stdout, api_text(form, "term"));
    if (is_first)
        printf("  %.6f", score);
    printf("  (in %lld pages; ", count_at(form, "documents"));
    print_fields(form);
    fputs(")\n", stdout);
}

static void print_words(const json_t *words)
{
    size_t i, f;
    const json_t *word, *form;
    json_array_foreach(words, i, word)
    {
        json_array_foreach(json_object_get(word, "forms"), f, form)
        {
            print_form(form, f == 0, real_at(word, "score"));
        }
        if (real_at(word, "closeness") > 0)
            printf("    close to the next word  %.6f\n", real_at(word, "closeness"));
    }
}

static void print_failed(const json_t *answer)
{
    size_t i;
    const json_t *part;
    puts(json_is_true(json_object_get(answer, "found"))
             ? "The page does not match the query. What it fails:"
             : "The page is not in the index: `tierce why` tells what became of it.");
    json_array_foreach(json_object_get(answer, "failed"), i, part)
    {
        fputs("  ", stdout);
        print_text(stdout, json_string_value(part));
        fputc('\n', stdout);
    }
}

static void print_score(const json_t *answer)
{
    long long rank = count_at(answer, "rank");
    printf("score %.6f, ", real_at(answer, "score"));
    if (rank > 0)
        printf("place %lld\n", rank);
    else
        puts("behind those that are looked at again");
    print_words(json_object_get(answer, "words"));
    if (rank > 0 && real_at(answer, "title") > 0)
        printf("  the query is of the title  %.6f\n", real_at(answer, "title"));
    if (rank > 0 && real_at(answer, "url_score") > 0)
        printf("  the query is of the address  %.6f\n", real_at(answer, "url_score"));
    printf("  times %.6f for %lld pages that link to it", real_at(answer, "link_factor"),
           count_at(answer, "inlinks"));
    printf("\n  times %.6f for its date\n", real_at(answer, "freshness_factor"));
}

int command_explain(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    struct web_answer answer = {0};
    struct buffer path = {0};
    json_t *body = NULL;
    write_path(line, &path);
    enum status status = api_get(&installation, buffer_string(&path), &answer, &body, &err);
    bool matches = status == STATUS_OK && json_is_true(json_object_get(body, "matches"));
    if (status == STATUS_OK && line->json)
        printf("%s\n", buffer_string(&answer.body));
    else if (matches)
        print_score(body);
    else if (status == STATUS_OK)
        print_failed(body);
    json_decref(body);
    buffer_release(&path);
    web_answer_release(&answer);
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    return matches ? EXIT_DONE : EXIT_FAILED;
}
