/* Writes a segment: first its documents by docid, then its terms in order with their postings. */
#ifndef TIERCE_INDEX_SEGMENT_WRITER_H
#define TIERCE_INDEX_SEGMENT_WRITER_H

#include "index/completion.h"
#include "index/dictionary.h"
#include "index/posting.h"
#include "index/segment.h"

struct segment_writer {
    struct part_writer parts;
    struct posting_writer postings;
    struct dictionary_writer dictionary;
    struct completion_writer completions;
    struct buffer hashes; /* struct hash_row, by docid */
    struct buffer norms[NORM_COLUMNS];
    uint32_t document_count;
    struct text_slice text_dictionaries[TEXT_DICTIONARIES_MAX]; /* written; borrowed */
    uint8_t text_dictionary_count;
};

void segment_writer_init(struct segment_writer *writer, struct segment_sink *sink);
void segment_writer_release(struct segment_writer *writer);

/*
 * A dictionary that text of documents is packed with; borrowed until the writer is released.
 * `ret_number`: its number in this segment, the same for the same bytes; 0 where it is empty.
 * STATUS_TOO_LARGE where there are too many.
 */
enum status segment_writer_add_dictionary(struct segment_writer *writer,
                                          struct text_slice dictionary, uint8_t *ret_number,
                                          struct error *err);

/* The next document. `row`: its address is filled in here. */
enum status segment_writer_add_document(struct segment_writer *writer,
                                        const struct document_row *row,
                                        const struct likeness *likeness,
                                        const uint8_t norms[NORM_COLUMNS], const uint8_t *stored,
                                        struct error *err);

/* A term: begin, add to writer->postings, end. A term without postings is left out. */
void segment_writer_begin_term(struct segment_writer *writer);
enum status segment_writer_end_term(struct segment_writer *writer, const uint8_t *key,
                                    uint32_t size, struct written written, struct error *err);

/* Finishes all chunks, the footer last. */
enum status segment_writer_finish(struct segment_writer *writer, struct error *err);

/* A sink that keeps chunks in memory, for segment_open(). A zeroed struct is empty. */
struct memory_sink {
    struct storage_pin *pins; /* malloc's */
    uint32_t count;
    uint32_t capacity;
};
enum status memory_sink_add(void *self, uint32_t number, struct buffer *chunk, struct error *err);
void memory_sink_release(struct memory_sink *sink);
/* Opens what was written; the sink is empty afterwards. */
enum status memory_sink_open(struct memory_sink *sink, struct segment **ret_segment,
                             struct error *err);

#endif
