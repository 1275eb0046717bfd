/*
 * An immutable run of documents with their postings. Segments in memory and in storage have the
 * same bytes: docs/format-segment.md. Documents are numbered in the order of their URLs.
 */
#ifndef TIERCE_INDEX_SEGMENT_H
#define TIERCE_INDEX_SEGMENT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "index/document.h"
#include "index/length.h"
#include "index/part.h"
#include "index/storage.h"
#include "index/stored.h"

#define SEGMENT_DOCUMENTS_MAX (1u << 20)
#define INLINKS_WINDOW        4096       /* documents */
#define DOCID_END             UINT32_MAX /* behind the last document */

/* Keys of the dictionary: terms as they are; what a document is found by beside them, behind a byte
 * that no term begins with. */
#define KEY_SITE     0x01
#define KEY_PREFIX   QUERY_KEY_PREFIX /* of no list: see prefix.h */
#define KEY_LANGUAGE 0x03
#define KEY_TYPE     0x04
#define KEY_YEAR     0x05 /* and "2024" */
#define KEY_MONTH    0x06 /* and "202405" */
#define KEY_DAY      0x07 /* and "20240501" */
#define KEY_MAX      (QUERY_SITE_MAX + 1)

#define TEXT_DICTIONARIES_MAX 255 /* of one segment */

/* A row of PART_DOCUMENTS: url hash, address of the stored document, which dictionary its text is
 * packed with, the day of the page's own date, hash of the site, size of the stored document, links
 * to it when it was indexed. */
#define DOCUMENT_ROW_BYTES 32
/* A row of PART_HASHES: url hash, docid; by rising hash. */
#define HASH_ROW_BYTES 16
/* A row of PART_LIKENESSES: fingerprint, simhash; by docid. */
#define LIKENESS_ROW_BYTES 16
/* The columns of PART_NORMS, a byte for each document, each in a chunk of its own: the lengths of
 * the fields (length_code()), then flags, then the language (enum text_language) by which the
 * document was stemmed: a stem that has its language in front is in no document of another. */
#define NORM_FLAGS         FIELD_COUNT
#define NORM_LANGUAGE      (FIELD_COUNT + 1)
#define NORM_COLUMNS       (FIELD_COUNT + 2)
#define FLAG_PRIVATE       1u
#define FLAG_HAS_CANONICAL 2u /* names another page as the one to be found */
/* The bits from this one on say how many characters of its text may be shown: 0: as many as one
 * likes, 1: none, else those of one less, times SNIPPET_STEP. */
#define FLAG_SNIPPET_SHIFT 2
#define SNIPPET_STEP       5

/* What a document's wish comes to, as flags; and back. */
static inline uint8_t snippet_flags(const struct index_document *document)
{
    uint32_t code = document->snippet_max / SNIPPET_STEP + 1;
    if (document->no_snippet)
        code = 1;
    else if (document->snippet_max == 0 || document->snippet_max >= SNIPPET_CHARACTERS_MAX)
        code = 0;
    return (uint8_t)(code << FLAG_SNIPPET_SHIFT);
}
static inline void snippet_take_flags(struct index_document *document, uint8_t flags)
{
    uint32_t code = flags >> FLAG_SNIPPET_SHIFT;
    document->no_snippet = code == 1;
    document->snippet_max = code > 1 ? (code - 1) * SNIPPET_STEP : 0;
}

struct document_row {
    uint64_t url_hash;
    uint64_t site_hash;
    uint64_t stored_address;
    uint32_t stored_size;
    uint32_t inlinks;        /* when it was indexed */
    uint8_t text_dictionary; /* its number, from 1; 0: none */
    uint16_t modified_day;   /* counted from 1970-01-01; 0: not known */
};

struct segment {
    atomic_uint references;
    uint64_t id; /* in the storage; 0: in memory */
    uint64_t bytes;
    uint32_t document_count;
    uint32_t chunk_count; /* the footer included */
    uint64_t term_count;
    uint32_t block_count;      /* of the dictionary */
    uint32_t completion_count; /* rows */
    struct part parts[PART_END];
    ZSTD_DDict **text_dictionaries; /* by number, less one; they point into their chunks */
    atomic_uint *inlinks;     /* by docid: pages that link to it, now; see segment_set_inlinks() */
    atomic_uint *inlinks_max; /* by docid / INLINKS_WINDOW: none of those has had more */
    atomic_bool *corrupt;     /* the index's: set when a wrong byte is met. May be NULL */
    bool deletions_changed;   /* since the last flush; the writer's */
    bool inlinks_changed;     /* as above */
    struct storage storage;   /* where the pins are from; no ops: they are malloc's */
    struct storage_pin *pins;
};

/*
 * Opens a segment from its chunks in order, the footer last. Takes the pins and the array that
 * holds them (malloc's), also on failure. `storage` without ops: each handle is freed by free().
 *
 * Returns STATUS_OK, STATUS_CORRUPT, STATUS_UNSUPPORTED or STATUS_NO_MEMORY. The caller holds one
 * reference.
 */
enum status segment_open(struct storage storage, struct storage_pin *pins, uint32_t count,
                         struct segment **ret_segment, struct error *err);
/* Its bytes never left memory: they are not compared with their checksums. */
void segment_trust(struct segment *segment);
struct segment *segment_hold(struct segment *segment);
void segment_release(struct segment *segment); /* accepts NULL */

/* Notes that a wrong byte was met and returns STATUS_CORRUPT. */
enum status segment_corrupt(const struct segment *segment, struct error *err);

/* Returns how many it had. */
unsigned segment_set_inlinks(struct segment *segment, uint32_t docid, unsigned count);
/* Fills inlinks with what the rows say. */
enum status segment_load_inlinks(struct segment *segment, struct error *err);

/* False (and the segment is marked corrupt) where the row cannot be read. */
bool segment_row(const struct segment *segment, uint32_t docid, struct document_row *ret_row);

/* The same of the document's likeness. */
bool segment_likeness(const struct segment *segment, uint32_t docid, struct likeness *ret_likeness);

/* A byte for each document, of which there is at least one; NULL as above. */
static inline const uint8_t *segment_column(const struct segment *segment, unsigned column)
{
    const struct part *norms = &segment->parts[PART_NORMS];
    return column < norms->chunk_count
               ? chunk_at(&norms->chunks[column], 0, norms->chunks[column].size)
               : NULL;
}

/* All columns of one document; false as above. */
static inline bool segment_norms(const struct segment *segment, uint32_t docid,
                                 uint8_t ret[NORM_COLUMNS])
{
    const struct part *norms = &segment->parts[PART_NORMS];
    for (unsigned column = 0; column < NORM_COLUMNS; column++) {
        const uint8_t *byte =
            column < norms->chunk_count ? chunk_at(&norms->chunks[column], docid, 1) : NULL;
        if (byte == NULL)
            return false;
        ret[column] = *byte;
    }
    return true;
}

/* Documents by the hashes of their URLs: the first row whose hash is not below; document_count
 * where there is none. */
uint32_t segment_find_hash(const struct segment *segment, uint64_t url_hash);
/* The document of such a row; DOCID_END where its hash is another (or it cannot be read). */
uint32_t segment_hash_docid(const struct segment *segment, uint32_t row, uint64_t url_hash);

/* ---- stored documents ---- */

/* Borrowed from the segment. */
bool segment_stored(const struct segment *segment, const struct document_row *row,
                    struct stored_fields *ret_fields);
/* The bytes of one of the segment's text dictionaries. */
struct text_slice segment_text_dictionary(const struct segment *segment, uint8_t number);

#endif
