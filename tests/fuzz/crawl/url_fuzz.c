/* The first line is a base, the rest a text: whatever comes out is a fixed point of the parser. */
#include <string.h>

#include "base/check.h"
#include "crawl/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const struct url *url)
{
    CHECK(url->text_size == strlen(url->text) && url->text_size <= URL_BYTES_MAX);
    CHECK(strncmp(url->text, url->origin, strlen(url->origin)) == 0);
    CHECK(strcmp(url->text + strlen(url->origin), url->target) == 0);
    CHECK(strncmp(url->authority, url->host, strlen(url->host)) == 0);
    CHECK(url->path[0] == '/' && strncmp(url->target, url->path, strlen(url->path)) == 0);
    CHECK(url->query == NULL || url->query[0] != '\0');
    for (const char *at = url->text; *at != '\0'; at++)
        CHECK(*at > ' ' && *at < 0x7F);
    CHECK(url_registrable_domain(url) != NULL);
}

static void check_fixed(const struct url *url, const struct url *base, struct arena *arena)
{
    struct url again;
    struct error err;
    CHECK(url_parse(url->text, url->text_size, base, arena, &again, &err) == STATUS_OK);
    CHECK(strcmp(again.text, url->text) == 0);
    CHECK(strcmp(again.origin, url->origin) == 0 && strcmp(again.host, url->host) == 0);
    CHECK(again.port == url->port && (again.query == NULL) == (url->query == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct url base, url;
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    size_t base_size = line == NULL ? 0 : (size_t)(line - data);
    const char *text = line == NULL ? (const char *)data : (const char *)line + 1;
    size_t text_size = line == NULL ? size : size - base_size - 1;
    bool based = line != NULL &&
                 url_parse((const char *)data, base_size, NULL, &arena, &base, NULL) == STATUS_OK;
    if (url_parse(text, text_size, based ? &base : NULL, &arena, &url, NULL) == STATUS_OK) {
        check_parts(&url);
        check_fixed(&url, NULL, &arena);
        if (based)
            check_fixed(&url, &base, &arena);
    }
    arena_release(&arena);
    return 0;
}
