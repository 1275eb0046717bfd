/*
 * What people type -> a tree.
 *
 *   all    := any any ...                  every one must match
 *   any    := one OR one ...               OR binds closer than standing side by side
 *   one    := [-] [field:] ( word | word* | "phrase" | "phrase"~5 | (all) )
 *
 * Nothing is an error: each rule takes what it can, and leaves a note about what it drops.
 */
#include "index/query.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "index/dates.h"
#include "index/document_keys.h"

struct parser {
    struct text_analyzer *analyzer;
    struct arena *arena;
    uint64_t languages;
    uint32_t alternatives_max; /* for each word */
    const char *begin;
    const char *at;
    const char *end;
    struct query *query;
    uint32_t words;
    uint32_t prefixes;
    uint32_t terms;
    uint32_t nesting;
    bool words_dropped;
    bool failed; /* out of memory */
};

/* Children before their number is known: at most one for each word or site. */
struct node_list {
    struct query_node *nodes[QUERY_WORDS_MAX];
    uint32_t count;
};

static void note(struct parser *parser, const char *sentence)
{
    struct query *query = parser->query;
    for (uint32_t i = 0; i < query->note_count; i++) {
        if (strcmp(query->notes[i], sentence) == 0)
            return;
    }
    if (query->note_count < QUERY_NOTES_MAX)
        query->notes[query->note_count++] = sentence;
}

static void *parser_alloc(struct parser *parser, size_t size)
{
    void *memory = arena_zalloc(parser->arena, size);
    parser->failed = parser->failed || memory == NULL;
    return memory;
}

static struct query_node *new_node(struct parser *parser, enum query_kind kind)
{
    struct query_node *node = parser_alloc(parser, sizeof(*node));
    if (node != NULL)
        node->kind = kind;
    return node;
}

/* A node over several children, or the only child itself; NULL for none. */
static struct query_node *join(struct parser *parser, enum query_kind kind,
                               const struct node_list *list)
{
    if (list->count == 0)
        return NULL;
    if (list->count == 1 && kind != QUERY_NOT)
        return list->nodes[0];
    struct query_node *node = new_node(parser, kind);
    size_t size = list->count * sizeof(struct query_node *);
    struct query_node **children = parser_alloc(parser, size);
    if (node == NULL || children == NULL)
        return NULL;
    memcpy(children, list->nodes, size);
    node->children = children;
    node->child_count = list->count;
    return node;
}

/* ---- characters ---- */

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Bytes of a quotation mark at `at`, straight or curly; 0: none. */
static size_t quote_at(const struct parser *parser, const char *at)
{
    if (at < parser->end && *at == '"')
        return 1;
    if (parser->end - at >= 3 && memcmp(at, "\xe2\x80", 2) == 0 && (unsigned char)at[2] >= 0x9c &&
        (unsigned char)at[2] <= 0x9f)
        return 3;
    return 0;
}

static bool ends_word(const struct parser *parser, const char *at)
{
    return at == parser->end || is_space(*at) || *at == '(' || *at == ')' ||
           quote_at(parser, at) > 0;
}

static void skip_spaces(struct parser *parser)
{
    while (parser->at < parser->end && is_space(*parser->at))
        parser->at++;
}

/* Takes an operator that stands alone, such as "OR". */
static bool take_operator(struct parser *parser, const char *operator)
{
    size_t size = strlen(operator);
    if ((size_t)(parser->end - parser->at) < size || memcmp(parser->at, operator, size) != 0 ||
        !ends_word(parser, parser->at + size))
        return false;
    parser->at += size;
    return true;
}

/* ---- words ---- */

