/* tierce export: what is held, as an archive. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/answer_json.h"
#include "cli/archive.h"
#include "cli/command.h"
#include "cli/print.h"

enum { CALL_MS = 60 * 1000, MODE = 0600 };

struct exporting {
    struct rpc_client *client; /* to the indexserver */
    struct arena arena;        /* of one answer */
    const char *source;
    int fd;
    bool packed;
    uint64_t next;
    uint64_t entries, bytes;
    struct buffer out;
};

static enum status flush(struct exporting *ex, struct error *err)
{
    enum status status = fd_write_all(ex->fd, ex->out.data, ex->out.size, err);
    ex->bytes += ex->out.size;
    buffer_clear(&ex->out);
    return status;
}

/* One call's worth. */
static enum status export_some(struct exporting *ex, bool *ret_done, struct error *err)
{
    Wire__ExportRequest request = WIRE__EXPORT_REQUEST__INIT;
    Wire__ExportReply *reply;
    request.from = ex->next;
    request.source = (char *)ex->source;
    arena_reset(&ex->arena);
    enum status status =
        rpc_call(ex->client, WIRE__METHOD__EXPORT, &request.base, &wire__export_reply__descriptor,
                 &ex->arena, CALL_MS, (void **)&reply, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < reply->n_entries && status == STATUS_OK; i++) {
        bool written = false;
        if (reply->entries[i]->entry != NULL)
            status = archive_write(&ex->out, reply->entries[i]->entry, ex->packed, &written, err);
        ex->entries += written;
        if (status == STATUS_OK)
            status = flush(ex, err);
    }
    *ret_done = reply->done || reply->next <= ex->next;
    ex->next = reply->next;
    return status;
}

static enum status export_all(struct exporting *ex, struct error *err)
{
    bool done = false;
    enum status status = archive_write_info(&ex->out, clock_unix_us(), ex->packed, err);
    if (status == STATUS_OK)
        status = flush(ex, err);
    while (status == STATUS_OK && !done)
        status = export_some(ex, &done, err);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* Packed, but for a name that says it is not. What is there is not written over. */
static enum status open_output(struct exporting *ex, const char *path, struct error *err)
{
    ex->packed = !ends_with(path, ".warc");
    ex->fd = strcmp(path, "-") == 0 ? STDOUT_FILENO
                                    : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
    if (ex->fd < 0)
        return error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    return STATUS_OK;
}

static enum status close_output(struct exporting *ex, const char *path, struct error *err)
{
    if (ex->fd <= STDERR_FILENO)
        return STATUS_OK;
    bool failed = fsync(ex->fd) != 0 && errno != EINVAL;
    failed = close(ex->fd) != 0 || failed;
    return failed ? error_set(err, STATUS_IO, "%s: %s", path, strerror(errno)) : STATUS_OK;
}

/* On standard error where the archive itself goes to standard output. */
static void report(const struct command_line *line, const struct exporting *ex, const char *path)
{
    char count[PRINT_BYTES], size[PRINT_BYTES];
    if (line->json && ex->fd != STDOUT_FILENO)
        json_print(json_pack("{s:s, s:I, s:I}", "file", path, "answers", (json_int_t)ex->entries,
                             "bytes", (json_int_t)ex->bytes));
    else
        fprintf(ex->fd == STDOUT_FILENO ? stderr : stdout, "%s answers, %s\n",
                text_of_count(ex->entries, count), text_of_bytes(ex->bytes, size));
}

int command_export(const struct command_line *line)
{
    const char *path = line->word_count > 0 ? line->words[0] : "-";
    struct exporting ex = {.source = line->source == NULL ? "" : line->source, .next = 1};
    struct error err = {0};
    if (strcmp(path, "-") == 0 && isatty(STDOUT_FILENO))
        return command_misused("an archive is not for the terminal: name a file");
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    enum status status = installation_open_indexserver(&installation, &ex.client, &err);
    if (status == STATUS_OK)
        status = open_output(&ex, path, &err);
    if (status == STATUS_OK) {
        status = export_all(&ex, &err);
        enum status closed = close_output(&ex, path, status == STATUS_OK ? &err : NULL);
        status = status == STATUS_OK ? closed : status;
    }
    if (status == STATUS_OK)
        report(line, &ex, path);
    rpc_client_close(ex.client);
    arena_release(&ex.arena);
    buffer_release(&ex.out);
    installation_close(&installation);
    return status == STATUS_OK ? EXIT_DONE : command_failed(&err);
}
