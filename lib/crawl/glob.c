#include "crawl/glob.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crawl/percent.h"

enum token_kind {
    TOKEN_BYTE,
    TOKEN_ONE,  /* ? */
    TOKEN_RUN,  /* * */
    TOKEN_DEEP, /* ** */
};

struct token {
    uint8_t kind;
    uint8_t byte;
    bool slashes; /* of TOKEN_DEEP between two slashes: it may be left out with the one behind it */
};

struct glob {
    size_t count;
    struct token tokens[]; /* each a place of the pattern; the end of all is place `count` */
};

/* ---- reading ------------------------------------------------------------------------------- */

static void add(struct glob *glob, enum token_kind kind, char byte)
{
    glob->tokens[glob->count++] = (struct token){.kind = (uint8_t)kind, .byte = (uint8_t)byte};
}

/* Literal bytes gathered so far, in normal form: an escape may be of several of them. */
static void add_literal(struct glob *glob, const char *literal, size_t size)
{
    char text[GLOB_BYTES_MAX * PERCENT_GROWTH_MAX];
    size_t text_size = percent_normalise(literal, size, PERCENT_PATH, text);
    for (size_t i = 0; i < text_size; i++)
        add(glob, TOKEN_BYTE, text[i]);
}

static void read_pattern(struct glob *glob, const char *at)
{
    char literal[GLOB_BYTES_MAX];
    size_t size = 0;
    for (; *at != '\0'; at++) {
        if (*at != '*' && *at != '?') {
            at += at[0] == '\\' && at[1] != '\0';
            literal[size++] = *at;
            continue;
        }
        add_literal(glob, literal, size);
        size = 0;
        bool deep = at[0] == '*' && at[1] == '*';
        add(glob, *at == '?' ? TOKEN_ONE : deep ? TOKEN_DEEP : TOKEN_RUN, 0);
        while (deep && at[1] == '*')
            at++;
    }
    add_literal(glob, literal, size);
}

static bool is_slash(const struct token *token)
{
    return token->kind == TOKEN_BYTE && token->byte == '/';
}

enum status glob_new(const char *pattern, struct glob **ret_glob, struct error *err)
{
    size_t size = strlen(pattern);
    if (size == 0)
        return error_set(err, STATUS_INVALID, "the pattern is empty");
    if (size > GLOB_BYTES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "the pattern has %zu bytes (at most %d)", size,
                         (int)GLOB_BYTES_MAX);
    struct glob *glob =
        calloc(1, sizeof(*glob) + size * PERCENT_GROWTH_MAX * sizeof(glob->tokens[0]));
    if (glob == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    read_pattern(glob, pattern);
    for (size_t i = 1; i + 1 < glob->count; i++)
        glob->tokens[i].slashes = glob->tokens[i].kind == TOKEN_DEEP &&
                                  is_slash(&glob->tokens[i - 1]) && is_slash(&glob->tokens[i + 1]);
    *ret_glob = glob;
    return STATUS_OK;
}

void glob_free(struct glob *glob)
{
    free(glob);
}

/* ---- matching ------------------------------------------------------------------------------ */

enum { PLACES_MAX = GLOB_BYTES_MAX * PERCENT_GROWTH_MAX + 1 };

/* Places that may have been reached, each once, in no order. */
struct places {
    size_t count;
    uint16_t at[PLACES_MAX];
};

/* By how many bytes of the text each place was reached last, and skipped to what is behind it. */
struct walk {
    const struct glob *glob;
    uint32_t reached[PLACES_MAX];
    uint32_t skipped[PLACES_MAX];
};

/* The place, and those behind wildcards that stand for nothing. `stayed`: a wildcard has taken one
 * byte more. */
static void reach(struct walk *walk, struct places *places, uint32_t bytes, size_t place,
                  bool stayed)
{
    const struct glob *glob = walk->glob;
    for (;;) {
        bool ends = place == glob->count;
        if (!ends && !stayed && glob->tokens[place].slashes && walk->skipped[place] != bytes) {
            walk->skipped[place] = bytes;
            reach(walk, places, bytes, place + 2, false);
        }
        if (walk->reached[place] == bytes)
            return;
        walk->reached[place] = bytes;
        places->at[places->count++] = (uint16_t)place;
        if (ends || glob->tokens[place].kind < TOKEN_RUN)
            return;
        stayed = false;
        place++;
    }
}

static void step(struct walk *walk, struct places *next, uint32_t bytes, size_t place, char c)
{
    if (place == walk->glob->count)
        return;
    const struct token *token = &walk->glob->tokens[place];
    bool fits = token->kind == TOKEN_BYTE ? token->byte == (uint8_t)c
                                          : token->kind == TOKEN_DEEP || c != '/';
    bool stays = token->kind >= TOKEN_RUN;
    if (fits)
        reach(walk, next, bytes, stays ? place : place + 1, stays);
}

bool glob_matches(const struct glob *glob, const char *text, size_t size, unsigned *steps)
{
    struct places now, next; /* large: only what is needed is filled */
    struct walk walk;
    walk.glob = glob;
    now.count = 0;
    memset(walk.reached, 0xff, (glob->count + 1) * sizeof(walk.reached[0]));
    memset(walk.skipped, 0xff, (glob->count + 1) * sizeof(walk.skipped[0]));
    reach(&walk, &now, 0, 0, false);
    for (size_t i = 0; i < size && now.count > 0; i++) {
        if (*steps <= now.count) {
            *steps = 0;
            return false;
        }
        *steps -= (unsigned)now.count;
        next.count = 0;
        for (size_t j = 0; j < now.count; j++)
            step(&walk, &next, (uint32_t)i + 1, now.at[j], text[i]);
        now.count = next.count;
        memcpy(now.at, next.at, next.count * sizeof(next.at[0]));
    }
    return walk.reached[glob->count] == size;
}
