#include "page/document.h"

#include <string.h>
#include <time.h>

#include "crawl/utf8.h"

static int64_t cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void document_begin(struct document *document, const char *type)
{
    *document = (struct document){.type = type,
                                  .html = {.limit = DOCUMENT_HTML_BYTES_MAX},
                                  .ends_ms = cpu_ms() + DOCUMENT_CPU_MS_MAX};
}

void document_release(struct document *document)
{
    buffer_release(&document->html);
}

bool document_is_full(struct document *document)
{
    bool full = document->html.failed || cpu_ms() > document->ends_ms;
    document->cut |= full;
    return full;
}

void document_markup(struct document *document, const char *markup)
{
    buffer_append_string(&document->html, markup);
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\0':
        return " ";
    default:
        return NULL;
    }
}

void document_text(struct document *document, const char *text, size_t size)
{
    size_t from = 0, room = DOCUMENT_HTML_BYTES_MAX - document->html.size;
    if (size > room) {
        size = utf8_cut(text, size, room);
        document->cut = true;
    }
    for (size_t i = 0; i < size; i++) {
        const char *escape = escape_of(text[i]);
        if (escape == NULL)
            continue;
        buffer_append(&document->html, text + from, i - from);
        buffer_append_string(&document->html, escape);
        from = i + 1;
    }
    buffer_append(&document->html, text + from, size - from);
}

void document_attribute(struct document *document, const char *name, const char *value)
{
    document_markup(document, " ");
    document_markup(document, name);
    document_markup(document, "=\"");
    document_text(document, value, strlen(value));
    document_markup(document, "\"");
}

static bool is_there(const char *text)
{
    return text != NULL && text[0] != '\0';
}

void document_write_head(struct document *document, const struct document_head *head)
{
    document_markup(document, "<!DOCTYPE html><html");
    if (is_there(head->language))
        document_attribute(document, "lang", head->language);
    document_markup(document, "><head><meta charset=\"utf-8\">");
    if (is_there(head->title)) {
        document_markup(document, "<title>");
        document_text(document, head->title, strlen(head->title));
        document_markup(document, "</title>");
    }
    if (is_there(head->description)) {
        document_markup(document, "<meta name=\"description\"");
        document_attribute(document, "content", head->description);
        document_markup(document, ">");
    }
    document_markup(document, "</head><body><main>\n");
}
