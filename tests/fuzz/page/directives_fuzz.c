/* X-Robots-Tag values, one to a line; the same bytes as a <meta>'s list, and as a date. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "page/date.h"
#include "page/directives.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_directives(const struct directives *directives)
{
    CHECK((directives->noindex_by[0] != '\0') == directives->noindex);
    CHECK((directives->nofollow_by[0] != '\0') == directives->nofollow);
    CHECK(memchr(directives->noindex_by, '\0', DIRECTIVES_WORDS_MAX) != NULL);
    CHECK(directives->max_snippet >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct directives directives = {.now_us = INT64_C(1700000000) * 1000000};
    int64_t time_us;
    char *text = malloc(size + 1);
    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    directives_add_headers(&directives, text);
    check_directives(&directives);
    directives_add_meta(&directives, "robots", text);
    check_directives(&directives);
    char *exact = malloc(size + (size == 0));
    CHECK(exact != NULL);
    memcpy(exact, data, size);
    (void)date_parse(exact, size, &time_us);
    free(exact);
    free(text);
    return 0;
}
