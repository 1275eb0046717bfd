/*
 * The first line is a content type, the second stands for all other headers, the rest is a body.
 * Whatever comes out is UTF-8, within the limits, with links in normal form.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crawl/utf8.h"
#include "page/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t limit)
{
    size_t size = strlen(text);
    CHECK(size <= limit && utf8_is_valid((const uint8_t *)text, size, false));
    for (size_t i = 0; i < size; i++)
        CHECK((uint8_t)text[i] >= ' ' || text[i] == '\n');
    CHECK(size == 0 || (text[0] > '\n' || (uint8_t)text[0] >= 0x80));
}

static void check_url(const char *text, struct arena *arena)
{
    struct url url;
    CHECK(url_parse(text, strlen(text), NULL, arena, &url, NULL) == STATUS_OK);
    CHECK(strcmp(url.text, text) == 0);
}

static void check_page(const struct page *page, struct arena *arena)
{
    CHECK(strlen(page->text) == page->text_size);
    CHECK(page->heading_count <= PAGE_HEADINGS_MAX && page->link_count <= PAGE_LINKS_MAX);
    check_text(page->text, PAGE_TEXT_BYTES_MAX);
    check_text(page->title, PAGE_TITLE_BYTES_MAX);
    check_text(page->description, PAGE_DESCRIPTION_BYTES_MAX);
    check_text(page->language, PAGE_LANGUAGE_BYTES_MAX);
    for (size_t i = 0; i < page->heading_count; i++)
        check_text(page->headings[i].text, PAGE_HEADING_BYTES_MAX);
    for (size_t i = 0; i < page->link_count; i++) {
        check_text(page->links[i].anchor, PAGE_ANCHOR_BYTES_MAX);
        check_url(page->links[i].url, arena);
    }
    if (page->canonical[0] != '\0')
        check_url(page->canonical, arena);
    if (page->refresh[0] != '\0')
        check_url(page->refresh, arena);
    for (size_t i = 0; i < page->hint_count; i++)
        check_url(page->hints[i].url, arena);
    CHECK(page->noindex == (page->noindex_by[0] != '\0'));
    CHECK(page->kind == PAGE_DOCUMENT || page->text[0] == '\0');
}

/* The next line as a string; NULL where there is none. The rest stays in *data, *size. */
static const char *take_line(const uint8_t **data, size_t *size, struct arena *arena)
{
    const uint8_t *end = *size == 0 ? NULL : memchr(*data, '\n', *size);
    if (end == NULL)
        return NULL;
    const char *line = arena_string_of(arena, (const char *)*data, (size_t)(end - *data));
    *size -= (size_t)(end - *data) + 1;
    *data = end + 1;
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char here[] = "http://example.org/dir/page.html";
    struct arena arena = {0};
    struct url url;
    CHECK(url_parse(here, strlen(here), NULL, &arena, &url, NULL) == STATUS_OK);
    const char *content_type = take_line(&data, &size, &arena);
    const char *hints = take_line(&data, &size, &arena);
    uint8_t *body = malloc(size + (size == 0));
    CHECK(body != NULL);
    memcpy(body, data, size);
    struct page_input input = {
        .body = body,
        .body_size = size,
        .content_type = content_type,
        .robots_tags = hints,
        .link_headers = hints,
        .refresh = hints,
        .content_language = hints,
        .last_modified = hints,
        .url = &url,
    };
    struct page page;
    if (page_parse(&input, &arena, &page, NULL) == STATUS_OK)
        check_page(&page, &arena);
    free(body);
    arena_release(&arena);
    return 0;
}
