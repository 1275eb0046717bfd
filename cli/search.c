/* tierce search: asks the JSON API over HTTPS, so that it sees what users see. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/trust.h"
#include "cli/web.h"

enum { STATS_TIMEOUT_MS = 5000, SEARCH_TIMEOUT_MS = 15000 };

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

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void print_result(const json_t *result, uint64_t number, bool is_terminal)
{
    printf("\n%llu. ", (unsigned long long)number);
    fputs(is_terminal ? "\x1b[1m" : "", stdout);
    print_text(stdout, text_at(result, "title"));
    fputs(is_terminal ? "\x1b[0m\n   " : "\n   ", stdout);
    print_text(stdout, text_at(result, "url"));
    fputs("\n   ", stdout);
    print_snippet(stdout, text_at(result, "snippet"), is_terminal);
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
    bool at_least = strcmp(text_at(answer, "total_relation"), "gte") == 0;
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

/* What the API says when it cannot answer: application/problem+json. */
static enum status problem_of(const struct web_answer *answer, const json_t *body,
                              struct error *err)
{
    const char *detail = text_at(body, "detail");
    const char *title = text_at(body, "title");
    return error_set(err, STATUS_UNAVAILABLE, "%s (HTTP %ld)",
                     detail[0] != '\0'  ? detail
                     : title[0] != '\0' ? title
                                        : "the search was refused",
                     answer->code);
}

static enum status ask(const struct command_line *line, struct installation *installation,
                       struct web_answer *ret_answer, struct error *err)
{
    Wire__Stats *stats;
    enum status status = installation_stats(installation, STATS_TIMEOUT_MS, &stats, err);
    if (status != STATUS_OK)
        return status;
    struct web_request request = {
        .base_url = stats->base_url,
        .path = search_path(line, &installation->arena),
        .connect_here = installation_is_local(installation),
        .timeout_ms = SEARCH_TIMEOUT_MS,
    };
    /* without the token, pages from private addresses are left out: that is all */
    if (installation_token(installation, &request.token, NULL) != STATUS_OK)
        request.token = NULL;
    trust_installation(installation, request.trusted_files);
    return web_get(&request, ret_answer, err);
}

int command_search(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct error err = {0};
    struct web_answer answer = {0};
    enum status status = ask(line, &installation, &answer, &err);
    json_t *body = NULL;
    if (status == STATUS_OK) {
        body = json_loadb((const char *)answer.body.data, answer.body.size, 0, NULL);
        if (answer.code != 200)
            status = problem_of(&answer, body, &err);
        else if (body == NULL)
            status = error_set(&err, STATUS_CORRUPT, "the answer is no JSON");
    }
    if (status == STATUS_OK && line->json)
        printf("%s\n", buffer_string(&answer.body));
    else if (status == STATUS_OK)
        print_answer(body);
    json_decref(body);
    web_answer_release(&answer);
    installation_close(&installation);
    return status == STATUS_OK ? EXIT_DONE : command_failed(&err);
}
