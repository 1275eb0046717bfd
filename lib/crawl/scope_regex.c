#include "crawl/scope_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* What the steps do not bound: how deep a match nests, and its memory. */
enum { DEPTH_MAX = 10000, HEAP_KIB_MAX = 8192, ERROR_BYTES = 200 };

struct scope_regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    unsigned *steps; /* of the call that goes on */
};

/* Called before each item of the pattern is tried. */
static int count_step(pcre2_callout_block *block, void *context)
{
    struct scope_regex *regex = context;
    (void)block;
    if (*regex->steps <= 1) {
        *regex->steps = 0;
        return PCRE2_ERROR_MATCHLIMIT;
    }
    --*regex->steps;
    return 0;
}

static enum status compile(const char *pattern, pcre2_code **ret_code, size_t *ret_at,
                           struct error *err)
{
    /* A URL in normal form is ASCII; \C would read behind characters, which it has no use for. */
    const uint32_t options =
        PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
    int code = 0;
    PCRE2_SIZE at = 0;
    *ret_code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
    if (*ret_code != NULL)
        return STATUS_OK;
    PCRE2_UCHAR words[ERROR_BYTES] = "";
    pcre2_get_error_message(code, words, sizeof(words));
    *ret_at = at;
    return error_set(err, STATUS_INVALID, "no regular expression: %s, at its character %zu",
                     (const char *)words, (size_t)at + 1);
}

enum status scope_regex_new(const char *pattern, struct scope_regex **ret_regex, size_t *ret_at,
                            struct error *err)
{
    struct scope_regex *regex = calloc(1, sizeof(*regex));
    if (regex == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    enum status status = compile(pattern, &regex->code, ret_at, err);
    if (status != STATUS_OK)
        goto fail;
    regex->data = pcre2_match_data_create(1, NULL);
    regex->context = pcre2_match_context_create(NULL);
    if (regex->data == NULL || regex->context == NULL) {
        status = error_set(err, STATUS_NO_MEMORY, "no memory");
        goto fail;
    }
    pcre2_set_callout(regex->context, count_step, regex);
    pcre2_set_depth_limit(regex->context, DEPTH_MAX);
    pcre2_set_heap_limit(regex->context, HEAP_KIB_MAX);
    *ret_regex = regex;
    return STATUS_OK;

fail:
    scope_regex_free(regex);
    return status;
}

void scope_regex_free(struct scope_regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_match_context_free(regex->context);
    pcre2_match_data_free(regex->data);
    pcre2_code_free(regex->code);
    free(regex);
}

bool scope_regex_matches(struct scope_regex *regex, const char *text, size_t size, unsigned *steps)
{
    regex->steps = steps;
    int result =
        pcre2_match(regex->code, (PCRE2_SPTR)text, size, 0, 0, regex->data, regex->context);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH)
        *steps = 0; /* a limit: nobody knows */
    return result >= 0;
}
