#include "page/directives.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "page/date.h"

struct word {
    const char *text;
    size_t size;
};

/* A list that is read, and for whom the words under way are. */
struct reader {
    struct directives *directives;
    const char *where;
    const char *end;
    bool has_agents; /* "name: noindex" is for that name: in headers */
    bool for_us;
};

#define SPACES " \t\r\n\f"
#define GAPS   SPACES ";|" /* between words */

static bool is(struct word word, const char *name)
{
    return word.size == strlen(name) && strncasecmp(word.text, name, word.size) == 0;
}

static struct word trimmed(const char *text, const char *end)
{
    while (text < end && strchr(SPACES, *text) != NULL)
        text++;
    while (text < end && strchr(SPACES, end[-1]) != NULL)
        end--;
    return (struct word){text, (size_t)(end - text)};
}

/* ---- what is asked ----------------------------------------------------------------------------
 */

static void forbid(bool *asked, char words[DIRECTIVES_WORDS_MAX], const char *where)
{
    if (!*asked)
        snprintf(words, DIRECTIVES_WORDS_MAX, "%s", where);
    *asked = true;
}

static bool is_known(struct word word)
{
    static const char *const names[] = {"all",       "index",        "noindex",        "follow",
                                        "nofollow",  "none",         "noarchive",      "nocache",
                                        "nosnippet", "noimageindex", "noodp",          "noydir",
                                        "archive",   "notranslate",  "indexifembedded"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (is(word, names[i]))
            return true;
    }
    return false;
}

static void apply(const struct reader *reader, struct word word)
{
    struct directives *directives = reader->directives;
    bool none = is(word, "none");
    if (none || is(word, "noindex"))
        forbid(&directives->noindex, directives->noindex_by, reader->where);
    if (none || is(word, "nofollow"))
        forbid(&directives->nofollow, directives->nofollow_by, reader->where);
    directives->noarchive |= is(word, "noarchive") || is(word, "nocache");
    directives->nosnippet |= is(word, "nosnippet");
}

/* The next of words that stand apart by spaces and such; empty: there is none. */
static struct word next_word(const char **at, const char *end)
{
    while (*at < end && strchr(GAPS, **at) != NULL)
        (*at)++;
    const char *start = *at;
    while (*at < end && strchr(GAPS, **at) == NULL)
        (*at)++;
    return (struct word){start, (size_t)(*at - start)};
}

/*
 * "noindex nofollow" lacks a comma and means what it says, whatever else stands behind it; so does
 * "noindex|nofollow". Words in a sentence mean nothing: it begins with another one, or with "none".
 */
static void apply_words(const struct reader *reader, struct word words)
{
    const char *end = words.text + words.size;
    const char *at = words.text;
    bool all_known = true;
    if (!is_known(next_word(&at, end)))
        return;
    for (struct word word = next_word(&at, end); word.size > 0; word = next_word(&at, end))
        all_known = all_known && is_known(word);
    at = words.text;
    for (struct word word = next_word(&at, end); word.size > 0; word = next_word(&at, end)) {
        if (all_known || !is(word, "none"))
            apply(reader, word);
    }
}

/* "max-snippet:50"; -1 is no limit. */
static void apply_limit(struct directives *directives, struct word value)
{
    char digits[12];
    if (value.size == 0 || value.size >= sizeof(digits))
        return;
    memcpy(digits, value.text, value.size);
    digits[value.size] = '\0';
    if (strspn(digits, "0123456789") != value.size)
        return;
    long characters = strtol(digits, NULL, 10);
    if (characters == 0)
        directives->nosnippet = true;
    else if (characters < INT32_MAX &&
             (directives->max_snippet == 0 || characters < directives->max_snippet))
        directives->max_snippet = (int32_t)characters;
}

/* A time without a zone is none elsewhere; here something was asked, and UTC comes near it. */
static bool parse_time(struct word text, int64_t *ret_us)
{
    char with_zone[DATE_BYTES_MAX];
    if (date_parse(text.text, text.size, ret_us))
        return true;
    int size = snprintf(with_zone, sizeof(with_zone), "%.*s UTC",
                        (int)(text.size < DATE_BYTES_MAX ? text.size : DATE_BYTES_MAX), text.text);
    return size > 0 && (size_t)size < sizeof(with_zone) &&
           date_parse(with_zone, (size_t)size, ret_us);
}

static void apply_time(const struct reader *reader, int64_t time_us)
{
    struct directives *directives = reader->directives;
    char words[DIRECTIVES_WORDS_MAX];
    if (directives->unavailable_after_us == 0 || time_us < directives->unavailable_after_us)
        directives->unavailable_after_us = time_us;
    snprintf(words, sizeof(words), "%.200s (unavailable_after, which has passed)", reader->where);
    if (time_us <= directives->now_us)
        forbid(&directives->noindex, directives->noindex_by, words);
}

