#include "page/html.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "page/charset_encode.h"
#include "page/flow.h"
#include "page/html_tags.h"
#include "page/html_walk.h"
#include "page/main_text.h"
#include "page/page_dates.h"
#include "page/refresh.h"

enum {
    /* Most links of some pages lead nowhere that we go: those do not count. */
    CANDIDATES_MAX = 4 * PAGE_LINKS_MAX,
    HEAD_LINKS_MAX = 2000,
};

/* A link as it stands in the page: resolved at the end, when the base is known for sure. */
struct candidate {
    struct candidate *next;
    const char *href;   /* the tree's */
    const char *anchor; /* the arena's */
    bool nofollow;
};

/* A <link> of the head, as the tree has it: resolved at the end, too. */
struct head_link {
    struct head_link *next;
    struct relation relation;
};

/* An element that the walk is in. */
struct level {
    bool unseen;  /* opened by this element: the text within is not shown */
    bool rest;    /* the same: it is not the page's content */
    bool pre;     /* the same: newlines within are lines */
    bool heading; /* the same: a heading to be added on leaving */
    bool link;    /* the same: a link to be added on leaving */
};

struct walker {
    const struct url *url;
    struct arena *arena;
    struct directives *directives;
    struct relations *relations;
    struct charset_encoder encoder; /* of links' queries */
    struct page page;
    struct main_text main_text;
    struct html_walk walk;
    struct level levels[PAGE_DEPTH_MAX]; /* beside the walk's */
    unsigned unseen;                     /* how many of the levels say so */
    unsigned rest;
    unsigned pre;
    struct flow text;
    struct flow rest_text;
    struct flow heading;
    bool in_heading;
    struct flow anchor;
    bool in_link;
    bool in_head;
    const char *base_href;        /* NULL until a <base> names it */
    struct head_link *head_links; /* latest first */
    size_t head_link_count;
    const char *refresh_href;     /* of a refresh that is a redirect; NULL: there is none */
    struct candidate *candidates; /* latest first */
    size_t candidate_count;
    struct page_heading *headings; /* PAGE_HEADINGS_MAX */
    struct page_dates dates;
    const char *og_title; /* NULL: none */
    bool failed;          /* memory ran out */
};

/* ---- strings ------------------------------------------------------------------------------------
 */

/* A copy that outlives the tree; "" for NULL. */
static const char *keep(struct walker *walker, const char *text, size_t size)
{
    char *copy = arena_string_of(walker->arena, text == NULL ? "" : text, size);
    if (copy != NULL)
        return copy;
    walker->failed = true;
    return "";
}

static const char *keep_flow(struct walker *walker, struct flow *flow)
{
    walker->failed = walker->failed || flow->text.failed;
    return keep(walker, (const char *)flow->text.data, flow->text.size);
}

/* A line of text from an attribute or a title: white space collapsed, cut at the limit. */
static const char *keep_line(struct walker *walker, const char *text, size_t limit)
{
    struct flow flow = {.limit = limit, .one_line = true};
    flow_add(&flow, text, strlen(text), false);
    const char *line = keep_flow(walker, &flow);
    buffer_release(&flow.text);
    return line;
}

/* A language tag in lower case; "" for what is none. */
static const char *keep_language(struct walker *walker, const char *text)
{
    char tag[PAGE_LANGUAGE_BYTES_MAX];
    size_t size = 0;
    text += strspn(text, " \t\r\n\f");
    size_t given = strcspn(text, " \t\r\n\f,;");
    while (size < given && size < sizeof(tag) &&
           (isalnum((unsigned char)text[size]) || text[size] == '-' || text[size] == '_')) {
        tag[size] = text[size] == '_' ? '-' : (char)tolower((unsigned char)text[size]);
        size++;
    }
    return size == given ? keep(walker, tag, size) : "";
}

/* ---- what stands in the head --------------------------------------------------------------------
 */

