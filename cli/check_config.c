/* tierce check-config: what is wrong with a configuration, and what it would change. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/answer_json.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/programs.h"
#include "cluster/facts_json.h"

enum { SETTINGS_BYTES_MAX = 64 * 1024 * 1024, DIFF_MS = 60 * 1000 };

/* ---- in words ------------------------------------------------------------------------------ */

static void print_samples(const char *sign, char *const *samples, size_t count, uint64_t all)
{
    for (size_t i = 0; i < count; i++) {
        printf("      %s ", sign);
        print_text(stdout, samples[i]);
        putchar('\n');
    }
    if (count > 0 && all > count)
        printf("      %s and %lu more\n", sign, (unsigned long)(all - count));
}

static void print_changed(const Wire__SourceDiff *source)
{
    printf("    holds %lu pages; ", (unsigned long)source->held);
    if (source->loses + source->drops + source->gains == 0) {
        puts("nothing that is known comes or goes");
        return;
    }
    printf("%lu would leave the index, %lu URLs would no longer be fetched, %lu would be added\n",
           (unsigned long)source->loses, (unsigned long)source->drops,
           (unsigned long)source->gains);
    print_samples("-", source->lost, source->n_lost, source->loses);
    print_samples("+", source->gained, source->n_gained, source->gains);
    if (source->kept)
        printf("    so many pages stay until `tierce confirm %s`\n", source->url);
}

static void print_source(const Wire__SourceDiff *source)
{
    static const char *const signs[] = {" ", "+", "-", "~"};
    size_t change = (size_t)source->change < ARRAY_COUNT(signs) ? source->change : 0;
    printf("%s source ", signs[change]);
    print_text(stdout, source->url);
    if (source->change == WIRE__SOURCE_CHANGE__SOURCE_TAKEN_OUT)
        printf(": taken out; its %lu pages stay until `tierce purge %s`\n",
               (unsigned long)source->held, source->url);
    else if (source->change == WIRE__SOURCE_CHANGE__SOURCE_ADDED)
        puts(": new");
    else
        puts(": takes other URLs");
    if (source->change == WIRE__SOURCE_CHANGE__SOURCE_CHANGED || source->held > 0)
        if (source->change != WIRE__SOURCE_CHANGE__SOURCE_TAKEN_OUT)
            print_changed(source);
}

static void print_diff(const Wire__ScopeDiffReply *diff, const struct error *err)
{
    puts("ok");
    if (diff == NULL) {
        printf("what it would change cannot be told: %s\n", err->text);
        return;
    }
    if (diff->n_sources == 0)
        puts("no source changes");
    for (size_t i = 0; i < diff->n_sources; i++)
        print_source(diff->sources[i]);
    if (diff->cut)
        puts("there is more than was looked at: the numbers are at least so high");
}

/* ---- in JSON ------------------------------------------------------------------------------- */

static void put_samples(struct json_writer *json, const char *key, char *const *samples,
                        size_t count)
{
    json_open_array(json, key);
    for (size_t i = 0; i < count; i++)
        json_put_string(json, NULL, samples[i]);
    json_close_array(json);
}

static void put_source(struct json_writer *json, const Wire__SourceDiff *source)
{
    static const char *const changes[] = {"same", "added", "taken out", "changed"};
    size_t change = (size_t)source->change < ARRAY_COUNT(changes) ? source->change : 0;
    json_open_object(json, NULL);
    json_put_string(json, "url", source->url);
    json_put_string(json, "change", changes[change]);
    json_put_unsigned(json, "held", source->held);
    json_put_unsigned(json, "loses", source->loses);
    json_put_unsigned(json, "drops", source->drops);
    json_put_unsigned(json, "gains", source->gains);
    json_put_boolean(json, "kept", source->kept);
    put_samples(json, "lost", source->lost, source->n_lost);
    put_samples(json, "gained", source->gained, source->n_gained);
    json_close_object(json);
}

static void print_json(const Wire__ScopeDiffReply *diff, char *mistakes)
{
    struct buffer bytes = {0};
    struct json_writer json = json_begin(&bytes);
    char *rest = NULL;
    json_open_object(&json, NULL);
    json_put_boolean(&json, "ok", mistakes[0] == '\0');
    json_open_array(&json, "mistakes");
    for (char *line = strtok_r(mistakes, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        json_put_string(&json, NULL, line);
    json_close_array(&json);
    json_put_boolean(&json, "compared", diff != NULL);
    json_open_array(&json, "sources");
    for (size_t i = 0; diff != NULL && i < diff->n_sources; i++)
        put_source(&json, diff->sources[i]);
    json_close_array(&json);
    json_close_object(&json);
    json_print_bytes(&bytes);
}

/* ---- the command --------------------------------------------------------------------------- */

/* Asks the indexserver that runs; NULL and words in `err` where none can tell. */
static Wire__ScopeDiffReply *compare(const struct command_line *line,
                                     struct installation *installation,
                                     Log__CrawlSettings *settings, struct error *err)
{
    Wire__ScopeDiffRequest request = WIRE__SCOPE_DIFF_REQUEST__INIT;
    void *reply = NULL;
    request.crawl = settings;
    enum status status = installation_open(&line->where, installation, err);
    if (status == STATUS_OK)
        status = installation_call_indexserver(installation, WIRE__METHOD__SCOPE_DIFF,
                                               &request.base, &wire__scope_diff_reply__descriptor,
                                               DIFF_MS, &reply, err);
    return status == STATUS_OK ? reply : NULL;
}

static int tell_mistakes(const struct command_line *line, struct buffer *mistakes)
{
    if (line->json)
        print_json(NULL, (char *)buffer_string(mistakes));
    else
        fputs(buffer_string(mistakes), stdout);
    return EXIT_FAILED;
}

static int tell_diff(const struct command_line *line, const struct buffer *packed)
{
    struct installation installation = {0};
    struct error err = {0};
    char none[] = "";
    Log__CrawlSettings *settings = log__crawl_settings__unpack(NULL, packed->size, packed->data);
    if (settings == NULL) {
        error_set(&err, STATUS_CORRUPT, "what the orchestrator says is no configuration");
        return command_failed(&err);
    }
    Wire__ScopeDiffReply *diff = compare(line, &installation, settings, &err);
    if (line->json)
        print_json(diff, none);
    else
        print_diff(diff, &err);
    log__crawl_settings__free_unpacked(settings, NULL);
    installation_close(&installation);
    return EXIT_DONE;
}

/* The orchestrator is the only one that reads YAML: it is asked what the crawl would be told. */
int command_check_config(const struct command_line *line)
{
    char *arguments[] = {NULL,
                         (char *)"--check",
                         (char *)"--crawl-settings",
                         (char *)"--config",
                         line->word_count > 0 ? line->words[0] : (char *)"config.yaml",
                         NULL};
    struct buffer output = {0};
    struct error err = {0};
    int result = 0;
    enum status status =
        programs_run("orchestrator", arguments, SETTINGS_BYTES_MAX, &output, &result, &err);
    if (status == STATUS_OK && result > 1)
        status = error_set(&err, STATUS_UNAVAILABLE, "the orchestrator ended with %d", result);
    int exit_status = status != STATUS_OK ? command_failed(&err)
                      : result == 1       ? tell_mistakes(line, &output)
                                          : tell_diff(line, &output);
    buffer_release(&output);
    return exit_status;
}
