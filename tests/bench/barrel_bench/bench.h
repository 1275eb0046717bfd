/*
 * barrel-bench: the index of a barrel by itself, with the storage that a barrel uses, so that it
 * can be compared with other engines on the same text.
 */
#ifndef TIERCE_BENCH_H
#define TIERCE_BENCH_H

#include "barrel/storage_rocksdb.h"
#include "index/document.h"
#include "index/query_languages.h"
#include "index/search.h"

enum mode { MODE_OR, MODE_AND, MODE_PHRASE, MODE_TYPED };

struct settings {
    const char *data;
    uint64_t memory_bytes;
    uint64_t segments; /* left by merging; 0: as the index likes */
    uint64_t size;     /* results asked for */
    uint64_t threads;
    uint64_t rate;     /* of `load`: documents a second */
    uint64_t searches; /* of `load`: a second */
    uint64_t seconds;  /* of `load` */
    bool plain;
    bool check;
    enum mode mode;
    const char *queries; /* of `run` */
    const char *out;
};

struct bench {
    struct settings settings;
    struct storage_rocksdb *storage;
    struct index *index;
    struct text_analyzer *analyzer;
    query_languages languages; /* of the documents */
    uint64_t compound_pages;   /* compounds_pages() */
};

/* All of these end the program with a message where something is wrong. */
void bench_open(struct bench *bench);
void bench_close(struct bench *bench);
void bench_fail(const char *what, const struct error *err) __attribute__((noreturn));

void bench_index(struct bench *bench, const char *file);
void bench_query(struct bench *bench, const char *file);
void bench_snippets(struct bench *bench, const char *file);
void bench_run(struct bench *bench);
void bench_load(struct bench *bench, const char *file, const char *queries_file);

/* ---- documents (documents.c) ---- */

/* A line of a file of documents; borrowed until the next one. */
struct line {
    const char *id;
    const char *url;
    const char *title;
    const char *body;
};

struct lines;
struct lines *lines_open(const char *file);
/* False at the end. */
bool lines_next(struct lines *lines, struct line *ret_line);
uint64_t lines_number(const struct lines *lines);
void lines_close(struct lines *lines);

/* Documents as a barrel is given them: so many at a time. */
struct batch;
struct batch *batch_new(struct bench *bench);
void batch_add(struct batch *batch, const struct line *line);
bool batch_is_full(const struct batch *batch);
/* Applies and empties it. */
enum status batch_apply(struct bench *bench, struct batch *batch, struct error *err);
void batch_free(struct batch *batch);

/* The URL of a document that has none but an id, and back; NULL: none of those. */
#define ID_URL "http://id.test/"

/* ---- searching (ask.c) ---- */

struct question {
    const struct query_node *query; /* NULL: nothing to look for */
    uint64_t frequencies[QUERY_TERMS_MAX];
    size_t known; /* so many of them, of its first terms, were found out while it was read */
};

/* Reads a query as the settings say. In the arena. */
struct question *ask_read(struct bench *bench, const char *text, enum mode mode,
                          struct arena *arena);
/* Searches for the best `k`; `exhaustively`: without skipping anything. */
struct search_result ask(struct bench *bench, struct question *question, uint32_t k,
                         bool exhaustively, struct arena *arena);

/* ---- queries and times (query.c) ---- */

struct queries {
    char **texts;
    size_t count;
};
/* A line each. */
struct queries queries_read(const char *file);
void queries_release(struct queries *queries);

void times_sort(double *times, size_t count);

/* ---- memory (memory.c) ---- */

/* From now on the most anonymous memory is noted, until it is printed. */
void memory_watch(void);
void memory_print(void);

#endif
