/* tierce search: asks the JSON API over HTTPS, so that it sees what users see. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "cli/api.h"
#include "cli/command.h"
#include "cli/print.h"

/* "/api/v1/search?q=...": the words of the line, joined by blanks. */
static const char *search_path(const struct command_line *line, struct arena *arena)
{
    struct buffer query = {0};
    for (int i = 0; i < line->word_count; i++)
        buffer_append_format(&query, "%s%s", i == 0 ? "" : " ", line->words[i]);
    char *escaped = check_alloc(curl_easy_escape(NULL, buffer_string(&query), (int)query.size));
    const char *path =
        check_alloc(arena_format(arena, "/api/v1/search?q=%s&page=%u&size=%u", escaped,
                                 (unsigned)line->page, (unsigned)line->size));
    curl_free(escaped);
    buffer_release(&query);
    return path;
}

static void print_result(const json_t *result, uint64_t number, bool is_terminal)
{
    printf("\n%llu. ", (unsigned long long)number);
    fputs(is_terminal ? "\x1b[1m" : "", stdout);
    print_text(stdout, api_text(result, "title"));
    fputs(is_terminal ? "\x1b[0m\n   " : "\n   ", stdout);
    print_text(stdout, api_text(result, "url"));
    fputs("\n   ", stdout);
    print_snippet(stdout, api_text(result, "snippet"), is_terminal);
    fputc('\n', stdout);
}

static void print_results(const json_t *answer, bool is_terminal)
{
    uint64_t page = (uint64_t)json_integer_value(json_object_get(answer, "page"));
    uint64_t size = (uint64_t)json_integer_value(json_object_get(answer, "size"));
    const json_t *results = json_object_get(answer, "results");
    for (size_t i = 0; i < json_array_size(results); i++)
        print_result(json_array_get(results, i), (page - 1) * size + i + 1, is_terminal);
}

static void print_answer(const json_t *answer)
{
    bool is_terminal = isatty(STDOUT_FILENO);
    char count[PRINT_BYTES];
    uint64_t total = (uint64_t)json_integer_value(json_object_get(answer, "total"));
    bool at_least = strcmp(api_text(answer, "total_relation"), "gte") == 0;
    printf("%s%s %s in %.1f ms\n", at_least ? "more than " : "", text_of_count(total, count),
           total == 1 ? "result" : "results",
           json_number_value(json_object_get(answer, "took_ms")));
    const json_t *notes = json_object_get(answer, "notes");
    for (size_t i = 0; i < json_array_size(notes); i++) {
        const char *note = json_string_value(json_array_get(notes, i));
        print_text(stdout, note != NULL ? note : "");
        fputc('\n', stdout);
    }
    if (json_is_true(json_object_get(answer, "partial")))
        puts("not every shard answered: there may be more");
    print_results(answer, is_terminal);
}

int command_search(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    struct web_answer answer = {0};
    json_t *body = NULL;
    enum status status =
        api_get(&installation, search_path(line, &installation.arena), &answer, &body, &err);
    if (status == STATUS_OK && line->json)
        printf("%s\n", buffer_string(&answer.body));
    else if (status == STATUS_OK)
        print_answer(body);
    json_decref(body);
    web_answer_release(&answer);
    installation_close(&installation);
    return status == STATUS_OK ? EXIT_DONE : command_failed(&err);
}