static void see_title(struct walker *walker, const GumboElement *element)
{
    if (walker->page.title[0] != '\0' || element->tag_namespace != GUMBO_NAMESPACE_HTML)
        return;
    for (unsigned i = 0; i < element->children.length; i++) {
        const GumboNode *child = element->children.data[i];
        if (child->type == GUMBO_NODE_TEXT)
            walker->page.title = keep_line(walker, child->v.text.text, PAGE_TITLE_BYTES_MAX);
    }
}

static void add_candidate(struct walker *walker, const char *href, const char *anchor,
                          bool nofollow)
{
    if (walker->candidate_count == CANDIDATES_MAX) {
        walker->page.links_cut = true;
        return;
    }
    struct candidate *candidate = arena_alloc(walker->arena, sizeof(*candidate));
    if (candidate == NULL) {
        walker->failed = true;
        return;
    }
    *candidate = (struct candidate){walker->candidates, href, anchor, nofollow};
    walker->candidates = candidate;
    walker->candidate_count++;
}

/* Whether the walk is in a <noscript>: for readers who are not sent away otherwise. */
static bool is_without_scripts(const struct walker *walker)
{
    for (size_t i = 0; i < walker->walk.depth; i++) {
        const GumboNode *node = walker->walk.levels[i].node;
        if (node->type == GUMBO_NODE_ELEMENT && node->v.element.tag == GUMBO_TAG_NOSCRIPT)
            return true;
    }
    return false;
}

/* It leads on, as a link does; a quick one is a redirect, too. */
static void see_refresh(struct walker *walker, const char *content)
{
    struct refresh refresh;
    if (!refresh_parse(content, &refresh) || refresh.url_size == 0)
        return;
    const char *href = keep(walker, refresh.url, refresh.url_size);
    add_candidate(walker, href, "", false);
    if (walker->refresh_href == NULL && refresh.seconds <= REFRESH_REDIRECT_SECONDS_MAX &&
        !is_without_scripts(walker))
        walker->refresh_href = href;
}

static void see_meta(struct walker *walker, const GumboElement *element)
{
    const char *name = html_attribute(element, "name");
    const char *property = html_attribute(element, "property");
    const char *equivalent = html_attribute(element, "http-equiv");
    const char *content = html_attribute(element, "content");
    struct page *page = &walker->page;
    if (content == NULL)
        return;
    page_dates_add_meta(&walker->dates, name, content);
    page_dates_add_meta(&walker->dates, property, content);
    page_dates_add_meta(&walker->dates, html_attribute(element, "itemprop"), content);
    page_dates_add_meta(&walker->dates, equivalent, content);
    if (name != NULL)
        directives_add_meta(walker->directives, name, content);
    bool describes = (name != NULL && strcasecmp(name, "description") == 0) ||
                     (property != NULL && strcasecmp(property, "og:description") == 0);
    if (describes && page->description[0] == '\0')
        page->description = keep_line(walker, content, PAGE_DESCRIPTION_BYTES_MAX);
    if (property != NULL && strcasecmp(property, "og:title") == 0 && walker->og_title == NULL)
        walker->og_title = keep_line(walker, content, PAGE_TITLE_BYTES_MAX);
    if (equivalent != NULL && strcasecmp(equivalent, "refresh") == 0)
        see_refresh(walker, content);
    if (equivalent != NULL && strcasecmp(equivalent, "content-language") == 0 &&
        page->language[0] == '\0')
        page->language = keep_language(walker, content);
}

static void see_html(struct walker *walker, const GumboElement *element)
{
    const char *language = html_attribute(element, "lang");
    if (language == NULL)
        language = html_attribute(element, "xml:lang");
    if (language != NULL)
        walker->page.language = keep_language(walker, language);
}

/* ---- elements
 * -------------------------------------------------------------------------------------- */

static void see_image(struct walker *walker, const GumboElement *element)
{
    const char *alt = html_attribute(element, "alt");
    if (alt == NULL)
        return;
    struct flow *flows[] = {walker->in_link ? &walker->anchor : NULL,
                            walker->in_heading ? &walker->heading : NULL};
    for (size_t i = 0; i < 2; i++) {
        if (flows[i] == NULL)
            continue;
        flow_space(flows[i]);
        flow_add(flows[i], alt, strlen(alt), false);
        flow_space(flows[i]);
    }
}

