/*
 * Cutting a snippet out of a passage: of the windows in it the one with the most different words of
 * the query wins; then the closest together, then the first.
 */
#ifndef TIERCE_INDEX_SNIPPET_H
#define TIERCE_INDEX_SNIPPET_H

#include "index/document.h"
#include "index/text_blocks.h"

/* Everything of the snippet is in the arena. STATUS_NO_MEMORY. */
enum status snippet_cut(struct text_analyzer *analyzer, const struct passage *passage,
                        enum text_language language, const struct query_node *query,
                        struct arena *arena, struct snippet *ret_snippet, struct error *err);

/* Leaves at most so many characters of it, the last of which says that there was more; 0: all of
 * it. STATUS_NO_MEMORY. */
enum status snippet_shorten(struct snippet *snippet, uint32_t characters, struct arena *arena,
                            struct error *err);

#endif
