#include "parser/translate.h"

#include <string.h>

#include "base/clock.h"
#include "page.pb-c.h"
#include "page/page.h"

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024 };

static enum status pack(const Page__Page *page, struct buffer *ret_answer, struct error *err)
{
    size_t size = page__page__get_packed_size(page);
    uint8_t *room = buffer_reserve(ret_answer, size);
    if (room == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a parsed page of %zu bytes", size);
    ret_answer->size += page__page__pack(page, room);
    return STATUS_OK;
}

/* ---- what came out ------------------------------------------------------------------------------
 */

/* The generated structs lack const, but packing only reads. */
static char *text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

static Page__Heading **make_headings(const struct page *page, struct arena *arena)
{
    Page__Heading **list = arena_alloc(arena, page->heading_count * sizeof(*list));
    Page__Heading *headings = arena_alloc(arena, page->heading_count * sizeof(*headings));
    if (list == NULL || headings == NULL)
        return NULL;
    for (size_t i = 0; i < page->heading_count; i++) {
        page__heading__init(&headings[i]);
        headings[i].level = page->headings[i].level;
        headings[i].text = text_of(page->headings[i].text);
        list[i] = &headings[i];
    }
    return list;
}

static Page__Link **make_links(const struct page *page, struct arena *arena)
{
    Page__Link **list = arena_alloc(arena, page->link_count * sizeof(*list));
    Page__Link *links = arena_alloc(arena, page->link_count * sizeof(*links));
    if (list == NULL || links == NULL)
        return NULL;
    for (size_t i = 0; i < page->link_count; i++) {
        page__link__init(&links[i]);
        links[i].url = text_of(page->links[i].url);
        links[i].anchor = text_of(page->links[i].anchor);
        links[i].nofollow = page->links[i].nofollow;
        list[i] = &links[i];
    }
    return list;
}

static Page__Alternate **make_alternates(const struct page *page, struct arena *arena)
{
    Page__Alternate **list = arena_alloc(arena, page->alternate_count * sizeof(*list));
    Page__Alternate *alternates = arena_alloc(arena, page->alternate_count * sizeof(*alternates));
    if (list == NULL || alternates == NULL)
        return NULL;
    for (size_t i = 0; i < page->alternate_count; i++) {
        page__alternate__init(&alternates[i]);
        alternates[i].language = text_of(page->alternates[i].language);
        alternates[i].url = text_of(page->alternates[i].url);
        list[i] = &alternates[i];
    }
    return list;
}

static Page__Hint **make_hints(const struct page *page, struct arena *arena)
{
    Page__Hint **list = arena_alloc(arena, page->hint_count * sizeof(*list));
    Page__Hint *hints = arena_alloc(arena, page->hint_count * sizeof(*hints));
    if (list == NULL || hints == NULL)
        return NULL;
    for (size_t i = 0; i < page->hint_count; i++) {
        page__hint__init(&hints[i]);
        hints[i].url = text_of(page->hints[i].url);
        hints[i].title = text_of(page->hints[i].title);
        hints[i].modified_us = page->hints[i].modified_us;
        list[i] = &hints[i];
    }
    return list;
}

static char **make_feeds(const struct page *page, struct arena *arena)
{
    char **list = arena_alloc(arena, page->feed_count * sizeof(*list));
    for (size_t i = 0; list != NULL && i < page->feed_count; i++)
        list[i] = text_of(page->feeds[i]);
    return list;
}

static Page__PageKind kind_of(const struct page *page)
{
    switch (page->kind) {
    case PAGE_SITEMAP:
        return PAGE__PAGE_KIND__PAGE_SITEMAP;
    case PAGE_SITEMAP_INDEX:
        return PAGE__PAGE_KIND__PAGE_SITEMAP_INDEX;
    case PAGE_FEED:
        return PAGE__PAGE_KIND__PAGE_FEED;
    case PAGE_DOCUMENT:
        break;
    }
    return PAGE__PAGE_KIND__PAGE_DOCUMENT;
}

/* What the page asks of crawlers. */
static void put_directives(const struct page *page, Page__Page *message)
{
    message->noindex = page->noindex;
    message->noindex_by = text_of(page->noindex_by);
    message->nofollow = page->nofollow;
    message->nofollow_by = text_of(page->nofollow_by);
    message->noarchive = page->noarchive;
    message->nosnippet = page->nosnippet;
    message->max_snippet = page->max_snippet;
    message->unavailable_after_us = page->unavailable_after_us;
}

/* What it says of other pages; false: no memory. */
static bool put_relations(const struct page *page, struct arena *arena, Page__Page *message)
{
    message->kind = kind_of(page);
    message->canonical = text_of(page->canonical);
    message->refresh = text_of(page->refresh);
    message->n_alternates = page->alternate_count;
    message->alternates = make_alternates(page, arena);
    message->n_feeds = page->feed_count;
    message->feeds = make_feeds(page, arena);
    message->n_hints = page->hint_count;
    message->hints = make_hints(page, arena);
    message->n_links = page->link_count;
    message->links = make_links(page, arena);
    message->links_cut = page->links_cut;
    return message->alternates != NULL && message->feeds != NULL && message->hints != NULL &&
           message->links != NULL;
}

static enum status answer_page(const struct page *page, struct arena *arena,
                               struct buffer *ret_answer, struct error *err)
{
    Page__Page message = PAGE__PAGE__INIT;
    message.parser_version = PAGE_PARSER_VERSION;
    message.title = text_of(page->title);
    message.description = text_of(page->description);
    message.language = text_of(page->language);
    message.n_headings = page->heading_count;
    message.headings = make_headings(page, arena);
    message.text = text_of(page->text);
    message.rest = text_of(page->rest);
    message.charset = text_of(page->charset);
    message.content_type = text_of(page->content_type);
    message.published_us = page->published_us;
    message.modified_us = page->modified_us;
    message.fingerprint = page->fingerprint;
    message.simhash = page->simhash;
    message.text_cut = page->text_cut;
    put_directives(page, &message);
    if (message.headings == NULL || !put_relations(page, arena, &message))
        return error_set(err, STATUS_NO_MEMORY, "a parsed page");
    return pack(&message, ret_answer, err);
}

static enum status answer_problem(Page__Problem problem, const char *words,
                                  struct buffer *ret_answer, struct error *err)
{
    Page__Page message = PAGE__PAGE__INIT;
    message.parser_version = PAGE_PARSER_VERSION;
    message.problem = problem;
    message.problem_words = text_of(words);
    return pack(&message, ret_answer, err);
}

/* ---- what came in -------------------------------------------------------------------------------
 */

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* One value to a line. */
static const char *join_lines(char *const *lines, size_t count, struct buffer *ret_joined)
{
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(ret_joined, lines[i]);
        buffer_append_byte(ret_joined, '\n');
    }
    return count == 0 ? NULL : buffer_string(ret_joined);
}

