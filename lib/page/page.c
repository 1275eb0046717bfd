#include "page/page.h"

#include <string.h>
#include <strings.h>

#include "base/calendar.h"
#include "base/check.h"
#include "crawl/unpack.h"
#include "page/archive.h"
#include "page/charset.h"
#include "page/directives.h"
#include "page/document.h"
#include "page/feed.h"
#include "page/fingerprint.h"
#include "page/flow.h"
#include "page/html.h"
#include "page/html_tree.h"
#include "page/listing.h"
#include "page/mime.h"
#include "page/refresh.h"
#include "page/xml.h"

enum {
    /* Three bytes come of one, at most; of an unpacked sitemap rarely more than one. */
    DECODED_BYTES_MAX = 64 * 1024 * 1024,
    UNPACKED_STEP_BYTES = 64 * 1024,
    BEGINNINGS = 2,         /* of a page that takes too much, how many are tried, */
    BEGINNING_DIVISOR = 16, /* and how much shorter each is */
};

static const struct html_bounds bounds = {.memory_bytes = 256u << 20, .cpu_ms = 2000};

/* A body on its way through. */
struct reading {
    const struct page_input *input;
    const uint8_t *body; /* unpacked */
    size_t size;
    bool packed; /* it was: only a list of pages is worth unpacking */
    bool cut;
    struct mime mime;
    enum mime_kind kind;
    const struct charset *charset; /* the body's */
    struct buffer text;            /* the body in UTF-8 */
    struct arena *arena;
    struct directives directives;
    struct relations relations;
    struct page page;
};

/* ---- the kinds ----------------------------------------------------------------------------------
 */

static enum status read_text(struct reading *reading, struct error *err)
{
    struct page *page = &reading->page;
    struct flow flow = {.limit = PAGE_TEXT_BYTES_MAX};
    flow_add(&flow, (const char *)reading->text.data, reading->text.size, true);
    page->text = flow.text.failed ? NULL
                                  : arena_string_of(reading->arena, (const char *)flow.text.data,
                                                    flow.text.size);
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

static enum status read_html(struct reading *reading, struct error *err)
{
    struct html_tree tree = {.root = NULL};
    struct page *page = &reading->page;
    bool cut;
    enum status status = parse_tree(&reading->text, &tree, &cut, err);
    if (status != STATUS_OK)
        return status;
    status = html_extract(tree.root, reading->input->url, reading->charset, reading->arena,
                          &reading->directives, &reading->relations, page, err);
    html_tree_release(&tree);
    page->text_cut = page->text_cut || cut;
    page->links_cut = page->links_cut || cut;
    return status;
}

static enum status read_listing(struct reading *reading, enum listing listing, const char *text,
                                struct error *err)
{
    struct page *page = &reading->page;
    struct hints hints;
    hints_init(&hints, reading->input->url, reading->arena);
    enum status status = listing_read(listing, text, reading->text.size, &hints, err);
    hints_release(&hints);
    if (status != STATUS_OK)
        return status;
    bool feed = listing == LISTING_FEED || listing == LISTING_FEED_JSON;
    page->kind = feed                               ? PAGE_FEED
                 : listing == LISTING_SITEMAP_INDEX ? PAGE_SITEMAP_INDEX
                                                    : PAGE_SITEMAP;
    page->hints = hints.list;
    page->hint_count = hints.count;
    page->links_cut = hints.cut;
    page->text = "";
    return STATUS_OK;
}

/* ---- documents ----------------------------------------------------------------------------------
 */

/* A text file's name tells that it is Markdown, where its server knows no such type. */
static bool is_markdown_name(const struct url *url)
{
    static const char *const endings[] = {".md", ".markdown"};
    size_t size = strcspn(url->text, "?#");
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        size_t ending = strlen(endings[i]);
        if (size > ending && strncasecmp(url->text + size - ending, endings[i], ending) == 0)
            return true;
    }
    return false;
}

