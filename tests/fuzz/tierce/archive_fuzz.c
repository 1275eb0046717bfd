/*
 * Any bytes as an archive of anyone's: each record becomes an entry of the log or is passed over.
 * What became one, exported, taken in and exported again, gives the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/archive.h"
#include "page/page.h"

enum { RECORDS_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct source {
    const uint8_t *bytes;
    size_t size;
};

static enum status give(void *context, void *ret_bytes, size_t room, size_t *ret_size,
                        struct error *err)
{
    struct source *source = context;
    size_t size = source->size < room ? source->size : room;
    (void)err;
    if (size > 0)
        memcpy(ret_bytes, source->bytes, size);
    source->bytes = size == 0 ? source->bytes : source->bytes + size;
    source->size -= size;
    *ret_size = size;
    return STATUS_OK;
}

/* All entries of an archive, exported again. */
static void pass_through(const uint8_t *bytes, size_t size, bool is_own, struct buffer *out)
{
    struct source source = {bytes, size};
    struct archive_reader *takes = archive_reader_new();
    struct warc_reader *reader;
    struct warc_record record;
    struct arena arena = {0};
    CHECK(warc_reader_open(give, &source, &reader, NULL) == STATUS_OK);
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        Log__Entry *entry = NULL;
        bool written;
        if (warc_reader_next(reader, &record, NULL) != STATUS_OK)
            break;
        arena_reset(&arena);
        enum archive_skip skip = archive_take(takes, &record, &arena, &entry);
        CHECK(archive_skip_words(skip)[0] != '\0');
        CHECK((skip == ARCHIVE_TAKEN) == (entry != NULL));
        CHECK(!is_own || skip == ARCHIVE_TAKEN || skip == ARCHIVE_PART);
        if (entry == NULL)
            continue;
        CHECK(entry->time_us > 0);
        CHECK(entry->kind_case != LOG__ENTRY__KIND_CONTENT ||
              entry->content->body_size <= PAGE_BODY_BYTES_MAX);
        CHECK(archive_write(out, entry, false, &written, NULL) == STATUS_OK && written);
    }
    warc_reader_close(reader);
    archive_reader_free(takes);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct buffer once = {0}, twice = {0};
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    pass_through(copy, size, false, &once);
    pass_through(once.data, once.size, true, &twice);
    CHECK(once.size == twice.size);
    CHECK(once.size == 0 || memcmp(once.data, twice.data, once.size) == 0);
    buffer_release(&once);
    buffer_release(&twice);
    free(copy);
    return 0;
}
