/*
 * Flips a bit somewhere in the files that hold an index's segments and links, opens it, asks it and
 * looks it through: a wrong bit must be found by one of the three, and no answer may differ.
 */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "barrel/storage_rocksdb.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"
#include "index/document.h"
#include "index/search.h"
#include "tests/unit/unit.h"

enum {
    FLIPS = 60,
    FLIPS_SOAK = 10000,
    DOCUMENTS = 400,
    TEXT_BYTES = 3000,
    STORE_BYTES = 4 << 20,
    FILES_MAX = 64,
    SEGMENT_FILE_BYTES = 64 << 10, /* that of the links, which alone has filters, is smaller */
};

/* How a child ends. While it opens the index, it may also be ended by an assertion of the engine:
 * the barrel takes that for damage when it has happened often enough. */
enum verdict {
    RIGHT = 10,
    FOUND_OPENING,
    FOUND_ASKING,
    FOUND_LOOKING,
    MISSED,
    WRONG,
    CRASHED,
    VERDICTS
};

static atomic_bool *is_opening; /* the child is; shared with it */

static char folder[PATH_MAX];

static uint32_t seed = 1;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * bound) >> 32);
}

/* ---- the index ---- */

struct opened {
    struct storage_rocksdb *store;
    struct index *index;
};

static enum status open_index(const char *path, struct opened *ret_opened)
{
    enum status status = storage_rocksdb_open(path, STORE_BYTES, &ret_opened->store, NULL);
    if (status == STATUS_OK)
        status =
            index_open(storage_rocksdb_storage(ret_opened->store), NULL, &ret_opened->index, NULL);
    return status;
}

static void close_index(struct opened *opened)
{
    index_close(opened->index);
    storage_rocksdb_close(opened->store);
}

static struct text_slice text_of(unsigned number, char *ret, size_t size)
{
    size_t used = 0;
    uint32_t state = number * 7919 + 1;
    while (used + 32 < size) {
        state = state * 1664525 + 1013904223;
        used += (size_t)snprintf(ret + used, size - used, "word%u chapter ", (state >> 16) % 900);
    }
    return (struct text_slice){ret, used};
}

static struct text_slice url_of(unsigned number, char ret[64])
{
    return (struct text_slice){ret,
                               (size_t)snprintf(ret, 64, "http://h%u.org/%u", number % 5, number)};
}

static void put_document(struct index *index, unsigned number)
{
    char url[64], source[64], text[TEXT_BYTES];
    struct text_slice target = url_of(number, url);
    struct index_change changes[] = {
        {.kind = INDEX_PUT_DOCUMENT,
         .document = {.url = target,
                      .site = {url + 7, 6},
                      .title = {"A title", 7},
                      .text = text_of(number, text, sizeof(text))}},
        {.kind = INDEX_PUT_EDGE,
         .edge = {.source = url_of(number + 1, source), .target = target, .anchor = {"here", 4}}},
    };
    CHECK(index_apply(index, changes, 2, number + 1, NULL) == STATUS_OK);
}

/* Two segments with deletions, and links. */
static void build(const char *path)
{
    struct opened opened = {0};
    CHECK(open_index(path, &opened) == STATUS_OK);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        put_document(opened.index, i);
        if (i == DOCUMENTS / 2)
            CHECK(index_flush(opened.index, NULL) == STATUS_OK);
    }
    for (unsigned i = 0; i < DOCUMENTS / 2; i += 9)
        put_document(opened.index, i);
    CHECK(index_flush(opened.index, NULL) == STATUS_OK);
    close_index(&opened);
    CHECK(open_index(path, &opened) == STATUS_OK); /* the links come to a file, too */
    close_index(&opened);
}

/* ---- asking it ---- */

