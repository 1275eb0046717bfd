/*
 * Choosing what to show of a text: every place where a word of the query stands is looked at, and
 * the window with the most different words in it wins; then the closest together, then the first.
 */
#include <stdlib.h>
#include <string.h>

#include "index/document.h"

#define WINDOW_CHARACTERS 240 /* between the first and the last word shown as found */
#define LEAD_CHARACTERS   60  /* in front of the first */
#define MATCHES_MAX       65536
#define PATIENCE_BYTES    4096 /* looked at behind the place where every word has been found */
#define ELLIPSIS          "\xe2\x80\xa6"

struct match {
    uint32_t start; /* bytes */
    uint32_t end;
    uint32_t character; /* how many stand in front of it in the text */
    uint32_t word;      /* which of the query's */
};

struct snippet_maker {
    struct arena *arena;
    struct text_slice text;
    const struct query_word *words[QUERY_WORDS_MAX];
    size_t word_count;
    struct match *matches;
    size_t match_count;
    size_t match_capacity;
    uint32_t counted_bytes; /* up to here, so many characters */
    uint32_t counted_characters;
    bool no_memory;
};

/* ---- characters ---- */

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static uint32_t count_characters(const char *bytes, size_t size)
{
    uint32_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += !continues(bytes[i]);
    return count;
}

static uint32_t step_back(struct text_slice text, uint32_t at, uint32_t characters)
{
    for (; at > 0 && characters > 0; characters--) {
        do {
            at--;
        } while (at > 0 && continues(text.bytes[at]));
    }
    return at;
}

static uint32_t step_on(struct text_slice text, uint32_t at, uint32_t characters)
{
    for (; at < text.size && characters > 0; characters--) {
        do {
            at++;
        } while (at < text.size && continues(text.bytes[at]));
    }
    return at;
}

static bool is_space(char byte)
{
    return (unsigned char)byte <= ' ';
}

/* ---- finding ---- */

static bool is_term(const struct query_term *term, const uint8_t *bytes, uint32_t size)
{
    return term->size == size && memcmp(term->bytes, bytes, size) == 0;
}

/* Which of the query's words the token is; word_count: none. */
static size_t word_of(const struct snippet_maker *maker, const struct text_token *token)
{
    for (size_t i = 0; i < maker->word_count; i++) {
        const struct query_word *word = maker->words[i];
        for (uint32_t a = 0; a < word->alternative_count; a++) {
            const struct query_term *term = &word->alternatives[a];
            if (is_term(term, token->term, token->term_size) ||
                (token->exact_size > 0 && is_term(term, token->exact, token->exact_size)))
                return i;
        }
    }
    return maker->word_count;
}

static void add_match(struct snippet_maker *maker, const struct text_token *token, size_t word)
{
    if (maker->match_count == maker->match_capacity) {
        size_t capacity = maker->match_capacity == 0 ? 64 : maker->match_capacity * 2;
        struct match *matches = realloc(maker->matches, capacity * sizeof(*matches));
        if (matches == NULL) {
            maker->no_memory = true;
            return;
        }
        maker->matches = matches;
        maker->match_capacity = capacity;
    }
    maker->counted_characters += count_characters(maker->text.bytes + maker->counted_bytes,
                                                  token->start - maker->counted_bytes);
    maker->counted_bytes = token->start;
    maker->matches[maker->match_count++] =
        (struct match){token->start, token->end, maker->counted_characters, (uint32_t)word};
}

/*
 * Most of a text is none of the query's words, and analysing it all would cost more than the
 * search. So the text is walked run by run between white space, which always parts tokens, and only
 * those runs are analysed in which a token begins with a letter that one of the query's terms
 * begins with, or that are not ASCII.
 */
static void note_first_letters(const struct snippet_maker *maker, enum text_language language,
                               bool ret_first[256])
{
    /* Where stemming may take off a beginning, every letter is one. */
    bool any = language == TEXT_LANGUAGE_INDONESIAN || language == TEXT_LANGUAGE_IRISH;
    memset(ret_first, any, 256);
    for (size_t i = 0; i < maker->word_count; i++) {
        for (uint32_t a = 0; a < maker->words[i]->alternative_count; a++) {
            uint8_t byte = maker->words[i]->alternatives[a].bytes[0];
            ret_first[byte] = true;
            if (byte >= 'a' && byte <= 'z')
                ret_first[byte - 'a' + 'A'] = true;
        }
    }
    memset(ret_first + 0x80, true, 0x80);
}