static bool add_alternative(struct parser *parser, struct query_word *word, const uint8_t *bytes,
                            uint32_t size)
{
    for (uint32_t i = 0; i < word->alternative_count; i++) {
        if (query_term_is(&word->alternatives[i], bytes, size))
            return true;
    }
    /* One place is kept for each word that may still come. */
    if (word->alternative_count == parser->alternatives_max ||
        parser->terms + 1 + (QUERY_WORDS_MAX - parser->words) > QUERY_TERMS_MAX)
        return true;
    uint8_t *copy = arena_copy(parser->arena, bytes, size);
    parser->failed = parser->failed || copy == NULL;
    if (copy == NULL)
        return false;
    word->alternatives[word->alternative_count++] = (struct query_term){copy, size};
    parser->terms++;
    return true;
}

/* Where a run of pairs ends with a single character, the last pair has said it already. */
static bool repeats_pair(const struct text_token *token, bool after_pair, uint32_t end_before)
{
    return token->pair && token->exact_size == 0 && after_pair && token->end == end_before;
}

/* The words that a piece of text was read as. */
struct reading {
    struct query_word words[QUERY_WORDS_MAX];
    uint32_t count;
    /* The tokens' own text with single spaces where something else stood between them. */
    char text[2 * QUERY_BYTES_MAX];
    size_t text_size;
    uint32_t text_end;     /* of the last token in the text that was read */
    bool has_other_joints; /* something else than a hyphen stands between two of them */
};

/* Whether a hyphen, and nothing else, stands between two words: "-", or U+2010 or U+2011. */
static bool is_hyphen(const char *bytes, size_t size)
{
    return (size == 1 && bytes[0] == '-') ||
           (size == 3 && memcmp(bytes, "\xe2\x80", 2) == 0 &&
            ((unsigned char)bytes[2] == 0x90 || (unsigned char)bytes[2] == 0x91));
}

static void add_text(struct reading *reading, struct text_slice text,
                     const struct text_token *token)
{
    uint32_t start = token->start;
    uint32_t end = reading->text_end;
    if (reading->count > 1 && (start <= end || !is_hyphen(text.bytes + end, start - end)))
        reading->has_other_joints = true;
    if (reading->count > 1 && start > end)
        reading->text[reading->text_size++] = ' ';
    else if (reading->count > 1)
        start = end;
    memcpy(reading->text + reading->text_size, text.bytes + start, token->end - start);
    reading->text_size += token->end - start;
    reading->text_end = token->end;
}

static bool read_word(struct parser *parser, struct query_word *word,
                      const struct text_token *token)
{
    if (token->exact_size > 0 && !token->pair &&
        !add_alternative(parser, word, token->exact, token->exact_size))
        return false;
    return add_alternative(parser, word, token->term, token->term_size);
}

/* Reads the words; or, where that was done, adds the stems of another language to them. */
static void read_words(struct parser *parser, struct text_slice text, enum text_language language,
                       struct reading *reading, bool first_time)
{
    struct text_token token;
    uint32_t count = 0;
    uint32_t first_position = 0;
    uint32_t end_before = 0;
    bool after_pair = false;
    text_analyzer_begin(parser->analyzer, text, language);
    while (text_analyzer_next(parser->analyzer, &token)) {
        if (repeats_pair(&token, after_pair, end_before))
            continue;
        after_pair = token.pair;
        end_before = token.end;
        if (first_time ? parser->words == QUERY_WORDS_MAX : count == reading->count) {
            parser->words_dropped = parser->words_dropped || first_time;
            break;
        }
        if (count == 0)
            first_position = token.position;
        struct query_word *word = &reading->words[count++];
        if (first_time) {
            parser->words++;
            reading->count = count;
            word->offset = token.position - first_position;
            add_text(reading, text, &token);
        }
        if (!read_word(parser, word, &token))
            break;
    }
}

static struct text_slice fold(struct parser *parser, struct text_slice text)
{
    char folded[4 * QUERY_BYTES_MAX];
    size_t size = text_fold(text, folded, sizeof(folded));
    char *copy = arena_string_of(parser->arena, folded, size);
    parser->failed = parser->failed || copy == NULL;
    return (struct text_slice){copy, copy == NULL ? 0 : size};
}

