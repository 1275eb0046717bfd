/*
 * A robots.txt is read line by line into the rules that hold for one crawler. A rule's path is kept
 * in the normal form of URLs (lib/crawl/percent.h), so that matching compares bytes.
 */
#include "crawl/robots.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "crawl/percent.h"
#include "crawl/url.h"

enum {
    /* A path without stars that is longer than any URL matches none, and one with stars that long
     * is no honest rule either: neither is kept. */
    PATTERN_BYTES_MAX = 2 * URL_BYTES_MAX,
    /* Of a line, for the words of a verdict. */
    RULE_TEXT_BYTES_MAX = 256,
    DELAY_SECONDS_MAX = 1000000,
};

struct rule {
    struct rule *next;
    bool allow;
    bool ends; /* '$': the target must end where the pattern does */
    uint32_t line;
    size_t octets; /* of the pattern, in normal form: the more, the stronger the rule */
    const char *text;
    const char *loose; /* the pattern with its query loosened: see loosen_query(). May be itself */
    size_t loose_size;
    size_t size;
    char pattern[]; /* with '*' for any run; what is_special() says is escaped */
};

/* What is gathered twice: for the groups that name the crawler, and for those of "*". */
struct group {
    bool seen;
    struct rule *rules; /* latest first */
    int64_t delay_ms;   /* -1: none */
};

struct robots {
    struct group own;
    struct group any;
    const char **sitemaps;
    size_t sitemap_count;
    size_t sitemap_room;
};

struct reader {
    struct robots *robots;
    struct arena *arena;
    const char *agent;
    uint32_t line;
    bool in_rules; /* the group's first rule has been read: a user-agent line begins another */
    bool for_own;  /* the group being read names the crawler */
    bool for_any;
    bool failed; /* memory ran out */
};

/* ---- lines --------------------------------------------------------------------------------- */

