/* tierce import: archives into the log, a batch at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/answer_json.h"
#include "cli/archive.h"
#include "cli/command.h"
#include "cli/print.h"

enum {
    BATCH_ENTRIES = 200,
    BATCH_BYTES = 4 * 1024 * 1024,
    CALL_MS = 60 * 1000,
    PATIENCE_MS = 30 * 1000, /* with pages that are not parsed, until that is said */
};

struct importing {
    struct rpc_client *client; /* to the indexserver */
    struct archive_reader *reader;
    struct arena batch; /* what is sent next, and the answer to it */
    Log__Entry *entries[BATCH_ENTRIES];
    size_t count, bytes;
    uint64_t records, taken, held, removed, refused;
    uint64_t skipped[ARCHIVE_SKIPS];
};

/* ---- sending -----------------------------------------------------------------------------------
 */

static void wait_ms(unsigned ms)
{
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* Waits for as long as too much is to be parsed. */
static enum status send_batch(struct importing *im, struct error *err)
{
    static const Wire__ImportReply nothing = WIRE__IMPORT_REPLY__INIT;
    const Wire__ImportReply *reply = &nothing;
    Wire__ImportRequest request = WIRE__IMPORT_REQUEST__INIT;
    enum status status = STATUS_OK;
    request.entries = im->entries;
    request.n_entries = im->count;
    int64_t said_ms = clock_boot_ms() + PATIENCE_MS;
    while (im->count > 0 && status == STATUS_OK) {
        status =
            rpc_call(im->client, WIRE__METHOD__IMPORT, &request.base,
                     &wire__import_reply__descriptor, &im->batch, CALL_MS, (void **)&reply, err);
        if (status != STATUS_OK || reply->wait_ms == 0)
            break;
        if (clock_boot_ms() > said_ms) {
            fputs("waiting: the pages before these are still to be parsed, which the downloader "
                  "does (`tierce status` shows it)\n",
                  stderr);
            said_ms = INT64_MAX;
        }
        wait_ms(reply->wait_ms);
    }
    im->taken += reply->taken;
    im->held += reply->held;
    im->removed += reply->removed;
    im->refused += reply->refused;
    im->count = im->bytes = 0;
    arena_reset(&im->batch);
    return status;
}

/* ---- one file ----------------------------------------------------------------------------------
 */

static enum status read_file(void *context, void *ret_bytes, size_t room, size_t *ret_size,
                             struct error *err)
{
    ssize_t got;
    do
        got = read(*(const int *)context, ret_bytes, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set(err, STATUS_IO, "%s", strerror(errno));
    *ret_size = (size_t)got;
    return STATUS_OK;
}

static enum status take_record(struct importing *im, const struct warc_record *record,
                               struct error *err)
{
    Log__Entry *entry;
    im->records++;
    enum archive_skip skip = archive_take(im->reader, record, &im->batch, &entry);
    im->skipped[skip]++;
    if (skip != ARCHIVE_TAKEN)
        return STATUS_OK;
    im->entries[im->count++] = entry;
    im->bytes += log__entry__get_packed_size(entry);
    return im->count < BATCH_ENTRIES && im->bytes < BATCH_BYTES ? STATUS_OK : send_batch(im, err);
}

static enum status import_stream(struct importing *im, int fd, struct error *err)
{
    struct warc_reader *reader;
    enum status status = warc_reader_open(read_file, &fd, &reader, err);
    if (status != STATUS_OK)
        return status;
    while (status == STATUS_OK) {
        struct warc_record record;
        status = warc_reader_next(reader, &record, err);
        if (status == STATUS_OK)
            status = take_record(im, &record, err);
    }
    warc_reader_close(reader);
    struct error later = {0}; /* what was read before the fault is kept */
    enum status sent = send_batch(im, &later);
    if (status != STATUS_END)
        return status;
    if (sent != STATUS_OK)
        *err = later;
    return sent;
}

static enum status import_file(struct importing *im, const char *path, struct error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    enum status status = import_stream(im, fd, err);
    if (status != STATUS_OK)
        error_add_context(err, "%s", is_stdin ? "standard input" : path);
    if (!is_stdin)
        fd_close(fd);
    return status;
}

/* ---- what came of it ---------------------------------------------------------------------------
 */

/* Records that a reader of the answer may miss. */
static bool is_told(enum archive_skip skip)
{
    return skip != ARCHIVE_TAKEN && skip != ARCHIVE_PART && skip != ARCHIVE_NO_ANSWER;
}

static void print_json(const struct importing *im)
{
    struct buffer bytes = {0};
    struct json_writer json = json_begin(&bytes);
    json_open_object(&json, NULL);
    json_put_unsigned(&json, "records", im->records);
    json_put_unsigned(&json, "taken", im->taken);
    json_put_unsigned(&json, "held", im->held);
    json_put_unsigned(&json, "removed", im->removed);
    json_put_unsigned(&json, "refused", im->refused);
    json_open_array(&json, "passed_over");
    for (unsigned i = 0; i < ARCHIVE_SKIPS; i++) {
        if (!is_told(i) || im->skipped[i] == 0)
            continue;
        json_open_object(&json, NULL);
        json_put_string(&json, "reason", archive_skip_words(i));
        json_put_unsigned(&json, "records", im->skipped[i]);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_close_object(&json);
    json_print_bytes(&bytes);
}

static void print_count(uint64_t count, const char *words)
{
    char text[PRINT_BYTES];
    if (count > 0)
        printf("%s %s\n", text_of_count(count, text), words);
}

static void print_words(const struct importing *im)
{
    char count[PRINT_BYTES];
    printf("%s %s taken in; they are found as soon as they are parsed\n",
           text_of_count(im->taken, count), im->taken == 1 ? "answer" : "answers");
    print_count(im->held, "were held already, or something newer");
    print_count(im->removed, "were removed by the owner: submit them to have them again");
    print_count(im->refused, "were refused: no valid URL, time or body");
    for (unsigned i = 0; i < ARCHIVE_SKIPS; i++) {
        if (is_told(i) && im->skipped[i] > 0)
            printf("%s passed over: %s\n", text_of_count(im->skipped[i], count),
                   archive_skip_words(i));
    }
}

static enum status import_all(struct importing *im, const struct command_line *line,
                              struct error *err)
{
    enum status status = STATUS_OK;
    im->reader = archive_reader_new();
    for (int i = 0; i < line->word_count && status == STATUS_OK; i++)
        status = import_file(im, line->words[i], err);
    if (line->json)
        print_json(im);
    else
        print_words(im);
    archive_reader_free(im->reader);
    arena_release(&im->batch);
    return status;
}

int command_import(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    struct importing im = {0};
    enum status status = installation_open_indexserver(&installation, &im.client, &err);
    if (status == STATUS_OK) {
        status = import_all(&im, line, &err);
        rpc_client_close(im.client);
    }
    installation_close(&installation);
    return status == STATUS_OK ? EXIT_DONE : command_failed(&err);
}
