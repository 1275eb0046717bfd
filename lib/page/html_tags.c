#include "page/html_tags.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_block(GumboTag tag)
{
    switch (tag) {
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_DIR:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_HGROUP:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_LEGEND:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_LISTING:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_OPTGROUP:
    case GUMBO_TAG_OPTION:
    case GUMBO_TAG_P:
    case GUMBO_TAG_PLAINTEXT:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TBODY:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_TFOOT:
    case GUMBO_TAG_THEAD:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_XMP:
        return true;
    default:
        return false;
    }
}

static bool is_unseen(GumboTag tag)
{
    switch (tag) {
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_DATALIST:
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_RP:
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TITLE:
    case GUMBO_TAG_VIDEO:
        return true;
    default:
        return false;
    }
}

/* Whether a style says "name: value", with white space wherever CSS allows it. */
static bool style_says(const char *style, const char *name, const char *value)
{
    for (const char *at = style; (at = strcasestr(at, name)) != NULL;) {
        bool whole = at == style || strchr("; \t\r\n", at[-1]) != NULL;
        at += strlen(name);
        const char *rest = at + strspn(at, " \t\r\n");
        if (!whole || *rest != ':')
            continue;
        rest += 1 + strspn(rest + 1, " \t\r\n");
        if (strncasecmp(rest, value, strlen(value)) == 0)
            return true;
    }
    return false;
}

static bool is_hidden(const GumboElement *element)
{
    const char *hidden = html_attribute(element, "hidden");
    const char *style = html_attribute(element, "style");
    if (hidden != NULL && strcasecmp(hidden, "until-found") != 0)
        return true;
    return style != NULL &&
           (style_says(style, "display", "none") || style_says(style, "visibility", "hidden"));
}

/* The parser is older than this element. */
static bool is_dialog(const GumboElement *element)
{
    GumboStringPiece name = element->original_tag;
    if (element->tag != GUMBO_TAG_UNKNOWN)
        return false;
    gumbo_tag_from_original_text(&name);
    return name.length == 6 && strncasecmp(name.data, "dialog", 6) == 0;
}

bool html_element_is_block(const GumboElement *element)
{
    return is_block(element->tag) || is_dialog(element);
}

bool html_element_is_unseen(const GumboElement *element)
{
    bool closed = is_dialog(element) && html_attribute(element, "open") == NULL;
    return closed || is_unseen(element->tag) || is_hidden(element);
}

unsigned html_tag_heading_level(GumboTag tag)
{
    return tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6 ? 1u + tag - GUMBO_TAG_H1 : 0;
}

const char *html_attribute(const GumboElement *element, const char *name)
{
    const GumboAttribute *attribute = gumbo_get_attribute(&element->attributes, name);
    return attribute == NULL ? NULL : attribute->value;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

bool html_list_has(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; at != NULL && *at != '\0';) {
        const char *begin = at;
        while (*at != '\0' && !is_space(*at))
            at++;
        if ((size_t)(at - begin) == size && strncasecmp(begin, word, size) == 0)
            return true;
        at += *at != '\0';
    }
    return false;
}
