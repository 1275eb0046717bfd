#include "page/html_hints.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "page/html_tags.h"

enum { NAME_BYTES_MAX = 24 }; /* of a word in a class or id; longer ones say nothing */

/* ---- classes and ids: words apart by anything but letters, or by a capital ("topNav") -------- */

struct hint_word {
    const char *word;
    enum { WHOLE, BEGINS, ENDS } match;
    unsigned hint;
};

/* By the first letter of those that do not match an end. */
static const struct hint_word words[] = {
    {"addthis", BEGINS, HTML_HINT_SURELY},    {"advert", BEGINS, HTML_HINT_SURELY},
    {"adsense", BEGINS, HTML_HINT_SURELY},    {"ad", WHOLE, HTML_HINT_PERHAPS},
    {"ads", WHOLE, HTML_HINT_PERHAPS},        {"announcement", WHOLE, HTML_HINT_PERHAPS},
    {"banner", WHOLE, HTML_HINT_PERHAPS},     {"branding", WHOLE, HTML_HINT_PERHAPS},
    {"breadcrumb", BEGINS, HTML_HINT_SURELY}, {"catlinks", WHOLE, HTML_HINT_PERHAPS},
    {"consent", BEGINS, HTML_HINT_SURELY},    {"cookie", BEGINS, HTML_HINT_SURELY},
    {"copyright", BEGINS, HTML_HINT_SURELY},  {"crumb", BEGINS, HTML_HINT_SURELY},
    {"dropdown", WHOLE, HTML_HINT_PERHAPS},   {"editsection", WHOLE, HTML_HINT_SURELY},
    {"feedback", WHOLE, HTML_HINT_PERHAPS},   {"gdpr", BEGINS, HTML_HINT_SURELY},
    {"gotop", WHOLE, HTML_HINT_PERHAPS},      {"header", WHOLE, HTML_HINT_IF_LINKS},
    {"headerbar", WHOLE, HTML_HINT_PERHAPS},  {"login", WHOLE, HTML_HINT_PERHAPS},
    {"masthead", WHOLE, HTML_HINT_SURELY},    {"menu", BEGINS, HTML_HINT_PERHAPS},
    {"modal", WHOLE, HTML_HINT_PERHAPS},      {"mostread", WHOLE, HTML_HINT_PERHAPS},
    {"nav", WHOLE, HTML_HINT_SURELY},         {"navbar", BEGINS, HTML_HINT_SURELY},
    {"navfooter", WHOLE, HTML_HINT_SURELY},   {"navheader", WHOLE, HTML_HINT_SURELY},
    {"navi", WHOLE, HTML_HINT_SURELY},        {"navigation", WHOLE, HTML_HINT_SURELY},
    {"navlinks", WHOLE, HTML_HINT_SURELY},    {"navlist", WHOLE, HTML_HINT_SURELY},
    {"navmenu", WHOLE, HTML_HINT_SURELY},     {"navpath", WHOLE, HTML_HINT_SURELY},
    {"newsletter", BEGINS, HTML_HINT_SURELY}, {"noprint", WHOLE, HTML_HINT_PERHAPS},
    {"overlay", WHOLE, HTML_HINT_PERHAPS},    {"pager", WHOLE, HTML_HINT_SURELY},
    {"pagination", WHOLE, HTML_HINT_SURELY},  {"paginator", WHOLE, HTML_HINT_SURELY},
    {"popular", WHOLE, HTML_HINT_PERHAPS},    {"popup", WHOLE, HTML_HINT_PERHAPS},
    {"promo", WHOLE, HTML_HINT_PERHAPS},      {"recommend", BEGINS, HTML_HINT_PERHAPS},
    {"related", BEGINS, HTML_HINT_PERHAPS},   {"share", WHOLE, HTML_HINT_SURELY},
    {"sharedaddy", WHOLE, HTML_HINT_SURELY},  {"sharing", WHOLE, HTML_HINT_SURELY},
    {"sidebar", BEGINS, HTML_HINT_PERHAPS},   {"signup", WHOLE, HTML_HINT_PERHAPS},
    {"skip", WHOLE, HTML_HINT_SURELY},        {"skiplink", BEGINS, HTML_HINT_SURELY},
    {"social", WHOLE, HTML_HINT_PERHAPS},     {"sponsor", BEGINS, HTML_HINT_PERHAPS},
    {"submenu", WHOLE, HTML_HINT_PERHAPS},    {"subscribe", WHOLE, HTML_HINT_PERHAPS},
    {"toolbar", WHOLE, HTML_HINT_PERHAPS},    {"topbar", WHOLE, HTML_HINT_PERHAPS},
    {"trending", WHOLE, HTML_HINT_PERHAPS},   {"widget", WHOLE, HTML_HINT_PERHAPS},
    {"footer", ENDS, HTML_HINT_SURELY},       {"menu", ENDS, HTML_HINT_PERHAPS},
    {"nav", ENDS, HTML_HINT_SURELY},          {"searchbox", ENDS, HTML_HINT_PERHAPS},
    {"sidebar", ENDS, HTML_HINT_PERHAPS},
};

static bool matches(const struct hint_word *rule, const char *name, size_t size)
{
    size_t length = strlen(rule->word);
    if (size < length || (rule->match == WHOLE && size != length))
        return false;
    return memcmp(rule->match == ENDS ? name + size - length : name, rule->word, length) == 0;
}

