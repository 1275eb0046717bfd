#include "crawl/directives.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

struct word {
    const char *text;
    size_t size;
};

static bool is(struct word word, const char *name)
{
    return word.size == strlen(name) && strncasecmp(word.text, name, word.size) == 0;
}

static struct word trimmed(const char *text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n\f", *text) != NULL) {
        text++;
        size--;
    }
    while (size > 0 && strchr(" \t\r\n\f", text[size - 1]) != NULL)
        size--;
    return (struct word){text, size};
}

static void apply(struct directives *directives, struct word word)
{
    bool none = is(word, "none");
    directives->noindex |= none || is(word, "noindex");
    directives->nofollow |= none || is(word, "nofollow");
    directives->noarchive |= is(word, "noarchive") || is(word, "nocache");
    directives->nosnippet |= is(word, "nosnippet") || is(word, "max-snippet:0");
}

void directives_add(struct directives *directives, const char *list, size_t size)
{
    const char *at = list, *end = list + size;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma == NULL ? end : comma;
        apply(directives, trimmed(at, (size_t)(stop - at)));
        at = stop + 1;
    }
}

/* "unavailable_after: ..." looks like an agent's name but is a directive. */
static bool takes_value(struct word name)
{
    static const char *const names[] = {"unavailable_after", "max-snippet", "max-image-preview",
                                        "max-video-preview"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (is(name, names[i]))
            return true;
    }
    return false;
}

/* "agent: list" or "list". A name in front holds for all of the line. */
static void add_header(struct directives *directives, const char *line, size_t size)
{
    const char *end = line + size;
    const char *colon = memchr(line, ':', size);
    if (colon != NULL) {
        struct word name = trimmed(line, (size_t)(colon - line));
        bool is_agent = memchr(name.text, ',', name.size) == NULL && !takes_value(name);
        if (is_agent && !is(name, DIRECTIVES_AGENT) && !is(name, "robots") && !is(name, "*"))
            return;
        if (is_agent)
            line = colon + 1;
    }
    directives_add(directives, line, (size_t)(end - line));
}

void directives_add_headers(struct directives *directives, const char *lines)
{
    while (lines != NULL && *lines != '\0') {
        size_t size = strcspn(lines, "\n");
        add_header(directives, lines, size);
        lines += size + (lines[size] == '\n');
    }
}