static enum status write_document(struct reading *reading, struct document *document,
                                  struct error *err)
{
    switch (reading->kind) {
    case MIME_PDF:
        document_begin(document, "application/pdf");
        return pdf_read(reading->body, reading->size, document, err);
    case MIME_OFFICE:
        document_begin(document, "application/zip");
        return office_read(reading->body, reading->size, document, err);
    default:
        document_begin(document, "text/markdown");
        return markdown_read(buffer_string(&reading->text), reading->text.size, document, err);
    }
}

/* What is yet to come is no date of the document: a clock was wrong. */
static void take_date(const struct reading *reading, int64_t said_us, int64_t *date_us)
{
    int64_t now_us = reading->input->now_us;
    if (said_us != 0 && (now_us == 0 || said_us <= now_us + CALENDAR_DAY_US))
        *date_us = said_us;
}

/* Reads it as the web page that it is written as. */
static enum status read_document(struct reading *reading, struct error *err)
{
    struct document document;
    struct page *page = &reading->page;
    enum status status = write_document(reading, &document, err);
    if (status == STATUS_OK) {
        struct buffer text = reading->text;
        reading->text = document.html;
        document.html = text;
        status = read_html(reading, err);
        page->content_type = document.type;
        take_date(reading, document.published_us, &page->published_us);
        take_date(reading, document.modified_us, &page->modified_us);
        page->text_cut = page->text_cut || document.cut;
    }
    document_release(&document);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------
 */

static enum status no_text(const struct mime *mime, struct error *err)
{
    return error_set(err, STATUS_UNSUPPORTED, "%s is no text that can be indexed",
                     mime->type[0] == '\0' ? "content without a type" : mime->type);
}

static enum status read_decoded(struct reading *reading, struct error *err)
{
    const struct page_input *input = reading->input;
    const char *text = reading->text.data == NULL ? "" : (const char *)reading->text.data;
    enum listing listing = listing_find(text, reading->text.size, input->url);
    if (listing != LISTING_NONE) {
        enum status status = read_listing(reading, listing, text, err);
        if (status != STATUS_INVALID) /* what only looks like a feed is text */
            return status;
    }
    if (reading->kind == MIME_OTHER || reading->packed)
        return no_text(&reading->mime, err);
    if (reading->kind == MIME_HTML)
        return read_html(reading, err);
    bool is_markdown = reading->kind == MIME_MARKDOWN || is_markdown_name(input->url);
    return is_markdown ? read_document(reading, err) : read_text(reading, err);
}

static const char *keep(struct reading *reading, const char *text)
{
    const char *kept = arena_string(reading->arena, text);
    reading->relations.failed = reading->relations.failed || kept == NULL;
    return kept;
}

static void take_directives(struct reading *reading)
{
    const struct directives *directives = &reading->directives;
    struct page *page = &reading->page;
    page->noindex = directives->noindex;
    page->nofollow = directives->nofollow;
    page->noarchive = directives->noarchive;
    page->nosnippet = directives->nosnippet;
    page->max_snippet = directives->max_snippet;
    page->unavailable_after_us = directives->unavailable_after_us;
    page->noindex_by = keep(reading, directives->noindex_by);
    page->nofollow_by = keep(reading, directives->nofollow_by);
}

/* The header's word comes before the page's. */
static void take_refresh_header(struct reading *reading)
{
    const struct url *url = reading->input->url;
    struct refresh refresh;
    struct url target;
    if (reading->input->refresh == NULL || !refresh_parse(reading->input->refresh, &refresh) ||
        refresh.url_size == 0 || refresh.seconds > REFRESH_REDIRECT_SECONDS_MAX ||
        url_parse(refresh.url, refresh.url_size, url, reading->arena, &target, NULL) != STATUS_OK ||
        strcmp(target.text, url->text) == 0)
        return;
    reading->page.refresh = target.text;
}

/* What comes before and after is a link like any other. */
static void add_neighbours(struct reading *reading)
{
    const struct relations *relations = &reading->relations;
    struct page *page = &reading->page;
    size_t count = page->link_count + relations->neighbour_count;
    if (relations->neighbour_count == 0 || count > PAGE_LINKS_MAX)
        return;
    struct page_link *links = arena_alloc(reading->arena, count * sizeof(*links));
    if (links == NULL) {
        reading->relations.failed = true;
        return;
    }
    if (page->link_count > 0)
        memcpy(links, page->links, page->link_count * sizeof(*links));
    for (size_t i = 0; i < relations->neighbour_count; i++)
        links[page->link_count++] = (struct page_link){
            .url = relations->neighbours[i], .anchor = "", .nofollow = page->nofollow};
    page->links = links;
}

static void take_relations(struct reading *reading)
{
    const struct relations *relations = &reading->relations;
    struct page *page = &reading->page;
    page->canonical = relations_canonical(relations);
    page->alternates = relations->alternates;
    page->alternate_count = relations->alternate_count;
    page->feeds = relations->feeds;
    page->feed_count = relations->feed_count;
    add_neighbours(reading);
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

/* Only lists of pages are sent as such types. */
static bool may_list(const struct mime *mime)
{
    static const char *const types[] = {"application/json", "application/feed+json",
                                        "application/octet-stream"};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (strcmp(mime->type, types[i]) == 0)
            return true;
    }
    return mime_is_xml(mime);
}

/* The body's charset: as its type says, or it does itself. */
static const struct charset *find_charset(const struct reading *reading, size_t *ret_bom_size)
{
    const char *label = reading->mime.charset;
    char declared[64] = "";
    const char *text;
    size_t size;
    if (label[0] == '\0' && (mime_is_xml(&reading->mime) || reading->packed) &&
        xml_declared_encoding((const char *)reading->body, reading->size, &text, &size) &&
        size < sizeof(declared)) {
        memcpy(declared, text, size);
        label = declared;
    }
    return charset_find(reading->body, reading->size, label[0] == '\0' ? NULL : label,
                        reading->kind == MIME_HTML, ret_bom_size);
}

static enum status read_body(struct reading *reading, struct error *err)
{
    size_t bom_size;
    reading->kind = mime_kind(&reading->mime, reading->body, reading->size);
    if (reading->kind == MIME_OTHER && !reading->packed && !may_list(&reading->mime))
        return no_text(&reading->mime, err);
    if (reading->kind == MIME_PDF || reading->kind == MIME_OFFICE) {
        enum status status = read_document(reading, err);
        reading->page.charset = "utf-8";
        return status;
    }
    const struct charset *charset = find_charset(reading, &bom_size);
    reading->charset = charset;
    enum status status = charset_decode(charset, reading->body + bom_size, reading->size - bom_size,
                                        &reading->text, err);
    if (status == STATUS_OK)
        status = read_decoded(reading, err);
    reading->page.charset = charset->name;
    return status;
}

struct packed {
    const uint8_t *left;
    size_t size;
};

static enum status give_packed(void *context, void *ret_bytes, size_t room, size_t *ret_size,
                               struct error *err)
{
    struct packed *packed = context;
    (void)err;
    *ret_size = packed->size < room ? packed->size : room;
    memcpy(ret_bytes, packed->left, *ret_size);
    packed->left += *ret_size;
    packed->size -= *ret_size;
    return STATUS_OK;
}

/* What can be read of a damaged file counts, and so does what fits. */
static enum status unpack(struct reading *reading, struct buffer *ret_bytes, struct error *err)
{
    struct packed packed = {.left = reading->body, .size = reading->size};
    struct unpacker *unpacker;
    enum status status = unpacker_open(give_packed, &packed, &unpacker, err);
    size_t got = 1;
    if (status != STATUS_OK)
        return status;
    while (status == STATUS_OK && got > 0 && ret_bytes->size < PAGE_UNPACKED_BYTES_MAX) {
        size_t room = PAGE_UNPACKED_BYTES_MAX - ret_bytes->size;
        room = room < UNPACKED_STEP_BYTES ? room : UNPACKED_STEP_BYTES;
        uint8_t *to = buffer_reserve(ret_bytes, room);
        status = to == NULL ? error_set(err, STATUS_NO_MEMORY, "page")
                            : unpacker_read(unpacker, to, room, &got, err);
        ret_bytes->size += status == STATUS_OK ? got : 0;
    }
    unpacker_close(unpacker);
    reading->cut = reading->cut || status != STATUS_OK || got > 0;
    reading->packed = true;
    reading->body = ret_bytes->data == NULL ? (const uint8_t *)"" : ret_bytes->data;
    reading->size = ret_bytes->size;
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status read_whole(struct reading *reading, struct error *err)
{
    struct buffer unpacked = {0};
    enum status status = STATUS_OK;
    const struct page_input *input = reading->input;
    mime_parse(input->content_type, &reading->mime);
    directives_add_headers(&reading->directives, input->robots_tags);
    relations_add_headers(&reading->relations, input->link_headers, input->url);
    if (reading->size > 10 && memcmp(reading->body, "\x1F\x8B\x08", 3) == 0)
        status = unpack(reading, &unpacked, err);
    if (status == STATUS_OK)
        status = read_body(reading, err);
    buffer_release(&reading->text);
    buffer_release(&unpacked);
    return status;
}

/* What the headers say of the page, and what its body's end does to it. */
static enum status finish(struct reading *reading, struct error *err)
{
    const struct page_input *input = reading->input;
    struct page *page = &reading->page;
    take_directives(reading);
    take_relations(reading);
    take_refresh_header(reading);
    if (page->content_type == NULL)
        page->content_type = content_type(&reading->mime, reading->kind, reading->arena);
    if (page->modified_us == 0)
        page->modified_us = page->published_us;
    if (page->modified_us == 0 && input->last_modified != NULL &&
        !calendar_parse(input->last_modified, &page->modified_us))
        page->modified_us = 0;
    if (page->language[0] == '\0')
        page->language = header_language(input->content_language, reading->arena);
    page->text_cut = page->text_cut || reading->cut;
    page->links_cut = page->links_cut || reading->cut;
    if (reading->relations.failed)
        return error_set(err, STATUS_NO_MEMORY, "page");
    struct fingerprint fingerprint;
    enum status status = fingerprint_page(page, &fingerprint, err);
    if (status != STATUS_OK)
        return status;
    page->fingerprint = fingerprint.exact;
    page->simhash = fingerprint.simhash;
    return STATUS_OK;
}

enum status page_parse(const struct page_input *input, struct arena *arena, struct page *ret_page,
                       struct error *err)
{
    bool too_long = input->body_size > PAGE_BODY_BYTES_MAX;
    struct reading reading = {
        .input = input,
        .body = input->body_size == 0 ? (const uint8_t *)"" : input->body,
        .size = too_long ? PAGE_BODY_BYTES_MAX : input->body_size,
        .cut = input->truncated || too_long,
        .text = {.limit = DECODED_BYTES_MAX},
        .arena = arena,
        .directives = {.now_us = input->now_us},
        .relations = {.arena = arena},
        .page = {.title = "", .description = "", .language = "", .refresh = "", .rest = ""},
    };
    enum status status = read_whole(&reading, err);
    if (status == STATUS_OK)
        status = finish(&reading, err);
    if (status == STATUS_OK)
        *ret_page = reading.page;
    return status;
}

void page_load_all(void)
{
    static const char name[] = "http://\xC3\xA4.example/"; /* opens the tables of domain names */
    struct arena arena = {0};
    struct url url;
    charset_load_all();
    xml_load();
    feed_load();
    archive_load();
    pdf_load();
    (void)url_parse(name, strlen(name), NULL, &arena, &url, NULL);
    arena_release(&arena);
}
