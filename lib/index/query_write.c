/* The tree of a query as text: its normal form. */
#include "base/buffer.h"
#include "index/dates.h"
#include "index/query.h"

struct writing {
    struct arena *arena;
    struct buffer out;
};

static void write_node(struct writing *writing, const struct query_node *node, bool inside);

/* "name:value" */
static void write_value(struct writing *writing, const char *name, struct text_slice value)
{
    buffer_append_string(&writing->out, name);
    buffer_append(&writing->out, value.bytes, value.size);
}

static void write_day(struct writing *writing, const char *name, uint32_t day)
{
    char *text = date_text(day, writing->arena);
    buffer_append_string(&writing->out, name);
    buffer_append_string(&writing->out, text == NULL ? "" : text);
    writing->out.failed = writing->out.failed || text == NULL;
}

static void write_dates(struct writing *writing, const struct query_node *node, bool inside)
{
    bool has_end = node->day_end != DATE_DAY_END;
    bool has_both = node->day_begin != 0 && has_end;
    if (has_both && inside)
        buffer_append_byte(&writing->out, '(');
    if (node->day_begin != 0 || !has_end)
        write_day(writing, "after:", node->day_begin);
    if (has_both)
        buffer_append_byte(&writing->out, ' ');
    if (has_end)
        write_day(writing, "before:", node->day_end);
    if (has_both && inside)
        buffer_append_byte(&writing->out, ')');
}

static void write_words(struct writing *writing, const struct query_node *node)
{
    static const char *const field_prefixes[FIELD_COUNT] = {
        "title:", "headings:", "url:", "anchor:", "body:"};
    struct buffer *out = &writing->out;
    for (uint32_t field = 0; field < FIELD_COUNT; field++) {
        if (node->fields == 1u << field)
            buffer_append_string(out, field_prefixes[field]);
    }
    const char *quote = node->kind == QUERY_PHRASE && !node->is_hyphenated ? "\"" : "";
    buffer_append_string(out, quote);
    buffer_append(out, node->text.bytes, node->text.size);
    buffer_append_string(out, quote);
    if (node->kind == QUERY_PREFIX)
        buffer_append_byte(out, '*');
    if (node->slop > 0)
        buffer_append_format(out, "~%u", node->slop);
}

static void write_children(struct writing *writing, const struct query_node *node, bool inside)
{
    bool is_and = node->kind == QUERY_AND;
    if (inside)
        buffer_append_byte(&writing->out, '(');
    for (uint32_t i = 0; i < node->child_count; i++) {
        const struct query_node *child = node->children[i];
        if (i > 0)
            buffer_append_string(&writing->out, is_and ? " " : " OR ");
        write_node(writing, child, !(is_and && child->kind == QUERY_DATES));
    }
    if (inside)
        buffer_append_byte(&writing->out, ')');
}

static void write_node(struct writing *writing, const struct query_node *node, bool inside)
{
    switch (node->kind) {
    case QUERY_NOT:
        buffer_append_byte(&writing->out, '-');
        write_node(writing, node->children[0], true);
        break;
    case QUERY_AND:
    case QUERY_OR:
        write_children(writing, node, inside);
        break;
    case QUERY_TERM:
    case QUERY_PHRASE:
    case QUERY_PREFIX:
        write_words(writing, node);
        break;
    case QUERY_SITE:
        write_value(writing, "site:", node->text);
        break;
    case QUERY_LANGUAGE:
        write_value(writing, "lang:", node->text);
        break;
    case QUERY_TYPE:
        write_value(writing, "type:", node->text);
        break;
    case QUERY_DATES:
        write_dates(writing, node, inside);
        break;
    }
}

const char *query_write(const struct query_node *root, struct arena *arena)
{
    struct writing writing = {.arena = arena};
    if (root != NULL)
        write_node(&writing, root, false);
    char *text = arena_string(arena, buffer_string(&writing.out));
    if (writing.out.failed)
        text = NULL;
    buffer_release(&writing.out);
    return text;
}