static enum status ask_one(struct index *index, const char *typed, struct arena *arena,
                           uint64_t *digest)
{
    struct query query;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    struct search_result result;
    struct text_analyzer *analyzer = check_alloc(text_analyzer_new());
    CHECK(query_parse(analyzer, (struct text_slice){typed, strlen(typed)}, TEXT_LANGUAGE_UNKNOWN,
                      arena, &query, NULL) == STATUS_OK);
    text_analyzer_free(analyzer);
    size_t count = query_collect_terms(query.root, terms);
    struct search_request request = {
        .k = 50,
        .statistics.document_frequencies = frequencies,
        .statistics.document_frequency_count = count,
    };
    index_statistics(index, &request.statistics.documents, request.statistics.field_tokens);
    enum status status = index_term_statistics(index, terms, count, NULL, frequencies, NULL);
    if (status == STATUS_OK)
        status = index_search(index, query.root, &request, arena, &result, NULL);
    for (uint32_t i = 0; status == STATUS_OK && i < result.hit_count; i++)
        *digest = *digest * 31 + result.hits[i].url_hash + (uint64_t)result.hits[i].score;
    return status;
}

static enum status read_one(struct index *index, unsigned number, struct arena *arena,
                            uint64_t *digest)
{
    char url[64];
    struct text_slice headings, text = {0};
    struct stored_document document;
    struct backlinks links = {0};
    struct text_slice slice = url_of(number, url);
    enum status status = index_document_get(index, slice, arena, &document, NULL);
    if (status == STATUS_OK)
        status = index_document_text(index, slice, arena, &headings, &text, NULL);
    if (status == STATUS_OK)
        status = index_backlinks(index, slice, true, 0, 10, arena, &links, NULL);
    if (status != STATUS_OK)
        return status;
    *digest = *digest * 31 + hash64(text.bytes, text.size) + hash64(document.title, 7) +
              links.total + document.inlinks;
    for (uint32_t i = 0; i < links.count; i++)
        *digest += hash64(links.links[i].source_url, strlen(links.links[i].source_url));
    return STATUS_OK;
}

/* A number of all answers to some questions. */
static enum status ask(struct index *index, uint64_t *ret_digest)
{
    static const char *const queries[] = {"word1 word2", "\"word3 chapter\"", "chapter OR word77",
                                          "word5 -word6", "site:h2.org word8"};
    struct arena arena = {0};
    enum status status = STATUS_OK;
    *ret_digest = 0;
    for (size_t i = 0; status == STATUS_OK && i < ARRAY_COUNT(queries); i++)
        status = ask_one(index, queries[i], &arena, ret_digest);
    for (unsigned i = 0; status == STATUS_OK && i < DOCUMENTS; i += 37)
        status = read_one(index, i, &arena, ret_digest);
    arena_release(&arena);
    return status;
}

static bool look_finds_it(struct index *index)
{
    struct index_scrub scrub = {0};
    enum status status;
    while ((status = index_scrub(index, &scrub, 1 << 20, NULL)) == STATUS_OK)
        continue;
    index_scrub_release(&scrub);
    return status != STATUS_END;
}

static enum verdict judge(const char *path, uint64_t expected, bool looks)
{
    uint64_t digest;
    struct opened opened = {0};
    atomic_store(is_opening, true);
    if (open_index(path, &opened) != STATUS_OK)
        return FOUND_OPENING;
    atomic_store(is_opening, false);
    if (ask(opened.index, &digest) != STATUS_OK || index_is_corrupt(opened.index))
        return FOUND_ASKING;
    if (digest != expected)
        return WRONG;
    if (!looks)
        return RIGHT;
    return look_finds_it(opened.index) ? FOUND_LOOKING : MISSED;
}

