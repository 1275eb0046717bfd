/* Link values, one to a line; the same bytes as a Refresh value. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "page/refresh.h"
#include "page/relations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(const char *text, struct arena *arena)
{
    struct url url;
    CHECK(url_parse(text, strlen(text), NULL, arena, &url, NULL) == STATUS_OK);
    CHECK(strcmp(url.text, text) == 0);
}

static void check_relations(const char *lines)
{
    static const char here[] = "http://example.org/dir/page";
    struct arena arena = {0};
    struct relations relations = {.arena = &arena};
    struct url url;
    CHECK(url_parse(here, strlen(here), NULL, &arena, &url, NULL) == STATUS_OK);
    relations_add_headers(&relations, lines, &url);
    CHECK(!relations.failed && relations.feed_count <= RELATIONS_FEEDS_MAX);
    if (relations_canonical(&relations)[0] != '\0')
        check_url(relations_canonical(&relations), &arena);
    for (size_t i = 0; i < relations.alternate_count; i++) {
        check_url(relations.alternates[i].url, &arena);
        CHECK(strlen(relations.alternates[i].language) <= RELATIONS_LANGUAGE_BYTES_MAX);
    }
    for (size_t i = 0; i < relations.feed_count; i++)
        check_url(relations.feeds[i], &arena);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct refresh refresh;
    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_relations(text);
    if (refresh_parse(text, &refresh))
        CHECK(refresh.url_size == 0 ||
              (refresh.url >= text && refresh.url + refresh.url_size <= text + strlen(text)));
    free(text);
    return 0;
}
