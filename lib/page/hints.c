#include "page/hints.h"

#include <string.h>

#include "page/flow.h"

void hints_init(struct hints *hints, const struct url *base, struct arena *arena)
{
    *hints = (struct hints){.arena = arena, .base = base};
}

void hints_release(struct hints *hints)
{
    arena_release(&hints->scratch);
}

/* Twice the room; what was there stays in the arena until that is freed. */
static bool grow(struct hints *hints)
{
    size_t room = hints->room == 0 ? 64 : 2 * hints->room;
    struct page_hint *list = arena_alloc(hints->arena, room * sizeof(*list));
    if (list == NULL)
        return false;
    if (hints->count > 0)
        memcpy(list, hints->list, hints->count * sizeof(*list));
    hints->list = list;
    hints->room = room;
    return true;
}

static const char *keep_title(struct hints *hints, struct text_piece title)
{
    if (title.size == 0)
        return "";
    struct flow flow = {.limit = HINT_TITLE_BYTES_MAX, .one_line = true};
    flow_add(&flow, title.text, title.size, false);
    const char *kept =
        flow.text.failed
            ? NULL
            : arena_string_of(hints->arena, (const char *)flow.text.data, flow.text.size);
    hints->bytes += flow.text.size;
    buffer_release(&flow.text);
    return kept;
}

bool hints_add(struct hints *hints, struct text_piece url, struct text_piece title,
               int64_t modified_us)
{
    struct url parsed;
    arena_reset(&hints->scratch);
    if (url.size == 0 ||
        url_parse(url.text, url.size, hints->base, &hints->scratch, &parsed, NULL) != STATUS_OK)
        return true;
    hints->cut = hints->count == HINTS_MAX || hints->bytes + parsed.text_size > HINTS_BYTES_MAX;
    if (hints->cut)
        return false;
    hints->bytes += parsed.text_size;
    struct page_hint hint = {
        .url = arena_string_of(hints->arena, parsed.text, parsed.text_size),
        .title = keep_title(hints, title),
        .modified_us = modified_us,
    };
    bool kept =
        hint.url != NULL && hint.title != NULL && (hints->count < hints->room || grow(hints));
    hints->failed = !kept;
    if (kept)
        hints->list[hints->count++] = hint;
    return kept;
}