/* Hyphens join the parts of one word, and pages join them with a space or with nothing, too; what
 * other characters join is a name. */
static bool is_hyphenated(struct reading *reading)
{
    if (reading->count < 2 || reading->has_other_joints)
        return false;
    for (size_t i = 0; i < reading->text_size; i++) {
        if (reading->text[i] == ' ')
            reading->text[i] = '-';
    }
    return true;
}

/* Several words become a phrase: they were written together. NULL where there is none. */
static struct query_node *make_words(struct parser *parser, struct text_slice text, bool is_quoted,
                                     uint32_t fields)
{
    struct reading reading = {.count = 0};
    read_words(parser, text, TEXT_LANGUAGE_UNKNOWN, &reading, true);
    for (unsigned language = 1; language < TEXT_LANGUAGE_COUNT; language++) {
        if ((parser->languages >> language & 1) != 0 &&
            !text_language_is_first((enum text_language)language))
            read_words(parser, text, (enum text_language)language, &reading, false);
    }
    if (reading.count == 0)
        return NULL;
    struct query_node *node = new_node(parser, reading.count == 1 ? QUERY_TERM : QUERY_PHRASE);
    size_t size = reading.count * sizeof(reading.words[0]);
    struct query_word *copy = parser_alloc(parser, size);
    if (node == NULL || copy == NULL)
        return NULL;
    memcpy(copy, reading.words, size);
    node->words = copy;
    node->word_count = reading.count;
    node->fields = fields;
    node->is_hyphenated = !is_quoted && is_hyphenated(&reading);
    node->text = fold(parser, (struct text_slice){reading.text, reading.text_size});
    return node;
}

/* ---- fields and sites ---- */

static const struct {
    const char *name;
    uint32_t fields; /* 0: understood elsewhere, but not here */
} prefixes[] = {
    {"title", 1u << FIELD_TITLE},
    {"intitle", 1u << FIELD_TITLE},
    {"url", 1u << FIELD_URL},
    {"inurl", 1u << FIELD_URL},
    {"headings", 1u << FIELD_HEADINGS},
    {"anchor", 1u << FIELD_ANCHOR},
    {"inanchor", 1u << FIELD_ANCHOR},
    {"body", 1u << FIELD_BODY},
    {"intext", 1u << FIELD_BODY},
    {"link", 0},
    {"related", 0},
    {"cache", 0},
};

/* Takes "name:" in any case, where something follows. */
static bool take_prefix(struct parser *parser, const char *name)
{
    size_t size = strlen(name);
    if ((size_t)(parser->end - parser->at) < size + 2 || parser->at[size] != ':' ||
        is_space(parser->at[size + 1]) || strncasecmp(parser->at, name, size) != 0)
        return false;
    parser->at += size + 1;
    return true;
}

static struct text_slice take_word(struct parser *parser)
{
    const char *start = parser->at;
    while (!ends_word(parser, parser->at))
        parser->at++;
    return (struct text_slice){start, (size_t)(parser->at - start)};
}

/* The host within what stands behind "site:": no scheme, no path, no leading "*." */
static struct text_slice trim_site(struct text_slice typed)
{
    for (size_t i = 0; i + 2 < typed.size; i++) {
        if (memcmp(typed.bytes + i, "://", 3) == 0) {
            typed = (struct text_slice){typed.bytes + i + 3, typed.size - i - 3};
            break;
        }
    }
    const char *slash = typed.size > 0 ? memchr(typed.bytes, '/', typed.size) : NULL;
    if (slash != NULL)
        typed.size = (size_t)(slash - typed.bytes);
    while (typed.size > 0 && (typed.bytes[0] == '*' || typed.bytes[0] == '.')) {
        typed.bytes++;
        typed.size--;
    }
    return typed;
}

static bool is_host_byte(char byte)
{
    return isalnum((unsigned char)byte) || strchr(".-_:[]", byte) != NULL;
}

