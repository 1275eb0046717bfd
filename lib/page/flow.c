#include "page/flow.h"

#include <stdint.h>

#include "crawl/utf8.h"

/* White space beyond ASCII: what looks like a gap, a line break or nothing at all (U+FEFF). */
static bool is_wide_space(uint32_t c)
{
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

static bool is_space_at(const uint8_t *at, const uint8_t *end, const uint8_t **ret_next)
{
    if (*at < 0x80) {
        *ret_next = at + 1;
        return *at <= ' ' || *at == 0x7F;
    }
    const uint8_t *next = at;
    uint32_t c = utf8_next(&next, end);
    *ret_next = next;
    return (c < 0xA0) || is_wide_space(c);
}

void flow_space(struct flow *flow)
{
    flow->space = true;
}

void flow_line(struct flow *flow)
{
    flow->space = true;
    flow->line = !flow->one_line;
}

/* A run without white space. */
static void add_word(struct flow *flow, const char *word, size_t size)
{
    size_t gap = flow->text.size > 0 && flow->space;
    if (flow->cut)
        return;
    if (flow->text.size + gap + size > flow->limit) {
        flow->cut = true;
        size_t room = flow->limit - flow->text.size;
        size = room <= gap ? 0 : utf8_cut(word, size, room - gap);
    }
    if (size == 0)
        return;
    if (gap > 0)
        buffer_append_byte(&flow->text, flow->line ? '\n' : ' ');
    buffer_append(&flow->text, word, size);
    flow->space = false;
    flow->line = false;
}

void flow_add(struct flow *flow, const char *text, size_t size, bool keep_lines)
{
    if (size == 0)
        return; /* of an empty buffer there is not even a beginning */
    const uint8_t *at = (const uint8_t *)text, *end = at + size;
    while (at < end) {
        const uint8_t *word = at, *next = at;
        while (at < end && ((*at > ' ' && *at < 0x7F) || !is_space_at(at, end, &next)))
            at = *at < 0x80 ? at + 1 : next;
        if (at > word)
            add_word(flow, (const char *)word, (size_t)(at - word));
        while (at < end && is_space_at(at, end, &next)) {
            if (keep_lines && (*at == '\n' || *at == '\r'))
                flow_line(flow);
            flow_space(flow);
            at = next;
        }
    }
}

void flow_clear(struct flow *flow)
{
    buffer_clear(&flow->text);
    flow->cut = false;
    flow->space = false;
    flow->line = false;
}
