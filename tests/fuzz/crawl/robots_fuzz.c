/*
 * The first line is a target, the rest a robots.txt. Any file is read; a verdict names a line of
 * it; what one file allows without a rule, a rule for everything at its end forbids.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "crawl/robots.h"
#include "crawl/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct robots *parse(const uint8_t *bytes, size_t size, struct arena *arena)
{
    struct robots *robots;
    struct error err;
    CHECK(robots_parse(bytes, size, "tierce", arena, &robots, &err) == STATUS_OK);
    return robots;
}

static void check_verdict(const struct robots_verdict *verdict, size_t size)
{
    CHECK((verdict->line == 0) == (verdict->rule[0] == '\0'));
    CHECK(verdict->line > 0 || verdict->allowed);
    CHECK(verdict->line <= size + 1);
}

static void check_file(const uint8_t *bytes, size_t size, const char *target)
{
    struct arena arena = {0};
    struct robots *robots = parse(bytes, size, &arena);
    struct robots_verdict verdict, stricter;
    robots_check(robots, target, &verdict);
    check_verdict(&verdict, size);
    CHECK(robots_crawl_delay_ms(robots) >= -1);
    for (size_t i = 0; i < robots_sitemap_count(robots); i++)
        CHECK(robots_sitemap(robots, i)[0] != '\0');

    struct buffer more = {0};
    buffer_append(&more, bytes, size);
    buffer_append_string(&more, "\nUser-agent: tierce\nAllow: /robots.txt\nDisallow: *\n");
    if (target[0] == '/' && size < ROBOTS_BYTES_MAX / 2) {
        robots_check(parse(more.data, more.size, &arena), target, &stricter);
        check_verdict(&stricter, more.size);
        CHECK(stricter.line > 0 || strcmp(target, "/robots.txt") == 0);
    }
    buffer_release(&more);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    size_t target_size = line == NULL ? 0 : (size_t)(line - data);
    char target[URL_BYTES_MAX + 1];
    if (target_size > URL_BYTES_MAX)
        target_size = URL_BYTES_MAX;
    memcpy(target, data, target_size);
    target[target_size] = '\0';
    size_t skipped = line == NULL ? 0 : (size_t)(line - data) + 1;
    check_file(data + skipped, size - skipped, target);
    return 0;
}