/* A filter's node; NULL where there are too many words already. */
static struct query_node *make_filter(struct parser *parser, enum query_kind kind,
                                      const char *bytes, size_t size)
{
    if (parser->words == QUERY_WORDS_MAX) {
        parser->words_dropped = true;
        return NULL;
    }
    struct query_node *node = new_node(parser, kind);
    char *copy = arena_string_of(parser->arena, bytes, size);
    parser->failed = parser->failed || copy == NULL;
    if (node == NULL || copy == NULL)
        return NULL;
    parser->words++;
    node->text = (struct text_slice){copy, size};
    return node;
}

static struct query_node *parse_site(struct parser *parser)
{
    struct text_slice host = trim_site(take_word(parser));
    char lower[QUERY_SITE_MAX];
    bool valid = host.size > 0 && host.size <= QUERY_SITE_MAX;
    for (size_t i = 0; valid && i < host.size; i++) {
        valid = host.bytes[i] != '\0' && is_host_byte(host.bytes[i]);
        lower[i] = (char)tolower((unsigned char)host.bytes[i]);
    }
    if (!valid) {
        note(parser, "“site:” needs the name of a host in plain letters, such as "
                     "site:example.com; it was left out.");
        return NULL;
    }
    return make_filter(parser, QUERY_SITE, lower, host.size);
}

static struct query_node *parse_language(struct parser *parser)
{
    char tag[INDEX_LANGUAGE_MAX];
    size_t size = language_tag(take_word(parser), tag);
    if (size == 0) {
        note(parser, "“lang:” needs the code of a language, such as lang:de or lang:pt-br; it was "
                     "left out.");
        return NULL;
    }
    return make_filter(parser, QUERY_LANGUAGE, tag, size);
}

static struct query_node *parse_type(struct parser *parser)
{
    char name[INDEX_TYPE_MAX];
    struct text_slice typed = take_word(parser);
    if (typed.size > 1 && typed.bytes[0] == '.')
        typed = (struct text_slice){typed.bytes + 1, typed.size - 1};
    size_t size = content_type_name(typed, name);
    if (size == 0) {
        note(parser, "“type:” needs a kind of page, such as type:html or type:text; it was left "
                     "out.");
        return NULL;
    }
    return make_filter(parser, QUERY_TYPE, name, size);
}

static struct query_node *parse_date(struct parser *parser, bool is_after)
{
    uint32_t day;
    if (!date_parse(take_word(parser), &day)) {
        note(parser, "“after:” and “before:” need a year, a month or a day, such as 2024, 2024-05 "
                     "or 2024-05-01; what was none was left out.");
        return NULL;
    }
    struct query_node *node = make_filter(parser, QUERY_DATES, "", 0);
    if (node != NULL) {
        node->day_begin = is_after ? day : 0;
        node->day_end = is_after ? DATE_DAY_END : day;
    }
    return node;
}

/* Takes a filter. False: none stands here. `*ret_node` is NULL where nothing is left of it. */
static bool parse_filter(struct parser *parser, struct query_node **ret_node)
{
    if (take_prefix(parser, "site"))
        *ret_node = parse_site(parser);
    else if (take_prefix(parser, "lang") || take_prefix(parser, "language"))
        *ret_node = parse_language(parser);
    else if (take_prefix(parser, "type") || take_prefix(parser, "filetype") ||
             take_prefix(parser, "ext"))
        *ret_node = parse_type(parser);
    else if (take_prefix(parser, "after"))
        *ret_node = parse_date(parser, true);
    else if (take_prefix(parser, "before"))
        *ret_node = parse_date(parser, false);
    else
        return false;
    return true;
}

/* ---- the grammar ---- */

static struct query_node *parse_all(struct parser *parser, uint32_t fields);