static void see_script(struct walker *walker, const GumboElement *element)
{
    const char *type = html_attribute(element, "type");
    if (type == NULL || strcasecmp(type, "application/ld+json") != 0)
        return;
    for (unsigned i = 0; i < element->children.length; i++) {
        const GumboNode *child = element->children.data[i];
        if (child->type == GUMBO_NODE_TEXT)
            page_dates_add_json(&walker->dates, child->v.text.text, strlen(child->v.text.text));
    }
}

static bool says_nofollow(const GumboElement *element)
{
    const char *rel = html_attribute(element, "rel");
    return html_list_has(rel, "nofollow") || html_list_has(rel, "ugc") ||
           html_list_has(rel, "sponsored");
}

/* A link that has no text of its own within the element. */
static void see_plain_link(struct walker *walker, const GumboElement *element,
                           const char *href_name, const char *anchor_name)
{
    const char *href = html_attribute(element, href_name);
    const char *anchor = html_attribute(element, anchor_name);
    if (href == NULL)
        return;
    anchor = anchor == NULL ? "" : keep_line(walker, anchor, PAGE_ANCHOR_BYTES_MAX);
    add_candidate(walker, href, anchor, says_nofollow(element));
}

static void see_head_link(struct walker *walker, const GumboElement *element)
{
    const char *rel = html_attribute(element, "rel");
    const char *href = html_attribute(element, "href");
    if (!walker->in_head || rel == NULL || href == NULL ||
        walker->head_link_count == HEAD_LINKS_MAX)
        return;
    struct head_link *link = arena_alloc(walker->arena, sizeof(*link));
    if (link == NULL) {
        walker->failed = true;
        return;
    }
    *link = (struct head_link){
        .next = walker->head_links,
        .relation = {rel, href, strlen(href), html_attribute(element, "hreflang"),
                     html_attribute(element, "type")},
    };
    walker->head_links = link;
    walker->head_link_count++;
}

/* What an element says by itself; what it holds comes after. */
static void see_element(struct walker *walker, const GumboElement *element)
{
    switch (element->tag) {
    case GUMBO_TAG_HTML:
        see_html(walker, element);
        break;
    case GUMBO_TAG_TITLE:
        see_title(walker, element);
        break;
    case GUMBO_TAG_BASE:
        if (walker->base_href == NULL)
            walker->base_href = html_attribute(element, "href");
        break;
    case GUMBO_TAG_META:
        see_meta(walker, element);
        break;
    case GUMBO_TAG_LINK:
        see_head_link(walker, element);
        break;
    case GUMBO_TAG_IMG:
        see_image(walker, element);
        break;
    case GUMBO_TAG_SCRIPT:
        see_script(walker, element);
        break;
    case GUMBO_TAG_TIME:
        page_dates_add_time(&walker->dates, element, walker->rest == 0 && walker->unseen == 0);
        break;
    case GUMBO_TAG_AREA:
        see_plain_link(walker, element, "href", "alt");
        break;
    case GUMBO_TAG_FRAME:
    case GUMBO_TAG_IFRAME:
        see_plain_link(walker, element, "src", "title");
        break;
    case GUMBO_TAG_BR:
        flow_line(&walker->text);
        flow_line(&walker->rest_text);
        flow_space(&walker->heading);
        flow_space(&walker->anchor);
        break;
    default:
        break;
    }
}

static void put_gap(struct walker *walker, const GumboElement *element)
{
    GumboTag tag = element->tag;
    bool block = html_element_is_block(element);
    if (block) {
        flow_line(&walker->text);
        flow_line(&walker->rest_text);
    }
    bool apart = element->tag_namespace == GUMBO_NAMESPACE_SVG; /* its texts lie anywhere */
    if (block || apart || tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) {
        flow_space(&walker->text);
        flow_space(&walker->rest_text);
        flow_space(&walker->heading);
        flow_space(&walker->anchor);
    }
}

