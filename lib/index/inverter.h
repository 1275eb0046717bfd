/*
 * Inversion: from the words of documents, in the order in which they are read, to the postings of
 * each term, in the order of the terms. Every occurrence is one number in a long array; when the
 * last document has been read, a counting sort by term brings those of one term together, and they
 * stay in the order of documents, fields and positions.
 */
#ifndef TIERCE_INDEX_INVERTER_H
#define TIERCE_INDEX_INVERTER_H

#include "base/arena.h"
#include "index/segment_writer.h"

/* A zeroed struct is empty. */
struct inverter {
    struct arena keys;
    struct inverter_term *terms;
    uint32_t term_count;
    uint32_t term_capacity;
    struct inverter_slot *table; /* a power of two, at most half full */
    uint32_t table_size;
    struct inverter_occurrence *occurrences;
    uint32_t occurrence_count;
    uint32_t occurrence_capacity;
    uint32_t *document_ends; /* occurrences in front of the end of each document */
    uint32_t document_count;
    uint32_t document_capacity;
    struct numbers positions; /* of one posting */
    bool failed;              /* out of memory: what was added is not whole */
};

void inverter_release(struct inverter *inverter); /* empties it */

/*
 * A key in the document being read. Within a document fields rise, and positions within a field do
 * not fall. The same key at the same place counts once.
 *
 * key         1 to KEY_MAX bytes
 * position    below POSTING_FREQUENCY_MAX
 * is_written  it is a word as it stands there: see struct written
 */
void inverter_add(struct inverter *inverter, const uint8_t *key, uint32_t size,
                  enum query_field field, uint32_t position, bool is_written);

/* Ends the document; the first has docid 0. */
void inverter_end_document(struct inverter *inverter);

/* Writes all terms with their postings. What was added is forgotten then. */
enum status inverter_write(struct inverter *inverter, struct segment_writer *writer,
                           struct error *err);

#endif
