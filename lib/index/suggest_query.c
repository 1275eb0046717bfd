#include <string.h>

#include "index/suggest_parts.h"

static struct query_node *new_node(struct suggesting *self, enum query_kind kind, uint32_t fields)
{
    struct query_node *node = arena_zalloc(self->arena, sizeof(*node));
    if (node != NULL) {
        node->kind = kind;
        node->fields = fields;
    }
    return node;
}

struct query_node *suggest_word_node(struct suggesting *self, const struct typed_word *words,
                                     uint32_t count, uint32_t fields)
{
    struct query_node *node = new_node(self, count > 1 ? QUERY_PHRASE : QUERY_TERM, fields);
    struct query_word *query = arena_zalloc(self->arena, count * sizeof(*query));
    if (node == NULL || query == NULL)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        query[i].alternatives[0] = words[i].term;
        query[i].alternative_count = 1;
        query[i].offset = i;
    }
    node->words = query;
    node->word_count = count;
    return node;
}

struct query_node *suggest_all_of(struct suggesting *self, size_t count, uint32_t fields)
{
    struct query_node *root = new_node(self, QUERY_AND, FIELD_MASK_ALL);
    if (root == NULL)
        return NULL;
    root->children = arena_zalloc(self->arena, (count + 1) * sizeof(*root->children));
    for (size_t i = 0; root->children != NULL && i < count;) {
        size_t end = i + 1;
        while (self->words[i].is_pair && end < count && self->words[end].is_pair)
            end++;
        struct query_node *child =
            suggest_word_node(self, &self->words[i], (uint32_t)(end - i), fields);
        if (child == NULL)
            return NULL;
        root->children[root->child_count++] = child;
        i = end;
    }
    return root->children == NULL ? NULL : root;
}

enum status suggest_run(struct suggesting *self, const struct query_node *root, uint32_t k,
                        uint32_t count_exactly, struct search_result *ret_result)
{
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    struct search_request request = {.k = k,
                                     .count_exactly = count_exactly,
                                     .limit = self->watch.limit,
                                     .include_private = self->vocabulary.include_private};
    struct search_statistics *statistics = &request.statistics;
    size_t count = query_collect_terms(root, terms);
    if (limit_watch_look(&self->watch))
        return limit_watch_status(&self->watch, self->err);
    index_statistics(self->index, &statistics->documents, statistics->field_tokens);
    enum status status =
        index_term_statistics(self->index, terms, count, self->watch.limit, frequencies, self->err);
    statistics->document_frequencies = frequencies;
    statistics->document_frequency_count = count;
    return status == STATUS_OK
               ? index_search(self->index, root, &request, self->arena, ret_result, self->err)
               : status;
}
