/* tierce crawl, pause, resume, cancel, remove, why, check-config: all that the indexserver is
 * asked. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/answer_json.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/programs.h"
#include "cluster/facts_json.h"

enum {
    SUBMIT_TIMEOUT_MS = 30000,
    REMOVE_TIMEOUT_MS = 120000, /* a large site: every page is marked before the answer */
    CALL_TIMEOUT_MS = 5000,
    BATCH_URLS = 1000,
};

/* ---- crawl ------------------------------------------------------------------------------------
 */

/* URLs on their way to the indexserver, a batch at a time. */
struct submission {
    struct installation *installation;
    char *urls[BATCH_URLS];
    size_t count;
    bool is_json;
    /* of all batches; what was rejected is gathered for JSON, else printed at once */
    uint64_t accepted;
    size_t rejected_count;
    Wire__Rejected **rejected;
};

/* `rejected` lives as long as the installation. */
static void take_rejected(struct submission *submission, Wire__Rejected *rejected)
{
    submission->rejected_count++;
    if (submission->is_json) {
        submission->rejected = check_alloc(reallocarray(
            submission->rejected, submission->rejected_count, sizeof(*submission->rejected)));
        submission->rejected[submission->rejected_count - 1] = rejected;
        return;
    }
    fputs("not taken: ", stderr);
    print_text(stderr, rejected->url);
    fputs(": ", stderr);
    print_text(stderr, rejected->reason);
    fputc('\n', stderr);
}

static enum status send_batch(struct submission *submission, struct error *err)
{
    Wire__SubmitRequest request = WIRE__SUBMIT_REQUEST__INIT;
    request.n_urls = submission->count;
    request.urls = submission->urls;
    request.origin = LOG__ORIGIN__ORIGIN_OWNER;
    Wire__SubmitReply *reply;
    enum status status = STATUS_OK;
    if (submission->count > 0)
        status = installation_call_indexserver(submission->installation, WIRE__METHOD__SUBMIT,
                                               &request.base, &wire__submit_reply__descriptor,
                                               SUBMIT_TIMEOUT_MS, (void **)&reply, err);
    if (status == STATUS_OK && submission->count > 0) {
        submission->accepted += reply->accepted;
        for (size_t i = 0; i < reply->n_rejected; i++)
            take_rejected(submission, reply->rejected[i]);
    }
    for (size_t i = 0; i < submission->count; i++)
        free(submission->urls[i]);
    submission->count = 0;
    return status;
}

/* A URL as people write it: "example.org" is "https://example.org". */
static enum status add_url(struct submission *submission, const char *text, struct error *err)
{
    char *url;
    if (asprintf(&url, "%s%s", strstr(text, "://") == NULL ? "https://" : "", text) < 0)
        return error_set(err, STATUS_NO_MEMORY, "a list of URLs");
    submission->urls[submission->count++] = url;
    return submission->count < BATCH_URLS ? STATUS_OK : send_batch(submission, err);
}

/* One URL a line; empty lines and those that begin with # are passed over. */
static enum status add_lines(struct submission *submission, FILE *file, struct error *err)
{
    enum status status = STATUS_OK;
    char *text = NULL;
    size_t room = 0;
    ssize_t size;
    while (status == STATUS_OK && (size = getline(&text, &room, file)) >= 0) {
        while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
            text[--size] = '\0';
        const char *start = text + strspn(text, " \t");
        if (*start != '\0' && *start != '#')
            status = add_url(submission, start, err);
    }
    free(text);
    return status;
}

static void print_submission_json(const struct submission *submission)
{
    struct buffer bytes = {0};
    struct json_writer json = json_begin(&bytes);
    Wire__SubmitReply all = WIRE__SUBMIT_REPLY__INIT;
    all.accepted = (uint32_t)submission->accepted;
    all.n_rejected = submission->rejected_count;
    all.rejected = submission->rejected;
    json_submit_reply(&json, &all);
    json_print_bytes(&bytes);
}

static void report_submission(struct submission *submission)
{
    if (submission->is_json) {
        print_submission_json(submission);
        return;
    }
    char count[PRINT_BYTES];
    printf("%s %s to fetch; `tierce status` shows how it goes\n",
           text_of_count(submission->accepted, count),
           submission->accepted == 1 ? "page" : "pages");
}

