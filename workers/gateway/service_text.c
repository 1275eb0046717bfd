/* Text that a service hands out: cleaned queries, snippets as HTML. */
#include <string.h>

#include "gateway/service_parts.h"

static const char special[] = "&<>\"'";

/* The special characters are rare: text between them is skipped and copied in runs. */
static size_t escaped_size(const char *text)
{
    size_t size = 0;
    for (;;) {
        size_t run = strcspn(text, special);
        size += run;
        if (text[run] == '\0')
            return size;
        size += sizeof("&quot;") - 1;
        text += run + 1;
    }
}

static const char *entity(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return "&#39;";
    }
}

static char *escape(char *out, const char *text)
{
    for (;;) {
        size_t run = strcspn(text, special);
        memcpy(out, text, run);
        out += run;
        if (text[run] == '\0')
            return out;
        out = stpcpy(out, entity(text[run]));
        text += run + 1;
    }
}

const char *service_snippet(const Wire__Document *document, struct arena *arena)
{
    size_t room = 1;
    for (size_t i = 0; i < document->n_snippet; i++)
        room += escaped_size(document->snippet[i]->text) + sizeof("<mark></mark>");
    char *html = arena_alloc(arena, room);
    if (html == NULL)
        return NULL;
    char *out = html;
    for (size_t i = 0; i < document->n_snippet; i++) {
        const Wire__Span *span = document->snippet[i];
        out = span->marked ? stpcpy(out, "<mark>") : out;
        out = escape(out, span->text);
        out = span->marked ? stpcpy(out, "</mark>") : out;
    }
    *out = '\0';
    return html;
}

const char *service_clean_text(const char *text, size_t bytes_max, struct arena *arena)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t size = strnlen(text, bytes_max + 4);
    char *clean = arena_alloc(arena, 3 * size + 1); /* each bad byte becomes three */
    if (clean == NULL)
        return NULL;
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        uint32_t character;
        size_t step = text_decode(text + at, size - at, &character);
        bool is_bad = character == 0xfffd;
        char space = ' ';
        const char *bytes = is_bad ? replacement : character < 0x20 ? &space : text + at;
        size_t count = is_bad ? 3 : step;
        if (used + count > bytes_max)
            break;
        memcpy(clean + used, bytes, count);
        used += count;
        at += step;
    }
    clean[used] = '\0';
    return clean;
}