struct slice {
    const char *text;
    size_t size;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice trimmed(const char *start, const char *end)
{
    while (start < end && is_space(*start))
        start++;
    while (start < end && is_space(end[-1]))
        end--;
    return (struct slice){start, (size_t)(end - start)};
}

static const char *find_space(const char *at, const char *end)
{
    while (at < end && !is_space(*at))
        at++;
    return at;
}

/*
 * "key: value # comment". A line of two words without a colon counts as well, as sites rely on
 * that.
 */
static bool split_line(struct slice line, struct slice *ret_key, struct slice *ret_value)
{
    const char *end = line.text + line.size;
    const char *comment = memchr(line.text, '#', line.size);
    struct slice rest = trimmed(line.text, comment == NULL ? end : comment);
    end = rest.text + rest.size;
    const char *colon = memchr(rest.text, ':', rest.size);
    if (colon != NULL) {
        *ret_key = trimmed(rest.text, colon);
        *ret_value = trimmed(colon + 1, end);
        return ret_key->size > 0;
    }
    const char *gap = find_space(rest.text, end);
    *ret_key = (struct slice){rest.text, (size_t)(gap - rest.text)};
    *ret_value = trimmed(gap, end);
    return ret_value->size > 0 && find_space(ret_value->text, end) == end;
}

static bool is_key(struct slice key, const char *name)
{
    return key.size == strlen(name) && strncasecmp(key.text, name, key.size) == 0;
}

/* ---- user agents --------------------------------------------------------------------------- */

/* Of "FooBot/2.1 (+http://...)" the product token is what stands before anything else. */
static bool names_agent(struct slice value, const char *agent)
{
    size_t size = 0;
    while (size < value.size && (isalpha((unsigned char)value.text[size]) ||
                                 value.text[size] == '-' || value.text[size] == '_'))
        size++;
    return size > 0 && size == strlen(agent) && strncasecmp(value.text, agent, size) == 0;
}

static void read_agent(struct reader *reader, struct slice value)
{
    if (reader->in_rules) {
        reader->in_rules = false;
        reader->for_own = false;
        reader->for_any = false;
    }
    if (value.size > 0 && value.text[0] == '*' && (value.size == 1 || is_space(value.text[1]))) {
        reader->for_any = true;
        reader->robots->any.seen = true;
    } else if (names_agent(value, reader->agent)) {
        reader->for_own = true;
        reader->robots->own.seen = true;
    }
}

/* ---- rules --------------------------------------------------------------------------------- */

/*
 * Letters and digits that an allow line needlessly escapes stay escaped and so match nothing: the
 * reference's tests ask for it (docs/robots.md). In a disallow line they are what they stand for.
 */
static bool keeps_escape(int value, bool allow)
{
    return allow && isalnum(value);
}

/*
 * Stars and dollars mean something in a pattern, and a "'" is escaped in queries but not in paths:
 * pattern and target carry all three escaped wherever they stand for themselves.
 */
static bool is_special(char c)
{
    return c == '*' || c == '$' || c == '\'';
}

static char *put_escaped(char *out, char c)
{
    memcpy(out, c == '*' ? "%2A" : c == '$' ? "%24" : "%27", 3);
    return out + 3;
}

/* Where the run of ordinary text ends: at a special character, an octet beyond ASCII (which need
 * not be UTF-8 here), or an escape that is to stay. */
static const char *end_of_plain(const char *at, const char *end, bool allow)
{
    while (at < end && !is_special(*at) && (uint8_t)*at < 0x80) {
        int value = percent_escape_value(at, end);
        if (value >= 0 && keeps_escape(value, allow))
            break;
        at++;
    }
    return at;
}

/* Brings one stretch without stars to normal form. */
static size_t normalise_stretch(const char *at, const char *end, bool allow, char *ret_text)
{
    char *out = ret_text;
    while (at < end) {
        const char *stop = end_of_plain(at, end, allow);
        out += percent_normalise(at, (size_t)(stop - at), PERCENT_PATH, out);
        at = stop;
        if (at < end && is_special(*at)) {
            out = put_escaped(out, *at++);
        } else if (at < end && (uint8_t)*at >= 0x80) {
            out = percent_put_escape(out, (uint8_t)*at++);
        } else if (at < end) {
            *out++ = '%';
            *out++ = (char)toupper((unsigned char)at[1]);
            *out++ = (char)toupper((unsigned char)at[2]);
            at += 3;
        }
    }
    return (size_t)(out - ret_text);
}

/* Fills pattern, size and octets. `rule->pattern` has room for value.size * PERCENT_GROWTH_MAX. */
static void make_pattern(struct rule *rule, struct slice value)
{
    const char *at = value.text, *end = value.text + value.size;
    size_t specials = 0;
    rule->ends = value.size > 0 && end[-1] == '$';
    end -= rule->ends;
    for (const char *c = at; c < end; c++)
        specials += is_special(*c) && *c != '*';
    while (at < end) {
        const char *star = memchr(at, '*', (size_t)(end - at));
        const char *stop = star == NULL ? end : star;
        rule->size += normalise_stretch(at, stop, rule->allow, rule->pattern + rule->size);
        bool doubled = rule->size > 0 && rule->pattern[rule->size - 1] == '*';
        if (star != NULL && !doubled)
            rule->pattern[rule->size++] = '*';
        rule->octets += star != NULL && doubled; /* they mean one, and count all the same */
        at = star == NULL ? end : star + 1;
    }
    rule->octets += rule->size + rule->ends - 2 * specials; /* "%24" was one octet */
}

/*
 * By the RFC's own table "?baz=https://foo.bar" is "?baz=https%3A%2F%2Ffoo.bar": what cannot end a
 * query's value is the same in it with and without an escape. Copies with those escapes undone.
 */
static size_t loosen_query(const char *text, size_t size, char *ret_text)
{
    static const char *const escapes[] = {"%2F", "%3A", "%3F", "%40"};
    static const char meant[] = "/:?@";
    bool in_query = false;
    size_t out = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        for (size_t j = 0; in_query && c == '%' && size - i >= 3 && j < ARRAY_COUNT(escapes); j++) {
            if (memcmp(text + i, escapes[j], 3) == 0)
                c = meant[j];
        }
        i += text[i] == '%' && c != '%' ? 2 : 0;
        in_query = in_query || c == '?';
        ret_text[out++] = c;
    }
    return out;
}

/* Of a rule that will stay where it is. */
static bool loosen_rule(struct rule *rule, struct arena *arena)
{
    char loose[PATTERN_BYTES_MAX * PERCENT_GROWTH_MAX];
    rule->loose = rule->pattern;
    rule->loose_size = rule->size;
    size_t size = loosen_query(rule->pattern, rule->size, loose);
    if (size == rule->size)
        return true;
    rule->loose = arena_copy(arena, loose, size);
    rule->loose_size = size;
    return rule->loose != NULL;
}

static void add_rule(struct reader *reader, struct group *group, const struct rule *rule,
                     size_t bytes)
{
    struct rule *copy = arena_copy(reader->arena, rule, bytes);
    if (copy == NULL || !loosen_rule(copy, reader->arena)) {
        reader->failed = true;
        return;
    }
    copy->next = group->rules;
    group->rules = copy;
}