int command_crawl(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    struct submission submission = {.installation = &installation, .is_json = line->json};
    enum status status = STATUS_OK;
    for (int i = 0; i < line->word_count && status == STATUS_OK; i++)
        status = strcmp(line->words[i], "-") == 0 ? add_lines(&submission, stdin, &err)
                                                  : add_url(&submission, line->words[i], &err);
    if (status == STATUS_OK)
        status = send_batch(&submission, &err);
    if (status == STATUS_OK)
        report_submission(&submission);
    free(submission.rejected);
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    return submission.rejected_count == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* ---- pause, resume, cancel ----------------------------------------------------------------------
 */

static int control(const struct command_line *line, Log__Action action, const char *done)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__ControlRequest request = WIRE__CONTROL_REQUEST__INIT;
    request.action = action;
    request.source = line->word_count > 0 ? line->words[0] : (char *)"";
    void *reply;
    enum status status =
        installation_call_indexserver(&installation, WIRE__METHOD__CONTROL, &request.base,
                                      &wire__empty__descriptor, CALL_TIMEOUT_MS, &reply, &err);
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    if (line->json)
        json_print(json_pack("{s:s, s:s}", "action", done, "source", request.source));
    else
        printf("%s%s%s\n", done, request.source[0] == '\0' ? "" : ": ", request.source);
    return EXIT_DONE;
}

int command_pause(const struct command_line *line)
{
    return control(line, LOG__ACTION__ACTION_PAUSE, "paused");
}

int command_resume(const struct command_line *line)
{
    return control(line, LOG__ACTION__ACTION_RESUME, "resumed");
}

int command_cancel(const struct command_line *line)
{
    return control(line, LOG__ACTION__ACTION_CANCEL, "cancelled");
}

/* ---- remove -------------------------------------------------------------------------------------
 */

int command_remove(const struct command_line *line)
{
    if (line->is_prefix && line->is_site)
        return command_misused("--prefix and --site exclude each other");
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__RemoveRequest request = WIRE__REMOVE_REQUEST__INIT;
    request.scope = line->is_prefix ? LOG__REMOVE_SCOPE__REMOVE_PREFIX
                    : line->is_site ? LOG__REMOVE_SCOPE__REMOVE_SITE
                                    : LOG__REMOVE_SCOPE__REMOVE_PAGE;
    request.value = line->words[0];
    Wire__RemoveReply *reply = NULL;
    enum status status = installation_call_indexserver(
        &installation, WIRE__METHOD__REMOVE, &request.base, &wire__remove_reply__descriptor,
        REMOVE_TIMEOUT_MS, (void **)&reply, &err);
    uint64_t removed = status == STATUS_OK ? reply->removed : 0;
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    char count[PRINT_BYTES];
    if (line->json)
        json_print(json_pack("{s:I}", "removed", (json_int_t)removed));
    else
        printf("%s %s removed\n", text_of_count(removed, count), removed == 1 ? "page" : "pages");
    return EXIT_DONE;
}

/* ---- why ----------------------------------------------------------------------------------------
 */

static void print_why_json(const Wire__LookupReply *reply)
{
    struct buffer bytes = {0};
    struct json_writer json = json_begin(&bytes);
    json_why(&json, reply);
    json_print_bytes(&bytes);
}

static void print_why(const Wire__LookupReply *reply)
{
    print_text(stdout, reply->url);
    fputs(reply->known ? "\n" : ": not known here\n", stdout);
    for (size_t i = 0; i < reply->n_stages; i++) {
        const Wire__Stage *stage = reply->stages[i];
        char time[CLOCK_RFC3339_SIZE] = "";
        if (stage->time_us > 0)
            clock_rfc3339(stage->time_us, time);
        printf("  %-10s %-8s %-20s  ", stage->name, stage->verdict, time);
        print_text(stdout, stage->words);
        fputc('\n', stdout);
    }
}

int command_why(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__LookupRequest request = WIRE__LOOKUP_REQUEST__INIT;
    request.url = check_alloc(arena_format(&installation.arena, "%s%s",
                                           strstr(line->words[0], "://") == NULL ? "https://" : "",
                                           line->words[0]));
    Wire__LookupReply *reply = NULL;
    enum status status = installation_call_indexserver(
        &installation, WIRE__METHOD__LOOKUP, &request.base, &wire__lookup_reply__descriptor,
        CALL_TIMEOUT_MS, (void **)&reply, &err);
    bool known = status == STATUS_OK && reply->known;
    if (status == STATUS_OK && line->json)
        print_why_json(reply);
    else if (status == STATUS_OK)
        print_why(reply);
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    return known ? EXIT_DONE : EXIT_FAILED;
}

/* ---- check-config -------------------------------------------------------------------------------
 */

/* The orchestrator is the only one that reads YAML: it is asked. */
int command_check_config(const struct command_line *line)
{
    char *arguments[] = {NULL, (char *)"--check", (char *)"--config",
                         line->word_count > 0 ? line->words[0] : (char *)"config.yaml", NULL};
    struct error err = {0};
    program_exec("orchestrator", arguments, &err);
    return command_failed(&err);
}
