#include "crawl/page.h"

#include <string.h>

#include "base/calendar.h"
#include "crawl/charset.h"
#include "crawl/directives.h"
#include "crawl/fingerprint.h"
#include "crawl/flow.h"
#include "crawl/html.h"
#include "crawl/html_tree.h"
#include "crawl/mime.h"

enum {
    DECODED_BYTES_MAX = 4 * PAGE_BODY_BYTES_MAX, /* three bytes come of one, at most */
    BEGINNINGS = 2,         /* of a page that takes too much, how many are tried, */
    BEGINNING_DIVISOR = 16, /* and how much shorter each is */
};

static const struct html_bounds bounds = {.memory_bytes = 256u << 20, .cpu_ms = 2000};

/* ---- the kinds ----------------------------------------------------------------------------------
 */

static enum status read_text(const struct buffer *text, struct arena *arena, struct page *page,
                             struct error *err)
{
    struct flow flow = {.limit = PAGE_TEXT_BYTES_MAX};
    flow_add(&flow, (const char *)text->data, text->size, true);
    page->text = flow.text.failed
                     ? NULL
                     : arena_string_of(arena, (const char *)flow.text.data, flow.text.size);
    page->text_size = flow.text.size;
    page->text_cut = flow.cut;
    buffer_release(&flow.text);
    return page->text == NULL ? error_set(err, STATUS_NO_MEMORY, "page") : STATUS_OK;
}

/* A page whose markup is an attack on the parser's time is rarely one from its first line on. */
static enum status parse_tree(const struct buffer *text, struct html_tree *tree, bool *ret_cut,
                              struct error *err)
{
    const char *bytes = text->data == NULL ? "" : (const char *)text->data;
    size_t size = text->size;
    struct html_bounds less = {.memory_bytes = bounds.memory_bytes, .cpu_ms = bounds.cpu_ms / 4};
    enum status status = html_tree_parse(bytes, size, &bounds, tree, err);
    *ret_cut = status == STATUS_TOO_LARGE;
    for (int i = 0; i < BEGINNINGS && status == STATUS_TOO_LARGE; i++) {
        size /= BEGINNING_DIVISOR;
        status = html_tree_parse(bytes, size, &less, tree, err);
    }
    return status;
}

static enum status read_html(const struct buffer *text, const struct url *url, struct arena *arena,
                             struct directives *directives, struct page *page, struct error *err)
{
    struct html_tree tree = {.root = NULL};
    bool cut;
    enum status status = parse_tree(text, &tree, &cut, err);
    if (status != STATUS_OK)
        return status;
    status = html_extract(tree.root, url, arena, directives, page, err);
    html_tree_release(&tree);
    page->text_cut = page->text_cut || cut;
    page->links_cut = page->links_cut || cut;
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------
 */

static enum status read_decoded(const struct page_input *input, enum mime_kind kind,
                                const struct buffer *text, struct arena *arena, struct page *page,
                                struct error *err)
{
    struct directives directives = {.noindex = false};
    directives_add_headers(&directives, input->robots_tags);
    enum status status = kind == MIME_HTML
                             ? read_html(text, input->url, arena, &directives, page, err)
                             : read_text(text, arena, page, err);
    page->noindex = directives.noindex;
    page->nofollow = directives.nofollow;
    page->noarchive = directives.noarchive;
    page->nosnippet = directives.nosnippet;
    return status;
}

/* The header's language, where the page itself names none. One that names several tells nothing. */
static const char *header_language(const char *header, struct arena *arena)
{
    size_t size = header == NULL ? 0 : strlen(header);
    if (size == 0 || size > PAGE_LANGUAGE_BYTES_MAX)
        return "";
    char *language = arena_string_of(arena, header, size);
    for (char *at = language; at != NULL && *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + 32);
        bool fine = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-';
        if (!fine)
            return "";
    }
    return language == NULL ? "" : language;
}

/* The header's type where it says one that fits what was read. */
static const char *content_type(const struct mime *mime, enum mime_kind kind, struct arena *arena)
{
    bool is_xhtml = strcmp(mime->type, "application/xhtml+xml") == 0;
    if (kind == MIME_HTML && !is_xhtml)
        return "text/html";
    if (kind == MIME_TEXT && mime->type[0] == '\0')
        return "text/plain";
    const char *type = arena_string(arena, mime->type);
    return type == NULL ? "" : type;
}

enum status page_parse(const struct page_input *input, struct arena *arena, struct page *ret_page,
                       struct error *err)
{
    struct page_input whole = *input;
    bool cut = input->truncated || input->body_size > PAGE_BODY_BYTES_MAX;
    if (whole.body_size > PAGE_BODY_BYTES_MAX)
        whole.body_size = PAGE_BODY_BYTES_MAX;
    if (whole.body_size == 0)
        whole.body = (const uint8_t *)"";

    struct mime mime;
    mime_parse(input->content_type, &mime);
    enum mime_kind kind = mime_kind(&mime, whole.body, whole.body_size);
    if (kind == MIME_OTHER)
        return error_set(err, STATUS_UNSUPPORTED, "%s is no text that can be indexed",
                         mime.type[0] == '\0' ? "content without a type" : mime.type);

    size_t bom_size;
    const struct charset *charset =
        charset_find(whole.body, whole.body_size, mime.charset[0] == '\0' ? NULL : mime.charset,
                     kind == MIME_HTML, &bom_size);
    struct buffer text = {.limit = DECODED_BYTES_MAX};
    struct page page = {.title = "", .description = "", .language = "", .canonical = ""};
    enum status status =
        charset_decode(charset, whole.body + bom_size, whole.body_size - bom_size, &text, err);
    if (status == STATUS_OK)
        status = read_decoded(&whole, kind, &text, arena, &page, err);
    buffer_release(&text);
    if (status != STATUS_OK)
        return status;
    page.charset = charset->name;
    page.content_type = content_type(&mime, kind, arena);
    if (page.modified_us == 0 && input->last_modified != NULL &&
        !calendar_parse(input->last_modified, &page.modified_us))
        page.modified_us = 0;
    if (page.language[0] == '\0')
        page.language = header_language(input->content_language, arena);
    page.text_cut = page.text_cut || cut;
    page.links_cut = page.links_cut || cut;
    struct fingerprint fingerprint;
    status = fingerprint_page(&page, &fingerprint, err);
    if (status != STATUS_OK)
        return status;
    page.fingerprint = fingerprint.exact;
    page.simhash = fingerprint.simhash;
    *ret_page = page;
    return STATUS_OK;
}

void page_load_all(void)
{
    static const char name[] = "http://\xC3\xA4.example/"; /* opens the tables of domain names */
    struct arena arena = {0};
    struct url url;
    charset_load_all();
    (void)url_parse(name, strlen(name), NULL, &arena, &url, NULL);
    arena_release(&arena);
}
