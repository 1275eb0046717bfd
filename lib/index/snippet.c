#include "index/snippet.h"

#include <stdlib.h>
#include <string.h>

#include "index/prefix.h"
#include "text/character.h"

#define WINDOW_CHARACTERS 240 /* between the first and the last word shown as found */
#define LEAD_CHARACTERS   60  /* in front of the first */
#define ELLIPSIS          "\xe2\x80\xa6"

struct match {
    uint32_t start; /* bytes */
    uint32_t end;
    uint32_t character; /* how many stand in front of it in the text */
    uint32_t word;      /* which of the query's */
};

struct cutter {
    struct arena *arena;
    struct text_slice text; /* the passage */
    bool begins;            /* as in struct passage */
    bool ends;
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

static uint32_t count_characters(const char *bytes, size_t size)
{
    uint32_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += !utf8_continues(bytes[i]);
    return count;
}

static uint32_t step_back(struct text_slice text, uint32_t at, uint32_t characters)
{
    for (; at > 0 && characters > 0; characters--) {
        do {
            at--;
        } while (at > 0 && utf8_continues(text.bytes[at]));
    }
    return at;
}

static uint32_t step_on(struct text_slice text, uint32_t at, uint32_t characters)
{
    for (; at < text.size && characters > 0; characters--) {
        do {
            at++;
        } while (at < text.size && utf8_continues(text.bytes[at]));
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
    return is_prefix(term) ? prefix_has(term, bytes, size) : query_term_is(term, bytes, size);
}

/* Which of the query's words the token is; word_count: none. */
static size_t word_of(const struct cutter *cutter, const struct text_token *token)
{
    for (size_t i = 0; i < cutter->word_count; i++) {
        const struct query_word *word = cutter->words[i];
        for (uint32_t a = 0; a < word->alternative_count; a++) {
            const struct query_term *term = &word->alternatives[a];
            if (is_term(term, token->term, token->term_size) ||
                (token->exact_size > 0 && is_term(term, token->exact, token->exact_size)))
                return i;
        }
    }
    return cutter->word_count;
}

static void add_match(struct cutter *cutter, const struct text_token *token, size_t word)
{
    if (cutter->match_count == cutter->match_capacity) {
        size_t capacity = cutter->match_capacity == 0 ? 64 : cutter->match_capacity * 2;
        struct match *matches = realloc(cutter->matches, capacity * sizeof(*matches));
        if (matches == NULL) {
            cutter->no_memory = true;
            return;
        }
        cutter->matches = matches;
        cutter->match_capacity = capacity;
    }
    cutter->counted_characters += count_characters(cutter->text.bytes + cutter->counted_bytes,
                                                   token->start - cutter->counted_bytes);
    cutter->counted_bytes = token->start;
    cutter->matches[cutter->match_count++] =
        (struct match){token->start, token->end, cutter->counted_characters, (uint32_t)word};
}

/*
 * Most of a text is none of the query's words, and analysing it all would cost more than the
 * search. So the text is walked run by run between white space, which always parts tokens, and only
 * those runs are analysed in which a token begins with a letter that one of the query's terms
 * begins with, or that are not ASCII.
 */
static void note_first_letters(const struct cutter *cutter, enum text_language language,
                               bool ret_first[256])
{
    /* Where stemming may take off a beginning, every letter is one. */
    bool any = language == TEXT_LANGUAGE_INDONESIAN || language == TEXT_LANGUAGE_IRISH;
    memset(ret_first, any, 256);
    for (size_t i = 0; i < cutter->word_count; i++) {
        for (uint32_t a = 0; a < cutter->words[i]->alternative_count; a++) {
            const struct query_term *term = &cutter->words[i]->alternatives[a];
            uint8_t byte = term->bytes[term->size > 1 &&
                                       (is_prefix(term) || TEXT_TERM_IS_OF_LANGUAGE(term->bytes))];
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

/* Adds the matches of one run. */
static void match_run(struct cutter *cutter, struct text_analyzer *analyzer,
                      enum text_language language, uint32_t start, uint32_t end)
{
    struct text_token token;
    text_analyzer_begin(analyzer, (struct text_slice){cutter->text.bytes + start, end - start},
                        language);
    while (!cutter->no_memory && text_analyzer_next(analyzer, &token)) {
        size_t word = word_of(cutter, &token);
        if (word == cutter->word_count)
            continue;
        token.start += start;
        token.end += start;
        add_match(cutter, &token, word);
    }
}

static void find_matches(struct cutter *cutter, struct text_analyzer *analyzer,
                         enum text_language language)
{
    bool first[256];
    const char *text = cutter->text.bytes;
    size_t size = cutter->word_count == 0 ? 0 : cutter->text.size;
    note_first_letters(cutter, language, first);
    for (size_t at = 0; at < size && !cutter->no_memory;) {
        size_t end = at;
        while (end < size && !is_space(text[end]))
            end++;
        if (end > at && is_candidate(text + at, text + end, first))
            match_run(cutter, analyzer, language, (uint32_t)at, (uint32_t)end);
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

static bool is_better(const struct cutter *cutter, const struct window *a, const struct window *b)
{
    if (a->distinct != b->distinct)
        return a->distinct > b->distinct;
    if (a->neighbours != b->neighbours)
        return a->neighbours > b->neighbours;
    if (a->last - a->first != b->last - b->first)
        return a->last - a->first > b->last - b->first;
    return cutter->matches[a->first].start < cutter->matches[b->first].start;
}

static bool are_neighbours(const struct cutter *cutter, size_t match)
{
    const struct match *left = &cutter->matches[match];
    const struct match *right = left + 1;
    return right->word == left->word + 1 && right->start <= left->end + 2;
}

/* Slides over the matches; each window is as wide as it may be. */
static struct window choose_window(const struct cutter *cutter)
{
    uint32_t counts[QUERY_WORDS_MAX] = {0};
    struct window window = {0};
    struct window best = {0};
    for (size_t last = 0; last < cutter->match_count; last++) {
        const struct match *match = &cutter->matches[last];
        window.last = last;
        window.distinct += counts[match->word]++ == 0;
        window.neighbours += last > window.first && are_neighbours(cutter, last - 1);
        while (match->character - cutter->matches[window.first].character > WINDOW_CHARACTERS) {
            window.distinct -= --counts[cutter->matches[window.first].word] == 0;
            window.neighbours -= window.first + 1 <= last && are_neighbours(cutter, window.first);
            window.first++;
        }
        if (last == 0 || is_better(cutter, &window, &best))
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
    struct cutter *cutter;
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
        char byte = writer->cutter->text.bytes[at];
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

static enum status write_spans(struct cutter *cutter, uint32_t start, uint32_t end, size_t first,
                               struct snippet *snippet, struct error *err)
{
    size_t matches = 0;
    while (first + matches < cutter->match_count && cutter->matches[first + matches].end <= end)
        matches++;
    *snippet = (struct snippet){
        .spans = arena_alloc(cutter->arena, (2 * matches + 2) * sizeof(struct snippet_span))};
    struct span_writer writer = {
        .cutter = cutter,
        .snippet = snippet,
        .out = arena_alloc(cutter->arena, end - start + 2 * sizeof(ELLIPSIS) + 2),
        .after_space = true,
    };
    if (snippet->spans == NULL || writer.out == NULL)
        return error_set(err, STATUS_NO_MEMORY, "snippet");
    if (start > 0 || !cutter->begins)
        write_string(&writer, ELLIPSIS);
    uint32_t at = start;
    for (size_t i = first; i < first + matches; i++) {
        const struct match *match = &cutter->matches[i];
        if (match->end <= at)
            continue;
        if (match->start > at)
            write_text(&writer, at, match->start);
        end_span(&writer, false); /* the ellipsis, too */
        write_text(&writer, match->start > at ? match->start : at, match->end);
        end_span(&writer, true);
        at = match->end;
    }
    write_text(&writer, at, end);
    if (end < cutter->text.size || !cutter->ends) {
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

/* Whether the passage is all there is, and short enough to be shown. */
static bool fits_whole(const struct cutter *cutter)
{
    return cutter->begins && cutter->ends &&
           step_on(cutter->text, 0, SNIPPET_CHARACTERS_MAX - 2) == cutter->text.size;
}

enum status snippet_cut(struct text_analyzer *analyzer, const struct passage *passage,
                        enum text_language language, const struct query_node *query,
                        struct arena *arena, struct snippet *ret_snippet, struct error *err)
{
    struct cutter cutter = {.arena = arena,
                            .text = trim(passage->text),
                            .begins = passage->begins,
                            .ends = passage->ends};
    cutter.word_count = query_collect_words(query, cutter.words);
    find_matches(&cutter, analyzer, language);
    if (cutter.no_memory) {
        free(cutter.matches);
        return error_set(err, STATUS_NO_MEMORY, "snippet");
    }
    uint32_t start = 0;
    uint32_t keep = 0;
    size_t first = 0;
    if (cutter.match_count > 0 && !fits_whole(&cutter)) {
        struct window window = choose_window(&cutter);
        first = window.first;
        start = find_start(cutter.text, cutter.matches[first].start);
        keep = cutter.matches[window.last].end;
        while (first > 0 && cutter.matches[first - 1].end > start)
            first--;
    }
    /* Two characters are for the ellipses. */
    uint32_t end = find_end(cutter.text, start, keep, SNIPPET_CHARACTERS_MAX - 2);
    enum status status = write_spans(&cutter, start, end, first, ret_snippet, err);
    free(cutter.matches);
    return status;
}

/* ---- what a page allows ---- */

/* The size of at most `characters` of them; *ret_count: how many these are. */
static size_t size_of_characters(struct text_slice text, uint32_t characters, uint32_t *ret_count)
{
    size_t size = 0;
    *ret_count = 0;
    while (size < text.size) {
        bool starts = ((uint8_t)text.bytes[size] & 0xC0) != 0x80;
        if (starts && *ret_count == characters)
            break;
        *ret_count += starts;
        size++;
    }
    return size;
}

/* Where a text that is cut there ends with a whole word, if it has any. */
static size_t back_to_word(struct text_slice text, size_t size)
{
    size_t at = size;
    while (at > 0 && text.bytes[at] != ' ')
        at--;
    size_t end = at > 0 ? at : size;
    while (end > 0 && text.bytes[end - 1] == ' ')
        end--;
    return end;
}

static bool fits(const struct snippet *snippet, uint32_t characters)
{
    for (uint32_t i = 0; i < snippet->span_count; i++) {
        uint32_t count;
        if (size_of_characters(snippet->spans[i].text, characters, &count) <
            snippet->spans[i].text.size)
            return false;
        characters -= count;
    }
    return true;
}

/* In the last span where that is not marked, else in one of its own. */
static enum status end_with_ellipsis(struct snippet *snippet, struct arena *arena,
                                     struct error *err)
{
    struct snippet_span *last =
        snippet->span_count == 0 ? NULL : &snippet->spans[snippet->span_count - 1];
    struct text_slice text = last == NULL || last->marked ? (struct text_slice){"", 0} : last->text;
    char *copy = arena_format(arena, "%.*s%s", (int)text.size, text.bytes, ELLIPSIS);
    if (copy == NULL)
        return error_set(err, STATUS_NO_MEMORY, "snippet");
    snippet->span_count -= text.size > 0;
    snippet->spans[snippet->span_count++] =
        (struct snippet_span){{copy, strlen(copy)}, false}; /* write_spans() leaves room for it */
    return STATUS_OK;
}

enum status snippet_shorten(struct snippet *snippet, uint32_t characters, struct arena *arena,
                            struct error *err)
{
    if (characters == 0 || fits(snippet, characters))
        return STATUS_OK;
    uint32_t count, left = characters - 1; /* the last one is the ellipsis */
    for (uint32_t i = 0; i < snippet->span_count; i++) {
        struct text_slice *text = &snippet->spans[i].text;
        size_t size = size_of_characters(*text, left, &count);
        left -= count;
        if (size == text->size)
            continue;
        text->size = back_to_word(*text, size);
        snippet->span_count = i + (text->size > 0);
    }
    return end_with_ellipsis(snippet, arena, err);
}