/* A heading of the page's frame is none of the page, but for a title of the first level. */
static bool begins_heading(const struct walker *walker, const GumboElement *element)
{
    unsigned heading_level = html_tag_heading_level(element->tag);
    return heading_level > 0 && !walker->in_heading && walker->unseen == 0 &&
           (walker->rest == 0 || heading_level == 1);
}

static void enter(struct walker *walker, struct level *level, const GumboElement *element,
                  unsigned marks)
{
    GumboTag tag = element->tag;
    level->unseen = (marks & MAIN_TEXT_UNSEEN) != 0;
    level->rest = (marks & (MAIN_TEXT_REST | MAIN_TEXT_NO_SNIPPET)) != 0;
    level->pre = tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_TEXTAREA || tag == GUMBO_TAG_LISTING ||
                 tag == GUMBO_TAG_XMP || tag == GUMBO_TAG_PLAINTEXT;
    level->link = tag == GUMBO_TAG_A && !walker->in_link && html_attribute(element, "href") != NULL;
    walker->unseen += level->unseen;
    walker->rest += level->rest;
    walker->pre += level->pre;
    level->heading = begins_heading(walker, element);
    walker->in_head = walker->in_head || tag == GUMBO_TAG_HEAD;
    if (level->heading) {
        walker->in_heading = true;
        flow_clear(&walker->heading);
    }
    if (level->link) {
        walker->in_link = true;
        flow_clear(&walker->anchor);
    }
    put_gap(walker, element);
    see_element(walker, element);
}

static void add_heading(struct walker *walker, const GumboElement *element)
{
    walker->in_heading = false;
    if (walker->heading.text.size == 0)
        return;
    if (walker->page.heading_count == PAGE_HEADINGS_MAX) {
        walker->page.text_cut = true;
        return;
    }
    walker->headings[walker->page.heading_count++] = (struct page_heading){
        .level = html_tag_heading_level(element->tag),
        .text = keep_flow(walker, &walker->heading),
    };
}

static void add_link(struct walker *walker, const GumboElement *element)
{
    walker->in_link = false;
    const char *label = html_attribute(element, "aria-label");
    if (label == NULL)
        label = html_attribute(element, "title");
    const char *anchor = walker->anchor.text.size > 0 || label == NULL
                             ? keep_flow(walker, &walker->anchor)
                             : keep_line(walker, label, PAGE_ANCHOR_BYTES_MAX);
    add_candidate(walker, html_attribute(element, "href"), anchor, says_nofollow(element));
}

static void leave(struct walker *walker, const struct level *level, const GumboElement *element)
{
    put_gap(walker, element);
    if (level->heading)
        add_heading(walker, element);
    if (level->link)
        add_link(walker, element);
    if (element->tag == GUMBO_TAG_HEAD)
        walker->in_head = false;
    walker->unseen -= level->unseen;
    walker->rest -= level->rest;
    walker->pre -= level->pre;
}

/* ---- text
 * ------------------------------------------------------------------------------------------ */

static bool holds_code(const struct walker *walker)
{
    const GumboNode *parent = walker->walk.levels[walker->walk.depth - 1].node;
    GumboTag tag = parent->type == GUMBO_NODE_ELEMENT ? parent->v.element.tag : GUMBO_TAG_UNKNOWN;
    return tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE;
}

static void see_text(struct walker *walker, const char *text, unsigned marks)
{
    size_t size = strlen(text);
    bool is_rest = walker->rest > 0 || (marks & MAIN_TEXT_REST) != 0;
    if (walker->unseen == 0)
        flow_add(is_rest ? &walker->rest_text : &walker->text, text, size, walker->pre > 0);
    if (walker->in_heading && walker->unseen == 0)
        flow_add(&walker->heading, text, size, false);
    if (walker->in_link && !holds_code(walker)) /* a hidden link has a text all the same */
        flow_add(&walker->anchor, text, size, false);
}

/* ---- the walk
 * -------------------------------------------------------------------------------------- */