/* Takes the "~5" behind a phrase; 0: there is none. */
static uint32_t take_slop(struct parser *parser)
{
    const char *at = parser->at + 1;
    uint32_t slop = 0;
    if (parser->end - parser->at < 2 || *parser->at != '~' || !isdigit((unsigned char)*at))
        return 0;
    for (; at < parser->end && isdigit((unsigned char)*at); at++)
        slop = slop > QUERY_SLOP_MAX ? slop : slop * 10 + (uint32_t)(*at - '0');
    parser->at = at;
    if (slop > QUERY_SLOP_MAX) {
        note(parser, "Words can be at most 1000 apart.");
        slop = QUERY_SLOP_MAX;
    }
    return slop;
}

/* A word's end is not written down, and a phrase's words are whole. */
static bool has_star(struct text_slice text)
{
    for (size_t i = 1; i < text.size; i++) {
        if (text.bytes[i] == '*' && !is_space(text.bytes[i - 1]))
            return true;
    }
    return false;
}

static struct query_node *parse_phrase(struct parser *parser, uint32_t fields)
{
    parser->at += quote_at(parser, parser->at);
    const char *start = parser->at;
    while (parser->at < parser->end && quote_at(parser, parser->at) == 0)
        parser->at++;
    struct text_slice text = {start, (size_t)(parser->at - start)};
    if (parser->at == parser->end)
        note(parser, "A quotation mark was not closed: the phrase goes to the end.");
    parser->at += quote_at(parser, parser->at);
    if (has_star(text))
        note(parser, "“*” was left out of a phrase: its words are whole ones.");
    uint32_t slop = take_slop(parser);
    struct query_node *node = make_words(parser, text, true, fields);
    if (node != NULL && node->kind == QUERY_PHRASE)
        node->slop = slop;
    return node;
}

static struct query_node *parse_group(struct parser *parser, uint32_t fields)
{
    parser->at++;
    parser->nesting++;
    struct query_node *node = parse_all(parser, fields);
    parser->nesting--;
    if (parser->at == parser->end)
        note(parser, "A parenthesis was not closed.");
    else
        parser->at++;
    return node;
}

static bool begins_group(const struct parser *parser)
{
    return parser->at < parser->end && *parser->at == '(' && parser->nesting < QUERY_NESTING_MAX;
}

static uint32_t count_characters(const uint8_t *bytes, uint32_t size)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i++)
        count += (bytes[i] & 0xc0) != 0x80;
    return count;
}

/*
 * Reads what stands in front of a star as the beginning of a word: one word as it is, that ends
 * there; what stands in front of it is cut off. False: it is something else.
 */
static bool read_beginning(struct parser *parser, struct text_slice *text,
                           uint8_t ret_key[TEXT_TERM_MAX], uint32_t *ret_size)
{
    struct text_token token;
    text_analyzer_begin(parser->analyzer, *text, TEXT_LANGUAGE_UNKNOWN);
    if (!text_analyzer_next(parser->analyzer, &token) || token.pair || token.end != text->size)
        return false;
    const uint8_t *bytes = token.exact_size > 0 ? token.exact : token.term;
    uint32_t size = token.exact_size > 0 ? token.exact_size : token.term_size;
    if (size >= TEXT_TERM_MAX || count_characters(bytes, size) < QUERY_PREFIX_MIN)
        return false;
    ret_key[0] = QUERY_KEY_PREFIX;
    memcpy(ret_key + 1, bytes, size);
    *ret_size = size + 1;
    uint32_t start = token.start;
    if (text_analyzer_next(parser->analyzer, &token))
        return false;
    *text = (struct text_slice){text->bytes + start, text->size - start};
    return true;
}

static struct query_node *make_prefix(struct parser *parser, struct text_slice text,
                                      const uint8_t *key, uint32_t size, uint32_t fields)
{
    if (parser->words == QUERY_WORDS_MAX) {
        parser->words_dropped = true;
        return NULL;
    }
    parser->prefixes++;
    struct query_node *node = new_node(parser, QUERY_PREFIX);
    struct query_word *word = parser_alloc(parser, sizeof(*word));
    parser->words++;
    if (node == NULL || word == NULL || !add_alternative(parser, word, key, size))
        return NULL;
    node->words = word;
    node->word_count = 1;
    node->fields = fields;
    node->text = fold(parser, text);
    return node;
}