static enum status parse(const Page__ParseRequest *request, struct arena *arena,
                         struct page *ret_page, struct error *err)
{
    struct url url;
    enum status status = url_parse(request->url, strlen(request->url), NULL, arena, &url, err);
    if (status != STATUS_OK)
        return status;
    struct buffer tags = {0}, links = {0};
    struct page_input input = {
        .body = request->body.data,
        .body_size = request->body.len,
        .content_type = or_null(request->content_type),
        .robots_tags = join_lines(request->robots_tags, request->n_robots_tags, &tags),
        .link_headers = join_lines(request->link_headers, request->n_link_headers, &links),
        .refresh = or_null(request->refresh),
        .content_language = or_null(request->content_language),
        .last_modified = or_null(request->last_modified),
        .url = &url,
        .truncated = request->truncated,
        .now_us = clock_unix_us(),
    };
    status = tags.failed || links.failed ? error_set(err, STATUS_NO_MEMORY, "headers of a page")
                                         : page_parse(&input, arena, ret_page, err);
    buffer_release(&tags);
    buffer_release(&links);
    return status;
}

enum status translate_request(const uint8_t *request, size_t size, struct buffer *ret_answer,
                              struct error *err)
{
    Page__ParseRequest *message = page__parse_request__unpack(NULL, size, request);
    if (message == NULL)
        return translate_refusal("the request is no page.ParseRequest", ret_answer, err);
    struct arena arena;
    struct page page;
    struct error problem = {.text = ""};
    arena_init(&arena, ARENA_BYTES_MAX);
    enum status status = parse(message, &arena, &page, &problem);
    page__parse_request__free_unpacked(message, NULL);
    if (status == STATUS_OK)
        status = answer_page(&page, &arena, ret_answer, err);
    else
        status =
            answer_problem(status == STATUS_UNSUPPORTED ? PAGE__PROBLEM__PROBLEM_UNSUPPORTED_TYPE
                                                        : PAGE__PROBLEM__PROBLEM_UNPARSABLE,
                           problem.text, ret_answer, err);
    arena_release(&arena);
    return status;
}

enum status translate_refusal(const char *words, struct buffer *ret_answer, struct error *err)
{
    return answer_problem(PAGE__PROBLEM__PROBLEM_UNPARSABLE, words, ret_answer, err);
}