static unsigned hint_of_word(const char *name, size_t size)
{
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        bool may = words[i].match == ENDS || words[i].word[0] == name[0];
        if (may && matches(&words[i], name, size))
            return words[i].hint;
    }
    return 0;
}

/* "has-sidebar" stands at what has none of it itself, and "tag-cookies" at a post about them. */
static bool is_about_another(const char *name, size_t size)
{
    static const char *const abouts[] = {"has", "with",     "no",   "without", "layout", "js",
                                         "tag", "category", "term", "topic",   "type",   "format"};
    for (size_t i = 0; i < ARRAY_COUNT(abouts); i++) {
        if (size == strlen(abouts[i]) && memcmp(name, abouts[i], size) == 0)
            return true;
    }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The names that blogs give to what is written in them, whatever other names say beside these. */
static bool is_post(const char *names)
{
    return html_list_has(names, "post") || html_list_has(names, "hentry") ||
           html_list_has(names, "entry-content");
}

static unsigned hints_of_names(const char *value)
{
    unsigned hints = 0;
    if (is_post(value))
        return 0;
    bool about = false;
    for (const char *at = value; *at != '\0';) {
        char name[NAME_BYTES_MAX];
        size_t size = 0;
        about = about && *at != ' ';
        if (!is_letter(*at)) {
            at++;
            continue;
        }
        do {
            if (size < sizeof(name))
                name[size] = (char)(*at | 0x20);
            size++;
            at++;
        } while (is_letter(*at) && !(*at < 'a' && at[-1] >= 'a'));
        if (size <= sizeof(name) && !about)
            hints |= hint_of_word(name, size);
        about = about || (size <= sizeof(name) && is_about_another(name, size));
    }
    return hints;
}

/* An id is often made of a heading ("menus-and-toolbars") or is a name in a program: only such as
 * a designer gives count, of one word or two, and not those of sections. */
static unsigned hints_of_id(const GumboElement *element, const char *value)
{
    unsigned gaps = 0;
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '_' || *at == '.' || *at == ':')
            return 0;
        gaps += *at == '-';
    }
    return gaps > 1 || element->tag == GUMBO_TAG_SECTION ? 0 : hints_of_names(value);
}

/* ---- roles and tags -------------------------------------------------------------------------- */

static unsigned hint_of_role(const char *role)
{
    static const struct {
        const char *role;
        unsigned hint;
    } roles[] = {
        {"main", HTML_HINT_MAIN},          {"article", HTML_HINT_ARTICLE},
        {"navigation", HTML_HINT_NEVER},   {"search", HTML_HINT_NEVER},
        {"menu", HTML_HINT_NEVER},         {"menubar", HTML_HINT_NEVER},
        {"dialog", HTML_HINT_NEVER},       {"alertdialog", HTML_HINT_NEVER},
        {"toolbar", HTML_HINT_NEVER},      {"banner", HTML_HINT_HEADER},
        {"contentinfo", HTML_HINT_FOOTER}, {"complementary", HTML_HINT_ASIDE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        if (html_list_has(role, roles[i].role))
            return roles[i].hint;
    }
    return 0;
}

static unsigned hint_of_tag(GumboTag tag)
{
    switch (tag) {
    case GUMBO_TAG_MAIN:
        return HTML_HINT_MAIN;
    case GUMBO_TAG_ARTICLE:
        return HTML_HINT_ARTICLE;
    case GUMBO_TAG_NAV:
        return HTML_HINT_NEVER;
    case GUMBO_TAG_HEADER:
        return HTML_HINT_HEADER;
    case GUMBO_TAG_FOOTER:
        return HTML_HINT_FOOTER;
    case GUMBO_TAG_ASIDE:
        return HTML_HINT_ASIDE;
    case GUMBO_TAG_BUTTON:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_FORM:
        return HTML_HINT_CONTROL;
    default:
        return 0;
    }
}

/* Names are heard of what holds blocks, not of what stands in a line or in a data table. */
static bool has_telling_name(GumboTag tag)
{
    switch (tag) {
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_P:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_A:
    case GUMBO_TAG_SPAN:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_ADDRESS:
        return true;
    default:
        return false;
    }
}

unsigned html_hints(const GumboElement *element)
{
    unsigned hints = hint_of_tag(element->tag);
    bool is_telling = has_telling_name(element->tag);
    for (unsigned i = 0; i < element->attributes.length; i++) {
        const GumboAttribute *attribute = element->attributes.data[i];
        const char *name = attribute->name;
        if (is_telling && strcasecmp(name, "class") == 0)
            hints |= hints_of_names(attribute->value);
        else if (is_telling && strcasecmp(name, "id") == 0)
            hints |= hints_of_id(element, attribute->value);
        else if (strcasecmp(name, "role") == 0)
            hints |= hint_of_role(attribute->value);
        else if (strcasecmp(name, "aria-hidden") == 0 && strcasecmp(attribute->value, "true") == 0)
            hints |= HTML_HINT_CONTROL;
        else if (strcasecmp(name, "data-nosnippet") == 0)
            hints |= HTML_HINT_NO_SNIPPET;
    }
    return hints;
}
