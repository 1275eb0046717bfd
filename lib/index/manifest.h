/* What an index consists of: the one value that names its segments. It moves in one step with the
 * feed's position. */
#ifndef TIERCE_INDEX_MANIFEST_H
#define TIERCE_INDEX_MANIFEST_H

#include "base/buffer.h"
#include "index/snapshot.h"

#define KEY_MANIFEST  'M'
#define KEY_CHUNK     STORAGE_BULK_PREFIX /* id, number of the chunk -> chunk */
#define KEY_DELETIONS 'D'                 /* id -> bits of deleted documents, CRC-32C */
#define KEY_LINKS     'P'                 /* id -> counts of links by docid, CRC-32C */
#define KEY_SCOPES    'V'                 /* which private documents everyone may see */

#define MANIFEST_VERSION      8
#define MANIFEST_SEGMENTS_MAX 4096
#define MANIFEST_GARBAGE_MAX  4096

struct manifest_segment {
    uint64_t id;
    uint32_t chunk_count;
    uint64_t field_tokens[FIELD_COUNT]; /* of its live documents */
};

struct manifest {
    uint64_t position; /* of the feed */
    uint64_t next_id;  /* larger than every segment's */
    uint32_t segment_count;
    uint32_t garbage_count;
    struct manifest_segment *segments;
    uint64_t *garbage; /* ids of segments that may have left something behind */
};

void manifest_encode(const struct manifest *manifest, struct buffer *ret_bytes);
/* Fills ret_manifest, to be freed by manifest_release(). STATUS_CORRUPT, STATUS_UNSUPPORTED,
 * STATUS_NO_MEMORY. */
enum status manifest_decode(const uint8_t *bytes, size_t size, struct manifest *ret_manifest,
                            struct error *err);
void manifest_release(struct manifest *manifest);

/* Deletions and counts of links as they are stored. */
void deletions_encode(const struct deletions *deletions, struct buffer *ret_bytes);
enum status deletions_decode(const uint8_t *bytes, size_t size, uint32_t document_count,
                             struct deletions **ret_deletions, struct error *err);
void links_encode(const struct segment *segment, struct buffer *ret_bytes);
enum status links_decode(const uint8_t *bytes, size_t size, struct segment *segment,
                         struct error *err);

/* What everyone may see. `is_whole`: counts of links and anchor texts follow it. */
void scopes_encode(const struct visibility *shown, bool is_whole, struct buffer *ret_bytes);
enum status scopes_decode(const uint8_t *bytes, size_t size, struct visibility **ret_shown,
                          bool *ret_is_whole, struct error *err);

#endif
