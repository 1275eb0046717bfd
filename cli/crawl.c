/* tierce crawl: URLs on their way to the log, a batch at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/answer_json.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cluster/facts_json.h"

enum { SUBMIT_TIMEOUT_MS = 30000, BATCH_URLS = 1000 };

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

/* "tierce crawl pause SOURCE" is "tierce pause SOURCE"; a bare word is no URL that could be meant.
 */
static bool is_control(const struct command_line *line, int *ret_exit)
{
    static const struct {
        const char *name;
        bool of_all; /* without a source it means the whole crawl */
        int (*run)(const struct command_line *line);
    } controls[] = {{"pause", true, command_pause},
                    {"resume", true, command_resume},
                    {"cancel", false, command_cancel},
                    {"purge", false, command_purge},
                    {"confirm", false, command_confirm}};
    struct command_line rest = *line;
    rest.words++;
    rest.word_count--;
    for (size_t i = 0; i < ARRAY_COUNT(controls); i++) {
        if (strcmp(line->words[0], controls[i].name) != 0)
            continue;
        bool fits = rest.word_count == 1 || (rest.word_count == 0 && controls[i].of_all);
        *ret_exit = fits ? controls[i].run(&rest)
                         : command_misused("%s what? Name one source", controls[i].name);
        return true;
    }
    return false;
}

int command_crawl(const struct command_line *line)
{
    int exit_status;
    if (is_control(line, &exit_status))
        return exit_status;
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
