#include "page/link_header.h"

#include <string.h>
#include <strings.h>

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\r");
}

/* A character of a quoted string: what a '\' stands before is itself. */
static char take_quoted(const char **at)
{
    *at += **at == '\\' && (*at)[1] != '\0' && (*at)[1] != '\n';
    return *(*at)++;
}

/* A token or a quoted string, cut at nothing: what has no room leaves "". */
static const char *take_value(const char *at, char ret_value[LINK_HEADER_VALUE_BYTES_MAX])
{
    size_t size = 0;
    bool quoted = *at == '"';
    at += quoted;
    while (strchr(quoted ? "\"\n" : " \t\r\n;,", *at) == NULL) {
        char c = quoted ? take_quoted(&at) : *at++;
        if (size < LINK_HEADER_VALUE_BYTES_MAX)
            ret_value[size++] = c;
    }
    if (size == LINK_HEADER_VALUE_BYTES_MAX)
        size = 0;
    ret_value[size] = '\0';
    return at + (quoted && *at == '"');
}

static bool is(const char *name, size_t size, const char *known)
{
    return size == strlen(known) && strncasecmp(name, known, size) == 0;
}

static void keep(const char *name, size_t size, const char *text, struct link_header_value *value)
{
    char *to = is(name, size, "rel")        ? value->rel
               : is(name, size, "hreflang") ? value->hreflang
               : is(name, size, "type")     ? value->type
                                            : NULL;
    if (to != NULL && *to == '\0')
        memcpy(to, text, strlen(text) + 1);
    value->has_anchor = value->has_anchor || is(name, size, "anchor");
}

/* "; name=value", as many as there are. */
static const char *take_parameters(const char *at, struct link_header_value *value)
{
    char text[LINK_HEADER_VALUE_BYTES_MAX];
    for (at = skip_spaces(at); *at == ';'; at = skip_spaces(at)) {
        const char *name = skip_spaces(at + 1);
        size_t size = strcspn(name, " \t\r\n=;,");
        at = skip_spaces(name + size);
        text[0] = '\0';
        if (*at == '=')
            at = take_value(skip_spaces(at + 1), text);
        keep(name, size, text, value);
    }
    return at;
}

/* Up to the ',' in front of the next link; quoted strings may hold some. */
static const char *skip_rest(const char *at)
{
    while (strchr(",\n", *at) == NULL) {
        bool quoted = *at++ == '"';
        while (quoted && strchr("\"\n", *at) == NULL)
            take_quoted(&at);
        at += quoted && *at == '"';
    }
    return at;
}

bool link_header_next(const char **at, struct link_header_value *ret_value)
{
    for (;;) {
        const char *start = *at + strspn(*at, " \t\r\n,");
        if (*start == '\0')
            return false;
        const char *close = *start == '<' ? strchr(start, '>') : NULL;
        if (close == NULL) {
            *at = skip_rest(start);
            continue;
        }
        ret_value->target = start + 1;
        ret_value->target_size = (size_t)(close - start - 1);
        ret_value->rel[0] = ret_value->hreflang[0] = ret_value->type[0] = '\0';
        ret_value->has_anchor = false;
        *at = skip_rest(take_parameters(close + 1, ret_value));
        return true;
    }
}