static void walk(struct walker *walker, const GumboNode *root)
{
    const GumboNode *node;
    uint32_t number;
    walker->walk.root = root;
    while (!walker->failed) {
        enum html_event event = html_walk_next(&walker->walk, &node, &number);
        if (event == HTML_END)
            break;
        unsigned marks = main_text_marks(&walker->main_text, number);
        if (event == HTML_TEXT) {
            see_text(walker, node->v.text.text, marks);
            continue;
        }
        struct level *level = &walker->levels[walker->walk.depth - 1];
        if (event == HTML_ENTER)
            *level = (struct level){.unseen = false};
        if (node->type != GUMBO_NODE_ELEMENT)
            continue;
        if (event == HTML_ENTER)
            enter(walker, level, &node->v.element, marks);
        else
            leave(walker, level, &node->v.element);
    }
    walker->page.text_cut = walker->page.text_cut || walker->walk.cut;
    walker->page.links_cut = walker->page.links_cut || walker->walk.cut;
}

/* ---- links
 * ------------------------------------------------------------------------------------------ */

/* The first <base> holds for the whole page, where it can be used at all. */
static struct url base_of(struct walker *walker)
{
    struct url base = *walker->url;
    if (walker->base_href != NULL)
        (void)url_parse(walker->base_href, strlen(walker->base_href), walker->url, walker->arena,
                        &base, NULL);
    return base;
}

/* A jump within the page is no link to it. */
static bool is_jump(const struct walker *walker, const char *href, const struct url *target)
{
    return strchr(href, '#') != NULL && strcmp(target->text, walker->url->text) == 0;
}

/* A link as browsers read it on this page. */
static enum status parse_link(struct walker *walker, const char *href, const struct url *base,
                              struct arena *arena, struct url *ret_url)
{
    struct buffer encoded = {0};
    size_t size = strlen(href);
    if (!charset_encode_query(&walker->encoder, href, size, &encoded))
        return url_parse(href, size, base, arena, ret_url, NULL);
    enum status status =
        url_parse(buffer_string(&encoded), encoded.size, base, arena, ret_url, NULL);
    walker->failed = walker->failed || encoded.failed;
    buffer_release(&encoded);
    return status;
}

static void resolve(struct walker *walker, const struct candidate *candidate,
                    const struct url *base, struct arena *scratch, struct page_link *links)
{
    struct page *page = &walker->page;
    struct url target;
    arena_reset(scratch);
    if (parse_link(walker, candidate->href, base, scratch, &target) != STATUS_OK ||
        is_jump(walker, candidate->href, &target))
        return;
    if (page->link_count == PAGE_LINKS_MAX) {
        page->links_cut = true;
        return;
    }
    links[page->link_count++] = (struct page_link){
        .url = keep(walker, target.text, target.text_size),
        .anchor = candidate->anchor,
        .nofollow = candidate->nofollow || walker->directives->nofollow,
    };
}

/* The candidates were gathered latest first. */
static struct candidate *in_order(struct candidate *latest)
{
    struct candidate *first = NULL;
    while (latest != NULL) {
        struct candidate *next = latest->next;
        latest->next = first;
        first = latest;
        latest = next;
    }
    return first;
}

static void resolve_relations(struct walker *walker, const struct url *base)
{
    struct head_link *first = NULL;
    while (walker->head_links != NULL) {
        struct head_link *next = walker->head_links->next;
        walker->head_links->next = first;
        first = walker->head_links;
        walker->head_links = next;
    }
    for (; first != NULL; first = first->next)
        relations_add(walker->relations, &first->relation, base);
    walker->failed = walker->failed || walker->relations->failed;
}

/* One that leads to the page itself only loads it anew. */
static void resolve_refresh(struct walker *walker, const struct url *base, struct arena *scratch)
{
    struct url target;
    const char *href = walker->refresh_href;
    if (href != NULL && url_parse(href, strlen(href), base, scratch, &target, NULL) == STATUS_OK &&
        strcmp(target.text, walker->url->text) != 0)
        walker->page.refresh = keep(walker, target.text, target.text_size);
}

