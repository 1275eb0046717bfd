/* What holds of the hints of any sitemap or feed. */
#ifndef TIERCE_TESTS_FUZZ_HINTS_CHECK_H
#define TIERCE_TESTS_FUZZ_HINTS_CHECK_H

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crawl/utf8.h"
#include "page/listing.h"

static inline void check_hint(const struct page_hint *hint, struct arena *arena)
{
    struct url url;
    size_t title_size = strlen(hint->title);
    CHECK(url_parse(hint->url, strlen(hint->url), NULL, arena, &url, NULL) == STATUS_OK);
    CHECK(strcmp(url.text, hint->url) == 0);
    CHECK(title_size <= HINT_TITLE_BYTES_MAX);
    CHECK(utf8_is_valid((const uint8_t *)hint->title, title_size, false));
}

/* Reads UTF-8 in memory of its own size as one kind of list. */
static inline void check_listing(enum listing listing, const uint8_t *data, size_t size)
{
    static const char here[] = "http://example.org/dir/list";
    struct arena arena = {0};
    struct url url;
    struct hints hints;
    if (!utf8_is_valid(data, size, false))
        return; /* page_parse() makes it so before */
    char *text = malloc(size + (size == 0));
    CHECK(text != NULL);
    memcpy(text, data, size);
    CHECK(url_parse(here, strlen(here), NULL, &arena, &url, NULL) == STATUS_OK);
    (void)listing_find(text, size, &url);
    hints_init(&hints, &url, &arena);
    enum status status = listing_read(listing, text, size, &hints, NULL);
    hints_release(&hints);
    CHECK(status == STATUS_OK || status == STATUS_INVALID);
    CHECK(hints.count <= HINTS_MAX && hints.base == &url);
    for (size_t i = 0; i < hints.count; i++)
        check_hint(&hints.list[i], &arena);
    free(text);
    arena_release(&arena);
}

#endif
