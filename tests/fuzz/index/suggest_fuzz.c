/*
 * Suggestions and corrections from a segment with bytes changed and checksums made right again:
 * they end in an answer or in STATUS_CORRUPT.
 *
 * The input is a run of changes of four bytes: chunk, offset (two), value.
 */
#include <stdio.h>

#include "base/bytes.h"
#include "index/correct.h"
#include "index/state.h"
#include "index/suggest.h"
#include "tests/fuzz/index/chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DOCUMENTS 140  /* lists of two blocks */
#define WORDS     1100 /* that begin alike, so that there are completions */

static struct segment *good;
static struct text_analyzer *analyzer;

static struct text_slice slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

static void make_good(void)
{
    static struct builder_document documents[DOCUMENTS];
    static char urls[DOCUMENTS][32];
    static char many[WORDS * 8];
    size_t used = 0;
    for (unsigned i = 0; i < WORDS; i++)
        used += (size_t)snprintf(many + used, sizeof(many) - used, "ap%c%c%c ", 'a' + (int)(i % 26),
                                 'a' + (int)(i / 26 % 26), 'a' + (int)(i / 676));
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        struct index_document *document = &documents[i].document;
        snprintf(urls[i], sizeof(urls[i]), "http://e.org/%u", i);
        document->url = slice(urls[i]);
        document->site = slice("e.org");
        document->title = slice(i % 9 == 0 ? "An Apple's banana" : "apple");
        document->text = slice(i == 0 ? many : "apple bananas running runs 東京");
        document->is_private = i % 2 == 0;
        documents[i].url_hash = url_hash(urls[i], strlen(urls[i]));
    }
    struct builder *builder = check_alloc(builder_new(false));
    CHECK(builder_build(builder, documents, DOCUMENTS, &good, NULL) == STATUS_OK);
    CHECK(good->completion_count > 0);
    builder_free(builder);
    analyzer = check_alloc(text_analyzer_new());
}

static struct segment *open_changed(const uint8_t *data, size_t size)
{
    struct storage_pin *pins = chunks_copy(good);
    for (; size >= 4; data += 4, size -= 4)
        chunk_change(&pins[data[0] % good->chunk_count], (uint32_t)data[1] << 8 | data[2], false,
                     data[3]);
    return chunks_open(pins, good->chunk_count);
}

/* An index of that segment alone. */
static void ask(struct index *index, struct segment *segment)
{
    static const char *const typed[] = {"a", "ap", "appl", "app", "the apple b", "run ", "東京"};
    struct text_slice words[] = {slice("aplpe"), slice("apaa"), slice("bananna")};
    struct snapshot *snapshot =
        check_alloc(calloc(1, sizeof(*snapshot) + sizeof(struct snapshot_entry)));
    atomic_init(&snapshot->references, 1);
    snapshot->count = 1;
    snapshot->entries[0].segment = segment;
    index->current = snapshot;
    struct arena arena = {0};
    for (size_t i = 0; i < ARRAY_COUNT(typed); i++) {
        struct suggestions suggestions;
        enum status status = index_suggest(index, analyzer, slice(typed[i]), i % 2 == 0, NULL,
                                           &arena, &suggestions, NULL);
        CHECK(status == STATUS_OK || status == STATUS_CORRUPT);
        arena_reset(&arena);
    }
    struct correction corrections[ARRAY_COUNT(words)];
    enum status status = index_correct(index, analyzer, words, ARRAY_COUNT(words), false, NULL,
                                       &arena, corrections, NULL);
    CHECK(status == STATUS_OK || status == STATUS_CORRUPT);
    arena_release(&arena);
    snapshot_release(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct index index = {.current_lock = PTHREAD_MUTEX_INITIALIZER};
    if (good == NULL)
        make_good();
    struct segment *segment = open_changed(data, size);
    if (segment != NULL)
        ask(&index, segment);
    return 0;
}
