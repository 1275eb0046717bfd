#include "page/page_dates.h"

#include <string.h>
#include <strings.h>

#include "base/calendar.h"
#include "base/check.h"
#include "page/html_tags.h"

enum {
    DATE_BYTES_MAX = 40, /* "2024-05-01T10:00:00.000000+02:00" and some room */
    YEAR_FIRST = 1990,   /* of a URL's: what is less is a number */
    JSON_DEPTH_MAX = 1000,
};

/* ---- keeping the best ------------------------------------------------------------------------ */

/* Dates as calendar_parse() knows them, and with slashes: "2024/05/01". */
static bool parse(const char *text, size_t size, int64_t *ret_unix_us)
{
    char date[DATE_BYTES_MAX + 1];
    while (size > 0 && strchr(" \t\r\n", *text) != NULL) {
        text++;
        size--;
    }
    if (size > DATE_BYTES_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        date[i] = i < 8 && text[i] == '/' ? '-' : text[i];
    date[size] = '\0';
    return calendar_parse(date, ret_unix_us);
}

static void add(const struct page_dates *dates, struct page_date *date, const char *text,
                size_t size, enum page_date_source source, unsigned depth)
{
    int64_t unix_us;
    bool is_better = source > date->source || (source == date->source && depth < date->depth);
    if (!is_better || !parse(text, size, &unix_us) || unix_us == 0)
        return;
    if (dates->now_us != 0 && unix_us > dates->now_us + CALENDAR_DAY_US)
        return; /* of an event; a day is left for zones */
    *date = (struct page_date){unix_us, source, depth};
}

/* ---- <meta> ---------------------------------------------------------------------------------- */

void page_dates_add_meta(struct page_dates *dates, const char *name, const char *content)
{
    static const struct {
        const char *name;
        bool is_modified;
        enum page_date_source source;
    } names[] = {
        {"article:modified_time", true, PAGE_DATE_META},
        {"og:updated_time", true, PAGE_DATE_META},
        {"dcterms.modified", true, PAGE_DATE_META},
        {"datemodified", true, PAGE_DATE_META},
        {"last-modified", true, PAGE_DATE_META},
        {"article:published_time", false, PAGE_DATE_META},
        {"og:published_time", false, PAGE_DATE_META},
        {"datepublished", false, PAGE_DATE_META},
        {"dcterms.issued", false, PAGE_DATE_META},
        {"dc.date.issued", false, PAGE_DATE_META},
        {"dcterms.created", false, PAGE_DATE_META},
        {"citation_publication_date", false, PAGE_DATE_META},
        {"pubdate", false, PAGE_DATE_META},
        {"date", false, PAGE_DATE_META_OLD},
        {"dc.date", false, PAGE_DATE_META_OLD},
        {"dcterms.date", false, PAGE_DATE_META_OLD},
        {"citation_date", false, PAGE_DATE_META_OLD},
    };
    for (size_t i = 0; name != NULL && i < ARRAY_COUNT(names); i++) {
        if (strcasecmp(name, names[i].name) == 0)
            add(dates, names[i].is_modified ? &dates->modified : &dates->published, content,
                strlen(content), names[i].source, 0);
    }
}

/* ---- JSON-LD --------------------------------------------------------------------------------- */

/* Behind the string that begins at `at` with its quotation mark; `end` where it is not closed. */
static const char *behind_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\')
            at++;
    }
    return at < end ? at + 1 : end;
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) != NULL && *at != '\0')
        at++;
    return at;
}

/* Reads the string at `at`, and if it is a key of a date its value; returns what is behind. */
static const char *read_string(struct page_dates *dates, const char *at, const char *end,
                               unsigned depth)
{
    const char *name = at + 1;
    at = behind_string(at, end);
    size_t size = at > name ? (size_t)(at - name - 1) : 0;
    struct page_date *date = NULL;
    if (size == strlen("datePublished") && memcmp(name, "datePublished", size) == 0)
        date = &dates->published;
    if (size == strlen("dateModified") && memcmp(name, "dateModified", size) == 0)
        date = &dates->modified;
    if (date == NULL)
        return at;
    const char *value = skip_spaces(at, end);
    if (value == end || *value != ':')
        return at;
    value = skip_spaces(value + 1, end);
    if (value == end || *value != '"')
        return at;
    at = behind_string(value, end);
    if (at > value + 1)
        add(dates, date, value + 1, (size_t)(at - value - 2), PAGE_DATE_JSON, depth);
    return at;
}

void page_dates_add_json(struct page_dates *dates, const char *text, size_t size)
{
    const char *at = text;
    const char *end = text + (size < PAGE_DATES_JSON_BYTES_MAX ? size : PAGE_DATES_JSON_BYTES_MAX);
    unsigned depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = read_string(dates, at, end, depth);
            continue;
        }
        if ((*at == '{' || *at == '[') && depth < JSON_DEPTH_MAX)
            depth++;
        if ((*at == '}' || *at == ']') && depth > 0)
            depth--;
        at++;
    }
}

/* ---- <time> and microdata -------------------------------------------------------------------- */

static bool class_has_one_of(const char *list, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (html_list_has(list, names[i]))
            return true;
    }
    return false;
}

void page_dates_add_time(struct page_dates *dates, const GumboElement *element, bool in_content)
{
    static const char *const published[] = {"published", "dt-published", "entry-date", "pubdate"};
    static const char *const modified[] = {"updated", "dt-updated", "modified"};
    const char *property = html_attribute(element, "itemprop");
    const char *classes = html_attribute(element, "class");
    const char *text = html_attribute(element, "datetime");
    if (text == NULL)
        text = html_attribute(element, "content");
    if (text == NULL)
        return;
    bool is_time = element->tag == GUMBO_TAG_TIME;
    bool is_modified = html_list_has(property, "dateModified");
    bool is_published = html_list_has(property, "datePublished");
    if (is_time && in_content && !is_modified && !is_published) {
        is_published = html_attribute(element, "pubdate") != NULL ||
                       class_has_one_of(classes, published, ARRAY_COUNT(published));
        is_modified = !is_published && class_has_one_of(classes, modified, ARRAY_COUNT(modified));
    }
    if (is_modified || is_published)
        add(dates, is_modified ? &dates->modified : &dates->published, text, strlen(text),
            PAGE_DATE_TIME_SAID, 0);
    else if (is_time && in_content)
        add(dates, &dates->published, text, strlen(text), PAGE_DATE_TIME, 0);
}

/* ---- URLs ------------------------------------------------------------------------------------ */

/* The number that the next `digits` bytes are; 0 where they are none, or more follow. */
static unsigned number_at(const char *at, size_t digits)
{
    unsigned number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (at[i] < '0' || at[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(at[i] - '0');
    }
    return at[digits] >= '0' && at[digits] <= '9' ? 0 : number;
}

void page_dates_add_url(struct page_dates *dates, const char *path)
{
    for (const char *at = path; (at = strchr(at, '/')) != NULL;) {
        at++;
        char sign = number_at(at, 4) >= YEAR_FIRST ? at[4] : '\0';
        bool is_date = (sign == '/' || sign == '-') && number_at(at + 5, 2) > 0 && at[7] == sign &&
                       number_at(at + 8, 2) > 0;
        if (is_date)
            add(dates, &dates->published, at, strlen("2024-05-31"), PAGE_DATE_URL, 0);
    }
}