/* ---- lists ------------------------------------------------------------------------------------
 */

static const char *find_comma(const char *at, const char *end)
{
    const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
    return comma == NULL ? end : comma;
}

/* "2010-06-25 noindex": the longest time that words follow. Returns its end, or `otherwise`. */
static const char *read_time_before(const struct reader *reader, const char *at, const char *end,
                                    const char *otherwise)
{
    int64_t time_us;
    struct word words = trimmed(at, end);
    end = words.text + (words.size < DATE_BYTES_MAX ? words.size : DATE_BYTES_MAX);
    while (end > words.text) {
        if (strchr(GAPS, *--end) == NULL || !parse_time(trimmed(words.text, end), &time_us))
            continue;
        if (reader->for_us)
            apply_time(reader, time_us);
        return end;
    }
    return otherwise;
}

/* "unavailable_after: Wed, 25 Jun 2010 15:00:00 PST": its comma ends nothing. Returns its end. */
static const char *read_time(const struct reader *reader, const char *at)
{
    const char *comma = find_comma(at, reader->end);
    const char *ends[] = {find_comma(comma + (comma < reader->end), reader->end), comma};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        int64_t time_us;
        if (!parse_time(trimmed(at, ends[i]), &time_us))
            continue;
        if (reader->for_us)
            apply_time(reader, time_us);
        return ends[i];
    }
    return read_time_before(reader, at, ends[0], comma);
}

static bool is_agent(struct word name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (strchr(SPACES ",;=", name.text[i]) != NULL)
            return false;
    }
    return name.size > 0 && !is_known(name) && strncasecmp(name.text, "max-", 4) != 0;
}

/* Of "noindex max-snippet", the words before the last are said by themselves. Returns the last. */
static struct word split_name(const struct reader *reader, struct word name)
{
    const char *end = name.text + name.size, *last = end;
    while (last > name.text && strchr(GAPS, last[-1]) == NULL)
        last--;
    if (reader->for_us)
        apply_words(reader, (struct word){name.text, (size_t)(last - name.text)});
    return (struct word){last, (size_t)(end - last)};
}

/* "name: value", or the name of whom the rest is for. Returns its end. */
static const char *read_pair(struct reader *reader, const char *at, const char *colon)
{
    struct word name = trimmed(at, colon), last = split_name(reader, name);
    const char *stop = find_comma(colon, reader->end);
    const char *value_end = colon + 1;
    if (is(last, "unavailable_after"))
        return read_time(reader, colon + 1);
    struct word value = next_word(&value_end, stop);
    if (is(last, "max-snippet") && reader->for_us)
        apply_limit(reader->directives, value);
    if (last.size > 4 && strncasecmp(last.text, "max-", 4) == 0)
        return value_end; /* what a gap parts from the value is said by itself */
    if (!reader->has_agents || !is_agent(name))
        return stop;
    reader->for_us = is(name, DIRECTIVES_AGENT) || is(name, "robots") || is(name, "*");
    return colon;
}

static void read_list(struct reader *reader, const char *at)
{
    while (at < reader->end) {
        const char *stop = find_comma(at, reader->end);
        const char *colon = memchr(at, ':', (size_t)(stop - at));
        if (colon != NULL)
            stop = read_pair(reader, at, colon);
        else if (reader->for_us)
            apply_words(reader, trimmed(at, stop));
        at = stop + 1;
    }
}

void directives_add_meta(struct directives *directives, const char *name, const char *list)
{
    bool ours = strcasecmp(name, DIRECTIVES_AGENT) == 0;
    if (!ours && strcasecmp(name, "robots") != 0)
        return;
    struct reader reader = {
        .directives = directives,
        .where = ours ? "meta " DIRECTIVES_AGENT " in the page" : "meta robots in the page",
        .end = list + strlen(list),
        .for_us = true,
    };
    read_list(&reader, list);
}

void directives_add_headers(struct directives *directives, const char *lines)
{
    while (lines != NULL && *lines != '\0') {
        size_t size = strcspn(lines, "\n");
        struct word line = trimmed(lines, lines + size);
        char where[DIRECTIVES_WORDS_MAX];
        snprintf(where, sizeof(where), "X-Robots-Tag: %.*s",
                 (int)(line.size < 200 ? line.size : 200), line.text);
        struct reader reader = {.directives = directives,
                                .where = where,
                                .end = line.text + line.size,
                                .has_agents = true,
                                .for_us = true};
        read_list(&reader, line.text);
        lines += size + (lines[size] == '\n');
    }
}