static void resolve_links(struct walker *walker)
{
    size_t most =
        walker->candidate_count < PAGE_LINKS_MAX ? walker->candidate_count : PAGE_LINKS_MAX;
    struct page_link *links = arena_alloc(walker->arena, (most + 1) * sizeof(*links));
    if (links == NULL) {
        walker->failed = true;
        return;
    }
    struct url base = base_of(walker);
    struct arena scratch = {0};
    resolve_relations(walker, &base);
    resolve_refresh(walker, &base, &scratch);
    struct candidate *candidate = in_order(walker->candidates);
    for (; candidate != NULL; candidate = candidate->next)
        resolve(walker, candidate, &base, &scratch, links);
    arena_release(&scratch);
    walker->page.links = links;
}

/* ---- the whole
 * ---------------------------------------------------------------------------------------- */

static struct walker *walker_new(const struct url *url, struct arena *arena,
                                 struct directives *directives, struct relations *relations)
{
    struct walker *walker = calloc(1, sizeof(*walker));
    struct page_heading *headings = arena_alloc(arena, PAGE_HEADINGS_MAX * sizeof(*headings));
    if (walker == NULL || headings == NULL) {
        free(walker);
        return NULL;
    }
    walker->url = url;
    walker->arena = arena;
    walker->directives = directives;
    walker->relations = relations;
    walker->headings = headings;
    walker->dates.now_us = directives->now_us;
    walker->text.limit = PAGE_TEXT_BYTES_MAX;
    walker->rest_text.limit = PAGE_REST_BYTES_MAX;
    walker->heading.limit = PAGE_HEADING_BYTES_MAX;
    walker->heading.one_line = true;
    walker->anchor.limit = PAGE_ANCHOR_BYTES_MAX;
    walker->anchor.one_line = true;
    walker->page =
        (struct page){.title = "", .description = "", .language = "", .refresh = "", .rest = ""};
    return walker;
}

static void walker_free(struct walker *walker)
{
    main_text_release(&walker->main_text);
    buffer_release(&walker->text.text);
    buffer_release(&walker->rest_text.text);
    buffer_release(&walker->heading.text);
    buffer_release(&walker->anchor.text);
    free(walker);
}

/* Of a page without a <title>: what it calls itself to others, else its first great heading. */
static void settle_title(struct walker *walker)
{
    struct page *page = &walker->page;
    if (page->title[0] == '\0' && walker->og_title != NULL)
        page->title = walker->og_title;
    for (size_t i = 0; i < page->heading_count && page->title[0] == '\0'; i++) {
        if (walker->headings[i].level == 1)
            page->title = walker->headings[i].text;
    }
}

enum status html_extract(const GumboNode *root, const struct url *url,
                         const struct charset *charset, struct arena *arena,
                         struct directives *directives, struct relations *relations,
                         struct page *ret_page, struct error *err)
{
    struct walker *walker = walker_new(url, arena, directives, relations);
    if (walker == NULL)
        return error_set(err, STATUS_NO_MEMORY, "page");
    enum status status = main_text_find(root, &walker->main_text, err);
    if (status != STATUS_OK) {
        walker_free(walker);
        return status;
    }
    charset_encoder_init(&walker->encoder, charset);
    walk(walker, root);
    resolve_links(walker);
    struct page *page = &walker->page;
    page->text = keep_flow(walker, &walker->text);
    page->rest = keep_flow(walker, &walker->rest_text);
    page->text_size = walker->text.text.size;
    page->text_cut = page->text_cut || walker->text.cut;
    page->headings = walker->headings;
    settle_title(walker);
    page_dates_add_url(&walker->dates, url->text);
    page->published_us = walker->dates.published.unix_us;
    page->modified_us = walker->dates.modified.unix_us;
    bool failed = walker->failed;
    if (!failed)
        *ret_page = *page;
    walker_free(walker);
    return failed ? error_set(err, STATUS_NO_MEMORY, "page") : STATUS_OK;
}