static struct query_node *parse_word(struct parser *parser, uint32_t fields)
{
    uint8_t key[TEXT_TERM_MAX];
    uint32_t key_size;
    struct text_slice text = take_word(parser);
    struct text_slice beginning = text;
    while (beginning.size > 0 && beginning.bytes[beginning.size - 1] == '*')
        beginning.size--;
    if (beginning.size == text.size)
        return make_words(parser, text, false, fields);
    if (parser->prefixes == QUERY_PREFIXES_MAX) {
        note(parser, "“*” is understood behind four words; behind the others it was left out.");
        return make_words(parser, beginning, false, fields);
    }
    if (read_beginning(parser, &beginning, key, &key_size))
        return make_prefix(parser, beginning, key, key_size, fields);
    if (beginning.size > 0)
        note(parser, "“*” was left out: it stands behind the beginning of a single word, of at "
                     "least three letters.");
    return make_words(parser, beginning, false, fields);
}

/* A word, phrase or group with its prefix. NULL where nothing is left of it; always moves on. */
static struct query_node *parse_one(struct parser *parser, uint32_t fields)
{
    struct query_node *filter;
    if (parse_filter(parser, &filter))
        return filter;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (!take_prefix(parser, prefixes[i].name))
            continue;
        if (prefixes[i].fields == 0) {
            take_word(parser);
            note(parser, "This search knows the prefixes site:, lang:, type:, after:, before:, "
                         "title:, headings:, url:, anchor: and body:; another one was left out.");
            return NULL;
        }
        fields = prefixes[i].fields;
        break;
    }
    if (quote_at(parser, parser->at) > 0)
        return parse_phrase(parser, fields);
    if (begins_group(parser))
        return parse_group(parser, fields);
    if (parser->at < parser->end && *parser->at == '(') {
        note(parser, "Parentheses were nested too deep; the inner ones were left out.");
        parser->at++;
        return NULL;
    }
    return parse_word(parser, fields);
}

/* Whether a word may begin here: not right behind a quotation mark or a parenthesis, where a hyphen
 * joins what stands on both sides ("Model C"-Schulen). */
static bool begins_word(const struct parser *parser)
{
    return parser->at == parser->begin || is_space(parser->at[-1]) || parser->at[-1] == '(';
}

/* Takes what says "not" in front of something. */
static bool take_not(struct parser *parser)
{
    const char *next = parser->at + 1;
    if (parser->at < parser->end && *parser->at == '-' && next < parser->end && !is_space(*next) &&
        *next != '-' && *next != ')' && begins_word(parser)) {
        parser->at++;
        return true;
    }
    return take_operator(parser, "NOT");
}

static struct query_node *parse_signed(struct parser *parser, uint32_t fields)
{
    bool negative = take_not(parser);
    skip_spaces(parser);
    if (parser->at == parser->end || *parser->at == ')')
        return NULL;
    struct node_list list = {0};
    list.nodes[0] = parse_one(parser, fields);
    if (list.nodes[0] == NULL || !negative)
        return list.nodes[0];
    list.count = 1;
    return join(parser, QUERY_NOT, &list);
}

static bool take_or(struct parser *parser)
{
    skip_spaces(parser);
    return take_operator(parser, "OR") || take_operator(parser, "|") || take_operator(parser, "||");
}

static struct query_node *parse_any(struct parser *parser, uint32_t fields)
{
    struct node_list list = {0};
    struct query_node *negative = NULL;
    do {
        while (take_or(parser))
            continue;
        struct query_node *node = parse_signed(parser, fields);
        if (node != NULL && node->kind == QUERY_NOT)
            negative = node;
        else if (node != NULL)
            list.nodes[list.count++] = node;
    } while (take_or(parser));
    if (negative != NULL && list.count == 0)
        return negative;
    if (negative != NULL)
        note(parser, "An exclusion beside OR was left out: it would match almost everything.");
    return join(parser, QUERY_OR, &list);
}

