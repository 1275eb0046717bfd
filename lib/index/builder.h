/* From documents to a segment in memory. */
#ifndef TIERCE_INDEX_BUILDER_H
#define TIERCE_INDEX_BUILDER_H

#include "index/segment.h"

struct builder; /* holds an analyzer and a compressor; one thread at a time */

struct builder_document {
    struct index_document document;
    uint64_t url_hash;
    struct text_slice anchors; /* texts of links to it, one a line */
    uint32_t inlinks;
};

/* `plain`: as in struct index_options. NULL when out of memory. */
struct builder *builder_new(bool plain);
void builder_free(struct builder *builder); /* accepts NULL */

/* Packs text with a dictionary of an earlier segment, until another is due; copied. */
void builder_adopt_dictionary(struct builder *builder, struct text_slice dictionary);

/* What of a text lies within a limit, cut between characters. */
struct text_slice text_cut(struct text_slice text, size_t size_max);

/* The documents, sorted here by URL; no two have the same URL. At least one. */
enum status builder_build(struct builder *builder, struct builder_document *documents,
                          uint32_t count, struct segment **ret_segment, struct error *err);

#endif
