/* Where things stand in the bytes of a posting list, for its writer and its reader. */
#ifndef TIERCE_INDEX_POSTING_FORMAT_H
#define TIERCE_INDEX_POSTING_FORMAT_H

#include "index/posting.h"

/* A block: header, docids, fields (where each document has its own), frequencies. */
enum {
    BLOCK_COUNT = 0, /* documents, less one */
    BLOCK_DOCID_WIDTH = 1,
    BLOCK_FIELDS = 2,    /* of all documents; 0: each has its own */
    BLOCK_POSITIONS = 3, /* u40: address of its positions */
    BLOCK_HEADER_BYTES = 8,
    BLOCK_DOCIDS_MAX = BLOCK_HEADER_BYTES + 16 * POSTING_DOCID_WIDTH_MAX, /* header and docids */
    BLOCK_BYTES_MAX =
        BLOCK_HEADER_BYTES + 16 * 32 + 16 * FIELD_COUNT + PATCHED_BYTES_MAX * FIELD_COUNT,
};

/* A row of a directory; in front of the first u8: size of a row, u16 LE: how many. */
enum {
    DIRECTORY_HEAD_BYTES = 3,
    ROW_LAST = 0,    /* u32: last docid */
    ROW_ADDRESS = 4, /* u40: of the block */
    ROW_IMPACTS = 9, /* as struct impacts; in a list of the body alone, its first half */
    ROW_BYTES_BODY = ROW_IMPACTS + 2 * IMPACT_PAIRS,
    ROW_BYTES_ALL = ROW_BYTES_BODY + 2 * FIELD_BODY,
};

#endif