static bool only_exclusions(const struct node_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->nodes[i]->kind != QUERY_NOT)
            return false;
    }
    return list->count > 0;
}

/* Several ranges of dates that must all hold are one. */
static void join_dates(struct node_list *list)
{
    struct query_node *dates = NULL;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct query_node *node = list->nodes[i];
        if (node->kind != QUERY_DATES || dates == NULL) {
            list->nodes[kept++] = node;
            dates = node->kind == QUERY_DATES ? node : dates;
            continue;
        }
        if (node->day_begin > dates->day_begin)
            dates->day_begin = node->day_begin;
        if (node->day_end < dates->day_end)
            dates->day_end = node->day_end;
    }
    list->count = kept;
}

/* Up to a closing parenthesis that is not its own, or the end. */
static struct query_node *parse_all(struct parser *parser, uint32_t fields)
{
    struct node_list list = {0};
    while (!parser->failed) {
        skip_spaces(parser);
        if (parser->at < parser->end && *parser->at == ')' && parser->nesting == 0) {
            note(parser, "A closing parenthesis without an opening one was left out.");
            parser->at++;
            continue;
        }
        if (parser->at == parser->end || *parser->at == ')')
            break;
        if (take_operator(parser, "AND") || take_operator(parser, "&&"))
            continue;
        struct query_node *node = parse_any(parser, fields);
        if (node != NULL)
            list.nodes[list.count++] = node;
    }
    if (only_exclusions(&list)) {
        note(parser, "Exclusions alone find nothing: add a word to look for.");
        return NULL;
    }
    join_dates(&list);
    return join(parser, QUERY_AND, &list);
}

/* ---- the whole ---- */

/* About how many words there will be: no fewer than are taken. */
static uint32_t count_words(const struct parser *parser)
{
    struct text_token token;
    struct text_slice text = {parser->at, (size_t)(parser->end - parser->at)};
    uint32_t count = 0;
    text_analyzer_begin(parser->analyzer, text, TEXT_LANGUAGE_UNKNOWN);
    while (count < QUERY_WORDS_MAX && text_analyzer_next(parser->analyzer, &token))
        count++;
    return count;
}

/* All words share the terms that a query may have. */
static uint32_t alternatives_for(uint32_t words)
{
    static_assert(QUERY_TERMS_MAX / QUERY_WORDS_MAX >= 2, "an exact form and a stem for each word");
    uint32_t each = QUERY_TERMS_MAX / (words == 0 ? 1 : words);
    return each < QUERY_ALTERNATIVES_MAX ? each : QUERY_ALTERNATIVES_MAX;
}

enum status query_parse(struct text_analyzer *analyzer, struct text_slice typed, uint64_t languages,
                        struct arena *arena, struct query *ret_query, struct error *err)
{
    struct query query = {0};
    struct parser parser = {
        .analyzer = analyzer,
        .arena = arena,
        .languages = languages,
        .at = typed.size > 0 ? typed.bytes : "",
        .query = &query,
    };
    parser.begin = parser.at;
    parser.end = parser.at + (typed.size > QUERY_BYTES_MAX ? QUERY_BYTES_MAX : typed.size);
    if (typed.size > QUERY_BYTES_MAX)
        note(&parser, "The query was longer than 2048 bytes; the rest was left out.");
    parser.alternatives_max = alternatives_for(count_words(&parser));
    query.root = parse_all(&parser, FIELD_MASK_ALL);
    if (parser.words_dropped)
        note(&parser, "The query had more than 64 words; the others were left out.");
    query.read_as = query_write(query.root, arena);
    if (parser.failed || query.read_as == NULL)
        return error_set(err, STATUS_NO_MEMORY, "query");
    *ret_query = query;
    return STATUS_OK;
}
