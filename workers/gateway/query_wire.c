#include "gateway/query_wire.h"

#include "base/check.h"
#include "index/query.h"

static Wire__NodeKind wire_kind(enum query_kind kind)
{
    switch (kind) {
    case QUERY_AND:
        return WIRE__NODE_KIND__NODE_AND;
    case QUERY_OR:
        return WIRE__NODE_KIND__NODE_OR;
    case QUERY_NOT:
        return WIRE__NODE_KIND__NODE_NOT;
    case QUERY_TERM:
    case QUERY_PREFIX:
        return WIRE__NODE_KIND__NODE_TERM;
    case QUERY_PHRASE:
        return WIRE__NODE_KIND__NODE_PHRASE;
    case QUERY_SITE:
        return WIRE__NODE_KIND__NODE_SITE;
    case QUERY_LANGUAGE:
        return WIRE__NODE_KIND__NODE_LANGUAGE;
    case QUERY_TYPE:
        return WIRE__NODE_KIND__NODE_TYPE;
    case QUERY_DATES:
        return WIRE__NODE_KIND__NODE_DATES;
    }
    return WIRE__NODE_KIND__NODE_NONE;
}

static bool put_words(const struct query_node *from, struct arena *arena, Wire__Node *node)
{
    size_t count = 0;
    for (uint32_t i = 0; i < from->word_count; i++)
        count += from->words[i].alternative_count;
    node->terms = arena_alloc(arena, count * sizeof(*node->terms) + 1);
    node->offsets = arena_alloc(arena, count * sizeof(*node->offsets) + 1);
    if (node->terms == NULL || node->offsets == NULL)
        return false;
    bool is_phrase = from->kind == QUERY_PHRASE;
    for (uint32_t i = 0; i < from->word_count; i++) {
        const struct query_word *word = &from->words[i];
        for (uint32_t j = 0; j < word->alternative_count; j++) {
            const struct query_term *term = &word->alternatives[j];
            node->offsets[node->n_terms] = word->offset;
            node->terms[node->n_terms++] =
                (ProtobufCBinaryData){.len = term->size, .data = (uint8_t *)term->bytes};
        }
    }
    node->n_offsets = is_phrase ? count : 0;
    return true;
}

static bool put_filter(const struct query_node *from, struct arena *arena, Wire__Node *node)
{
    node->day_begin = from->day_begin;
    node->day_end = from->day_end;
    if (from->kind == QUERY_DATES)
        return true;
    node->terms = arena_alloc(arena, sizeof(*node->terms));
    if (node->terms == NULL)
        return false;
    node->terms[0] =
        (ProtobufCBinaryData){.len = from->text.size, .data = (uint8_t *)from->text.bytes};
    node->n_terms = 1;
    return true;
}

static Wire__Node *make_node(const struct query_node *from, struct arena *arena)
{
    Wire__Node *node = arena_alloc(arena, sizeof(*node));
    if (node == NULL)
        return NULL;
    wire__node__init(node);
    if (from == NULL)
        return node;
    node->kind = wire_kind(from->kind);
    node->fields = from->fields;
    node->prefix = from->kind == QUERY_PREFIX;
    node->slop = from->slop;
    if (query_filters(from))
        return put_filter(from, arena, node) ? node : NULL;
    if (!put_words(from, arena, node))
        return NULL;
    node->children = arena_alloc(arena, from->child_count * sizeof(*node->children) + 1);
    if (node->children == NULL)
        return NULL;
    for (uint32_t i = 0; i < from->child_count; i++) {
        Wire__Node *child = make_node(from->children[i], arena); /* at most QUERY_DEPTH_MAX deep */
        if (child == NULL)
            return NULL;
        node->children[node->n_children++] = child;
    }
    return node;
}

enum status query_to_wire(const struct query_node *root, struct arena *arena, Wire__Node **ret_node,
                          struct error *err)
{
    Wire__Node *node = make_node(root, arena);
    if (node == NULL)
        return error_set(err, STATUS_NO_MEMORY, "query");
    *ret_node = node;
    return STATUS_OK;
}