static bool is_ascii_letter_or_digit(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

/* Whether a token in the run can be one of the query's. */
static bool is_candidate(const char *run, const char *end, const bool first[256])
{
    bool inside = false;
    for (const char *at = run; at < end; at++) {
        bool is_part = is_ascii_letter_or_digit(*at);
        if ((unsigned char)*at >= 0x80 || (is_part && !inside && first[(unsigned char)*at]))
            return true;
        inside = is_part;
    }
    return false;
}

/* Adds the matches of one run; returns the words of the query that it holds, as bits. */
static uint32_t match_run(struct snippet_maker *maker, struct text_analyzer *analyzer,
                          enum text_language language, uint32_t start, uint32_t end)
{
    struct text_token token;
    uint32_t found = 0;
    text_analyzer_begin(analyzer, (struct text_slice){maker->text.bytes + start, end - start},
                        language);
    while (!maker->no_memory && text_analyzer_next(analyzer, &token)) {
        size_t word = word_of(maker, &token);
        if (word == maker->word_count)
            continue;
        token.start += start;
        token.end += start;
        add_match(maker, &token, word);
        found |= 1u << word;
    }
    return found;
}

static void find_matches(struct snippet_maker *maker, struct text_analyzer *analyzer,
                         enum text_language language)
{
    bool first[256];
    const char *text = maker->text.bytes;
    const uint32_t all = maker->word_count == 32 ? UINT32_MAX : (1u << maker->word_count) - 1;
    uint32_t found = 0;
    bool is_limited = false;
    size_t size = maker->word_count == 0 ? 0 : maker->text.size;
    note_first_letters(maker, language, first);
    for (size_t at = 0; at < size && !maker->no_memory && maker->match_count < MATCHES_MAX;) {
        size_t end = at;
        while (end < size && !is_space(text[end]))
            end++;
        if (end > at && is_candidate(text + at, text + end, first))
            found |= match_run(maker, analyzer, language, (uint32_t)at, (uint32_t)end);
        if (found == all && !is_limited) {
            is_limited = true;
            size = size > end + PATIENCE_BYTES ? end + PATIENCE_BYTES : size;
        }
        at = end + 1;
    }
}

/* ---- choosing ---- */

struct window {
    size_t first; /* match */
    size_t last;
    uint32_t distinct;   /* different words in it */
    uint32_t neighbours; /* words that stand right behind the one in front of them in the query */
};

static bool is_better(const struct snippet_maker *maker, const struct window *a,
                      const struct window *b)
{
    if (a->distinct != b->distinct)
        return a->distinct > b->distinct;
    if (a->neighbours != b->neighbours)
        return a->neighbours > b->neighbours;
    if (a->last - a->first != b->last - b->first)
        return a->last - a->first > b->last - b->first;
    return maker->matches[a->first].start < maker->matches[b->first].start;
}

static bool are_neighbours(const struct snippet_maker *maker, size_t match)
{
    const struct match *left = &maker->matches[match];
    const struct match *right = left + 1;
    return right->word == left->word + 1 && right->start <= left->end + 2;
}

/* Slides over the matches; each window is as wide as it may be. */
static struct window choose_window(const struct snippet_maker *maker)
{
    uint32_t counts[QUERY_WORDS_MAX] = {0};
    struct window window = {0};
    struct window best = {0};
    for (size_t last = 0; last < maker->match_count; last++) {
        const struct match *match = &maker->matches[last];
        window.last = last;
        window.distinct += counts[match->word]++ == 0;
        window.neighbours += last > window.first && are_neighbours(maker, last - 1);
        while (match->character - maker->matches[window.first].character > WINDOW_CHARACTERS) {
            window.distinct -= --counts[maker->matches[window.first].word] == 0;
            window.neighbours -= window.first + 1 <= last && are_neighbours(maker, window.first);
            window.first++;
        }
        if (last == 0 || is_better(maker, &window, &best))
            best = window;
    }
    return best;
}

/* ---- cutting ---- */

static bool ends_sentence(struct text_slice text, uint32_t at)
{
    if (text.bytes[at] == '\n')
        return true;
    return at + 1 < text.size && is_space(text.bytes[at + 1]) &&
           (text.bytes[at] == '.' || text.bytes[at] == '!' || text.bytes[at] == '?');
}

/* Where to begin, at or before the first match: at its sentence where that is near, else at a word.
 */
static uint32_t find_start(struct text_slice text, uint32_t match)
{
    uint32_t earliest = step_back(text, match, LEAD_CHARACTERS);
    for (uint32_t at = match; at > earliest; at--) {
        if (ends_sentence(text, at - 1))
            return at;
    }
    uint32_t at = earliest;
    while (at > 0 && at < match && !is_space(text.bytes[at]))
        at++;
    return at == match ? earliest : at; /* no space at all: text written without them */
}

/* Where to end: at a space, where there is one in the last third. */
static uint32_t find_end(struct text_slice text, uint32_t start, uint32_t keep, uint32_t characters)
{
    uint32_t latest = step_on(text, start, characters);
    if (latest >= text.size)
        return (uint32_t)text.size;
    uint32_t least = step_on(text, start, characters * 2 / 3);
    if (least < keep)
        least = keep;
    for (uint32_t at = latest; at > least; at--) {
        if (is_space(text.bytes[at]))
            return at;
    }
    return latest;
}

/* ---- spans ---- */

struct span_writer {
    struct snippet_maker *maker;
    struct snippet *snippet;
    char *out; /* room for all of it */
    size_t size;
    size_t span_start;
    bool after_space; /* the last thing written, or nothing yet */
};

static void end_span(struct span_writer *writer, bool marked)
{
    if (writer->size == writer->span_start)
        return;
    writer->snippet->spans[writer->snippet->span_count++] = (struct snippet_span){
        {writer->out + writer->span_start, writer->size - writer->span_start}, marked};
    writer->span_start = writer->size;
}

/* White space and control characters become one space. */
static void write_text(struct span_writer *writer, uint32_t start, uint32_t end)
{
    for (uint32_t at = start; at < end; at++) {
        char byte = writer->maker->text.bytes[at];
        bool space = is_space(byte) || byte == 0x7f;
        if (space && writer->after_space)
            continue;
        writer->out[writer->size++] = space ? ' ' : byte;
        writer->after_space = space;
    }
}

static void write_string(struct span_writer *writer, const char *text)
{
    size_t size = strlen(text);
    memcpy(writer->out + writer->size, text, size);
    writer->size += size;
}

static enum status write_spans(struct snippet_maker *maker, uint32_t start, uint32_t end,
                               size_t first, struct snippet *snippet, struct error *err)
{
    size_t matches = 0;
    while (first + matches < maker->match_count && maker->matches[first + matches].end <= end)
        matches++;
    *snippet = (struct snippet){
        .spans = arena_alloc(maker->arena, (2 * matches + 2) * sizeof(struct snippet_span))};
    struct span_writer writer = {
        .maker = maker,
        .snippet = snippet,
        .out = arena_alloc(maker->arena, end - start + 2 * sizeof(ELLIPSIS) + 2),
        .after_space = true,
    };
    if (snippet->spans == NULL || writer.out == NULL)
        return error_set(err, STATUS_NO_MEMORY, "snippet");
    if (start > 0)
        write_string(&writer, ELLIPSIS);
    uint32_t at = start;
    for (size_t i = first; i < first + matches; i++) {
        const struct match *match = &maker->matches[i];
        if (match->end <= at)
            continue;
        if (match->start > at) {
            write_text(&writer, at, match->start);
            end_span(&writer, false);
        }
        write_text(&writer, match->start > at ? match->start : at, match->end);
        end_span(&writer, true);
        at = match->end;
    }
    write_text(&writer, at, end);
    if (end < maker->text.size) {
        if (writer.size > 0 && writer.out[writer.size - 1] == ' ' &&
            writer.size > writer.span_start)
            writer.size--;
        write_string(&writer, ELLIPSIS);
    }
    end_span(&writer, false);
    return STATUS_OK;
}

static struct text_slice trim(struct text_slice text)
{
    while (text.size > 0 && is_space(text.bytes[0])) {
        text.bytes++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.bytes[text.size - 1]))
        text.size--;
    return text;
}

enum status snippet_make(struct text_analyzer *analyzer, struct text_slice text,
                         enum text_language language, const struct query_node *query,
                         struct arena *arena, struct snippet *ret_snippet, struct error *err)
{
    struct snippet_maker maker = {.arena = arena, .text = trim(text)};
    maker.word_count = query_collect_words(query, maker.words);
    find_matches(&maker, analyzer, language);
    if (maker.no_memory) {
        free(maker.matches);
        return error_set(err, STATUS_NO_MEMORY, "snippet");
    }
    uint32_t start = 0;
    uint32_t keep = 0;
    size_t first = 0;
    if (maker.match_count > 0) {
        struct window window = choose_window(&maker);
        first = window.first;
        start = find_start(maker.text, maker.matches[first].start);
        keep = maker.matches[window.last].end;
        while (first > 0 && maker.matches[first - 1].end > start)
            first--;
    }
    /* Two characters are for the ellipses. */
    uint32_t end = find_end(maker.text, start, keep, SNIPPET_CHARACTERS_MAX - 2);
    enum status status = write_spans(&maker, start, end, first, ret_snippet, err);
    free(maker.matches);
    return status;
}