static void read_rule(struct reader *reader, bool allow, struct slice value, struct slice line)
{
    reader->in_rules = true;
    bool wanted = reader->for_own || reader->for_any;
    if (!wanted || value.size == 0 || value.size > PATTERN_BYTES_MAX)
        return;
    union {
        struct rule rule;
        char room[sizeof(struct rule) + PATTERN_BYTES_MAX * PERCENT_GROWTH_MAX];
    } draft;
    struct rule *rule = &draft.rule;
    *rule = (struct rule){.allow = allow, .line = reader->line};
    make_pattern(rule, value);
    line = trimmed(line.text, line.text + line.size);
    size_t shown = line.size < RULE_TEXT_BYTES_MAX ? line.size : RULE_TEXT_BYTES_MAX;
    rule->text = arena_string_of(reader->arena, line.text, shown);
    if (rule->text == NULL) {
        reader->failed = true;
        return;
    }
    if (reader->for_own)
        add_rule(reader, &reader->robots->own, rule, sizeof(*rule) + rule->size);
    if (reader->for_any)
        add_rule(reader, &reader->robots->any, rule, sizeof(*rule) + rule->size);
}

/* ---- extensions ---------------------------------------------------------------------------- */

/* "2", "0.5": seconds in decimal; -1 for anything else. */
static int64_t parse_delay(struct slice value)
{
    int64_t ms = 0, unit = 1000;
    bool digits = false, fraction = false;
    for (size_t i = 0; i < value.size; i++) {
        char c = value.text[i];
        if (c == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (c < '0' || c > '9')
            return -1;
        digits = true;
        if (fraction)
            unit /= 10;
        ms = fraction ? ms + (c - '0') * unit : ms * 10 + (c - '0') * 1000;
        if (ms > DELAY_SECONDS_MAX * INT64_C(1000))
            ms = DELAY_SECONDS_MAX * INT64_C(1000);
    }
    return digits ? ms : -1;
}

static void read_delay(struct reader *reader, struct slice value)
{
    int64_t ms = parse_delay(value);
    struct robots *robots = reader->robots;
    if (reader->for_own && ms > robots->own.delay_ms)
        robots->own.delay_ms = ms;
    if (reader->for_any && ms > robots->any.delay_ms)
        robots->any.delay_ms = ms;
}

static bool grow_sitemaps(struct robots *robots, struct arena *arena)
{
    size_t room = robots->sitemap_room == 0 ? 8 : robots->sitemap_room * 2;
    const char **sitemaps = arena_alloc(arena, room * sizeof(*sitemaps));
    if (sitemaps == NULL)
        return false;
    if (robots->sitemap_count > 0)
        memcpy(sitemaps, robots->sitemaps, robots->sitemap_count * sizeof(*sitemaps));
    robots->sitemaps = sitemaps;
    robots->sitemap_room = room;
    return true;
}

static void read_sitemap(struct reader *reader, struct slice value)
{
    struct robots *robots = reader->robots;
    bool fits = value.size > 0 && value.size <= URL_BYTES_MAX;
    if (!fits || memchr(value.text, '\0', value.size) != NULL ||
        robots->sitemap_count == ROBOTS_SITEMAPS_MAX)
        return;
    if (robots->sitemap_count == robots->sitemap_room && !grow_sitemaps(robots, reader->arena)) {
        reader->failed = true;
        return;
    }
    const char *copy = arena_string_of(reader->arena, value.text, value.size);
    reader->failed = reader->failed || copy == NULL;
    if (copy != NULL)
        robots->sitemaps[robots->sitemap_count++] = copy;
}

/* ---- the file ------------------------------------------------------------------------------ */

static void read_line(struct reader *reader, struct slice line)
{
    struct slice key, value;
    if (!split_line(line, &key, &value))
        return;
    if (is_key(key, "user-agent"))
        read_agent(reader, value);
    else if (is_key(key, "allow"))
        read_rule(reader, true, value, line);
    else if (is_key(key, "disallow"))
        read_rule(reader, false, value, line);
    else if (is_key(key, "crawl-delay"))
        read_delay(reader, value);
    else if (is_key(key, "sitemap"))
        read_sitemap(reader, value);
}

static void read_lines(struct reader *reader, const char *at, const char *end)
{
    if (end - at >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    while (at < end && !reader->failed) {
        const char *stop = at;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        reader->line++;
        read_line(reader, (struct slice){at, (size_t)(stop - at)});
        at = stop + (end - stop >= 2 && stop[0] == '\r' && stop[1] == '\n' ? 2 : 1);
    }
}

/* A line that the limit cuts short would say something else than was written: "Disallow: /". */
static size_t readable_size(const char *bytes, size_t size)
{
    if (size < ROBOTS_BYTES_MAX)
        return size;
    bool whole = size > ROBOTS_BYTES_MAX &&
                 (bytes[ROBOTS_BYTES_MAX] == '\n' || bytes[ROBOTS_BYTES_MAX] == '\r');
    size = ROBOTS_BYTES_MAX;
    while (!whole && size > 0 && bytes[size - 1] != '\n' && bytes[size - 1] != '\r')
        size--;
    return size;
}

enum status robots_parse(const void *bytes, size_t size, const char *agent, struct arena *arena,
                         struct robots **ret_robots, struct error *err)
{
    struct robots *robots = arena_zalloc(arena, sizeof(*robots));
    if (robots == NULL)
        return error_set(err, STATUS_NO_MEMORY, "robots.txt");
    robots->own.delay_ms = -1;
    robots->any.delay_ms = -1;
    struct reader reader = {.robots = robots, .arena = arena, .agent = agent};
    if (size > 0)
        read_lines(&reader, bytes, (const char *)bytes + readable_size(bytes, size));
    if (reader.failed)
        return error_set(err, STATUS_NO_MEMORY, "robots.txt");
    *ret_robots = robots;
    return STATUS_OK;
}

/* ---- matching ------------------------------------------------------------------------------ */

/*
 * Stretch by stretch between the stars, each at the first place it fits, the last one at the end
 * where a '$' asks for that: linear in the target, whatever a stranger writes.
 */
static bool matches(const char *pattern, size_t pattern_size, bool ends, const char *target,
                    size_t size)
{
    const char *at = target, *end = target + size;
    const char *pattern_end = pattern + pattern_size;
    bool first = true;
    for (;;) {
        const char *star = memchr(pattern, '*', (size_t)(pattern_end - pattern));
        bool last = star == NULL;
        size_t stretch = (size_t)((last ? pattern_end : star) - pattern);
        if (stretch > (size_t)(end - at))
            return false;
        if (last && ends) {
            bool fits = memcmp(end - stretch, pattern, stretch) == 0;
            return fits && (!first || at + stretch == end);
        }
        const char *found = first ? (memcmp(at, pattern, stretch) == 0 ? at : NULL)
                                  : memmem(at, (size_t)(end - at), pattern, stretch);
        if (found == NULL || last)
            return found != NULL;
        at = found + stretch;
        pattern = star + 1;
        first = false;
    }
}

/* What is asked for, as the rules are compared with it. */
struct target {
    char text[3 * URL_BYTES_MAX];
    size_t size;
    char loose[3 * URL_BYTES_MAX];
    size_t loose_size;
};

static bool rule_matches(const struct rule *rule, const struct target *target)
{
    if (matches(rule->pattern, rule->size, rule->ends, target->text, target->size))
        return true;
    bool same = rule->loose_size == rule->size && target->loose_size == target->size;
    return !same &&
           matches(rule->loose, rule->loose_size, rule->ends, target->loose, target->loose_size);
}

static bool is_stronger(const struct rule *rule, const struct rule *than)
{
    if (than == NULL || rule->octets != than->octets)
        return than == NULL || rule->octets > than->octets;
    if (rule->allow != than->allow)
        return rule->allow;
    return rule->line < than->line;
}

static size_t escape_target(const char *target, char *ret_text)
{
    char *out = ret_text;
    for (size_t i = 0; i < URL_BYTES_MAX && target[i] != '\0'; i++) {
        if (is_special(target[i]))
            out = put_escaped(out, target[i]);
        else
            *out++ = target[i];
    }
    return (size_t)(out - ret_text);
}

static const struct group *group_of(const struct robots *robots)
{
    return robots->own.seen ? &robots->own : &robots->any;
}

void robots_check(const struct robots *robots, const char *target,
                  struct robots_verdict *ret_verdict)
{
    struct target asked;
    asked.size = escape_target(target, asked.text);
    asked.loose_size = loosen_query(asked.text, asked.size, asked.loose);
    const struct rule *strongest = NULL;
    for (const struct rule *rule = group_of(robots)->rules; rule != NULL; rule = rule->next) {
        if (is_stronger(rule, strongest) && rule_matches(rule, &asked))
            strongest = rule;
    }
    bool free = strongest == NULL || strcmp(target, "/robots.txt") == 0;
    *ret_verdict = (struct robots_verdict){
        .allowed = free || strongest->allow,
        .line = free ? 0 : strongest->line,
        .rule = free ? "" : strongest->text,
    };
}

int64_t robots_crawl_delay_ms(const struct robots *robots)
{
    return group_of(robots)->delay_ms;
}

size_t robots_sitemap_count(const struct robots *robots)
{
    return robots->sitemap_count;
}

const char *robots_sitemap(const struct robots *robots, size_t index)
{
    return index < robots->sitemap_count ? robots->sitemaps[index] : NULL;
}