/* ---- flipping: in the parent, which never opens the engine, so that it can fork ---- */

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[3 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

/* A byte of one of the files, each as likely as any other. */
static off_t flip(const char *path, char *ret_words, size_t size)
{
    char pattern[PATH_MAX + 32];
    glob_t files;
    struct stat infos[FILES_MAX];
    uint64_t bytes = 0;
    snprintf(pattern, sizeof(pattern), "%s/db/*.sst", path);
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    assert_true(files.gl_pathc <= FILES_MAX);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        assert_int_equal(stat(files.gl_pathv[i], &infos[i]), 0);
        bytes += (uint64_t)infos[i].st_size;
    }
    /* every second one near an end of a file, where the engine keeps what it opens it by */
    uint64_t at = random_below((uint32_t)bytes);
    size_t number = 0;
    for (; at >= (uint64_t)infos[number].st_size; number++)
        at -= (uint64_t)infos[number].st_size;
    uint32_t last = infos[number].st_size < 2000 ? (uint32_t)infos[number].st_size : 2000;
    if (random_below(2) == 0)
        at = (uint64_t)infos[number].st_size - 1 - random_below(last);
    uint8_t byte;
    uint8_t bit = (uint8_t)(1u << random_below(8));
    int fd = open(files.gl_pathv[number], O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= bit;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
    snprintf(ret_words, size, "bit %u of byte %llu of %s (%lld bytes)", bit, (unsigned long long)at,
             strrchr(files.gl_pathv[number], '/') + 1, (long long)infos[number].st_size);
    globfree(&files);
    return infos[number].st_size;
}

static enum verdict judge_in_child(const char *path, uint64_t expected, bool looks)
{
    int ended;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static const int ends[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
        for (size_t i = 0; i < ARRAY_COUNT(ends); i++)
            signal(ends[i], SIG_DFL); /* not the tests' own: that would go on with them here */
        _exit((int)judge(path, expected, looks));
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    if (WIFEXITED(ended))
        return (enum verdict)WEXITSTATUS(ended);
    return atomic_load(is_opening) ? FOUND_OPENING : CRASHED;
}

/* Builds the index in a child and returns what it answers. */
static uint64_t build_in_child(const char *path)
{
    int ends[2];
    uint64_t digest;
    struct opened opened = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        build(path);
        CHECK(open_index(path, &opened) == STATUS_OK && ask(opened.index, &digest) == STATUS_OK);
        close_index(&opened);
        CHECK(write(ends[1], &digest, sizeof(digest)) == sizeof(digest));
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &digest, sizeof(digest)), sizeof(digest));
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return digest;
}

static void a_flipped_bit_is_found_and_changes_no_answer(void **state)
{
    (void)state;
    char whole[PATH_MAX + 16], work[PATH_MAX + 16], words[PATH_MAX];
    unsigned counts[VERDICTS] = {0};
    unsigned flips = getenv("TIERCE_SOAK") != NULL ? FLIPS_SOAK : FLIPS;
    snprintf(whole, sizeof(whole), "%s/whole", folder);
    snprintf(work, sizeof(work), "%s/work", folder);
    uint64_t expected = build_in_child(whole);
    assert_int_equal(judge_in_child(whole, expected, false), RIGHT);
    for (unsigned i = 0; i < flips; i++) {
        run("rm -rf '%s' && cp -a '%s' '%s'", work, whole, work);
        off_t size = flip(work, words, sizeof(words));
        enum verdict verdict = judge_in_child(work, expected, true);
        if (verdict == MISSED && size < SEGMENT_FILE_BYTES) /* a filter: does no harm */
            verdict = RIGHT;
        counts[verdict]++;
        if (verdict > FOUND_LOOKING)
            print_error("%s: %s\n", words,
                        verdict == CRASHED ? "crashed"
                        : verdict == WRONG ? "answered wrongly"
                                           : "not found");
    }
    print_message("%u flips: found opening %u, asking %u, looking %u; in filters %u\n", flips,
                  counts[FOUND_OPENING], counts[FOUND_ASKING], counts[FOUND_LOOKING],
                  counts[RIGHT]);
    assert_int_equal(counts[MISSED] + counts[WRONG] + counts[CRASHED], 0);
}

static int set_up(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/flips-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    is_opening =
        mmap(NULL, sizeof(*is_opening), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return is_opening == MAP_FAILED || mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    run("rm -rf '%s'", folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_is_found_and_changes_no_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
