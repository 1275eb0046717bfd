#include "barrel/translate.h"

#include <string.h>

#include "base/buffer.h"
#include "base/check.h"

/* ---- queries ---- */

static enum query_kind kind_of(const Wire__Node *node)
{
    switch (node->kind) {
    case WIRE__NODE_KIND__NODE_AND:
        return QUERY_AND;
    case WIRE__NODE_KIND__NODE_OR:
        return QUERY_OR;
    case WIRE__NODE_KIND__NODE_NOT:
        return QUERY_NOT;
    case WIRE__NODE_KIND__NODE_TERM:
        return node->prefix ? QUERY_PREFIX : QUERY_TERM;
    case WIRE__NODE_KIND__NODE_PHRASE:
        return QUERY_PHRASE;
    case WIRE__NODE_KIND__NODE_SITE:
        return QUERY_SITE;
    case WIRE__NODE_KIND__NODE_LANGUAGE:
        return QUERY_LANGUAGE;
    case WIRE__NODE_KIND__NODE_TYPE:
        return QUERY_TYPE;
    case WIRE__NODE_KIND__NODE_DATES:
        return QUERY_DATES;
    default:
        return 0; /* query_check() refuses it */
    }
}

/* Terms that stand behind one another with the same offset are alternatives of one word. */
static bool starts_word(const Wire__Node *node, size_t i)
{
    if (i == 0)
        return true;
    return node->kind == WIRE__NODE_KIND__NODE_PHRASE && i < node->n_offsets &&
           node->offsets[i] != node->offsets[i - 1];
}

static bool take_words(const Wire__Node *node, struct arena *arena, struct query_node *ret)
{
    if (node->n_terms == 0)
        return true;
    ret->words = arena_zalloc(arena, node->n_terms * sizeof(*ret->words));
    if (ret->words == NULL)
        return false;
    for (size_t i = 0; i < node->n_terms; i++) {
        if (starts_word(node, i)) {
            struct query_word *word = &ret->words[ret->word_count++];
            word->offset = i < node->n_offsets ? node->offsets[i] : 0;
        }
        struct query_word *word = &ret->words[ret->word_count - 1];
        if (word->alternative_count == QUERY_ALTERNATIVES_MAX)
            continue;
        word->alternatives[word->alternative_count++] =
            (struct query_term){node->terms[i].data, (uint32_t)node->terms[i].len};
    }
    return true;
}

static struct query_node *take_node(const Wire__Node *node, unsigned depth, struct arena *arena)
{
    struct query_node *ret = arena_zalloc(arena, sizeof(*ret));
    if (ret == NULL || depth > QUERY_DEPTH_MAX)
        return NULL;
    ret->kind = kind_of(node);
    ret->fields = node->fields == 0 ? FIELD_MASK_ALL : node->fields;
    ret->slop = node->slop;
    ret->day_begin = node->day_begin;
    ret->day_end = node->day_end;
    if (query_filters(ret)) {
        if (node->n_terms == 1)
            ret->text = (struct text_slice){(const char *)node->terms[0].data, node->terms[0].len};
        return ret;
    }
    if (!take_words(node, arena, ret))
        return NULL;
    ret->children = arena_zalloc(arena, (node->n_children + 1) * sizeof(*ret->children));
    if (ret->children == NULL)
        return NULL;
    for (size_t i = 0; i < node->n_children; i++) {
        struct query_node *child = take_node(node->children[i], depth + 1, arena);
        if (child == NULL)
            return NULL;
        ret->children[ret->child_count++] = child;
    }
    return ret;
}

enum status query_from_wire(const Wire__Node *node, struct arena *arena,
                            struct query_node **ret_root, struct error *err)
{
    if (node == NULL || node->kind == WIRE__NODE_KIND__NODE_NONE) {
        *ret_root = NULL;
        return STATUS_OK;
    }
    struct query_node *root = take_node(node, 1, arena);
    if (root == NULL)
        return error_set(err, STATUS_INVALID, "the query is nested too deeply, or too large");
    enum status status = query_check(root, err);
    if (status == STATUS_OK)
        *ret_root = root;
    return status;
}

/* ---- statistics ---- */

static uint64_t frequency_of(const Wire__SearchRequest *request, const struct query_term *term)
{
    for (size_t i = 0; i < request->n_terms; i++) {
        const ProtobufCBinaryData *named = &request->terms[i]->term;
        if (named->len == term->size && memcmp(named->data, term->bytes, term->size) == 0)
            return request->terms[i]->documents;
    }
    return 0;
}

static enum status take_corpus(const Wire__CorpusStats *corpus,
                               struct search_statistics *statistics, struct error *err)
{
    if (corpus->documents > SEARCH_DOCUMENTS_MAX)
        return error_set(
            err, STATUS_INVALID, "statistics of %llu documents: a corpus has at most %llu",
            (unsigned long long)corpus->documents, (unsigned long long)SEARCH_DOCUMENTS_MAX);
    statistics->documents = corpus->documents;
    for (size_t i = 0; i < corpus->n_field_lengths && i < FIELD_COUNT; i++) {
        if (corpus->field_lengths[i] > SEARCH_TOKENS_MAX)
            return error_set(err, STATUS_INVALID,
                             "statistics of %llu tokens: a field of a corpus has at most %llu",
                             (unsigned long long)corpus->field_lengths[i],
                             (unsigned long long)SEARCH_TOKENS_MAX);
        statistics->field_tokens[i] = corpus->field_lengths[i];
    }
    return STATUS_OK;
}

enum status statistics_from_wire(const Wire__SearchRequest *request, const struct query_node *root,
                                 struct arena *arena, struct search_statistics *ret_statistics,
                                 struct error *err)
{
    struct query_term terms[QUERY_TERMS_MAX];
    struct search_statistics statistics = {0};
    size_t count = root == NULL ? 0 : query_collect_terms(root, terms);
    uint64_t *frequencies = arena_alloc(arena, (count + 1) * sizeof(*frequencies));
    if (frequencies == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for statistics");
    for (size_t i = 0; i < count; i++)
        frequencies[i] = frequency_of(request, &terms[i]);
    statistics.document_frequencies = frequencies;
    statistics.document_frequency_count = count;
    if (request->corpus != NULL) {
        enum status status = take_corpus(request->corpus, &statistics, err);
        if (status != STATUS_OK)
            return status;
    }
    *ret_statistics = statistics;
    return STATUS_OK;
}

/* ---- the feed ---- */

static struct text_slice slice(const char *text)
{
    return (struct text_slice){text, strlen(text)};
}

/* Host and port of a URL in normal form. */
static struct text_slice authority_of(const char *url)
{
    const char *start = strstr(url, "//");
    if (start == NULL)
        return (struct text_slice){0};
    start += 2;
    return (struct text_slice){start, strcspn(start, "/?#")};
}

static struct text_slice join_headings(const Page__Page *page, struct arena *arena)
{
    size_t size = 0, at = 0;
    for (size_t i = 0; i < page->n_headings; i++)
        size += strlen(page->headings[i]->text) + 1;
    char *text = size == 0 ? NULL : arena_alloc(arena, size);
    if (text == NULL)
        return (struct text_slice){0};
    for (size_t i = 0; i < page->n_headings; i++) {
        size_t length = strlen(page->headings[i]->text);
        memcpy(text + at, page->headings[i]->text, length);
        text[at + length] = '\n';
        at += length + 1;
    }
    return (struct text_slice){text, size};
}

static struct index_change document_change(const Wire__FeedDocument *from, struct arena *arena)
{
    struct index_change change = {.kind = INDEX_PUT_DOCUMENT};
    change.document = (struct index_document){
        .url = slice(from->url),
        .site = from->site[0] == '\0' ? authority_of(from->url) : slice(from->site),
        .fetched_unix_us = from->fetched_us,
        .is_private = from->private_address,
    };
    if (from->page != NULL) {
        change.document.title = slice(from->page->title);
        change.document.headings = join_headings(from->page, arena);
        change.document.text = slice(from->page->text);
        change.document.language = slice(from->page->language);
        change.document.content_type = slice(from->page->content_type);
        change.document.modified_unix_us = from->page->modified_us;
        change.document.no_snippet = from->page->nosnippet;
        change.document.snippet_max =
            from->page->max_snippet > 0 ? (uint32_t)from->page->max_snippet : 0;
        change.document.likeness = (struct likeness){from->page->fingerprint, from->page->simhash};
        change.document.has_canonical =
            from->page->canonical[0] != '\0' && strcmp(from->page->canonical, from->url) != 0;
    }
    return change;
}

static struct index_change edge_change(const Wire__FeedEdge *from)
{
    struct index_change change = {.kind = from->drop ? INDEX_DROP_EDGE : INDEX_PUT_EDGE};
    change.edge = (struct index_edge){
        .source = slice(from->source),
        .target = slice(from->target),
        .anchor = slice(from->anchor),
        .source_site = authority_of(from->source),
        .source_is_private = from->source_is_private,
    };
    return change;
}

static struct index_change scopes_change(const Wire__PublicSites *from, struct arena *arena)
{
    struct index_change change = {.kind = INDEX_SET_SCOPES};
    struct index_scope *scopes =
        check_alloc(arena_alloc(arena, (from->n_scopes + 1) * sizeof(*scopes)));
    change.scopes = scopes;
    for (size_t i = 0; i < from->n_scopes; i++) {
        const Wire__SourceScope *scope = from->scopes[i];
        scopes[change.scope_count++] = (struct index_scope){
            .site = slice(scope->site),
            .prefix = slice(scope->prefix),
            .is_public = scope->is_public,
        };
    }
    return change;
}

bool change_from_wire(const Wire__FeedItem *item, struct arena *arena,
                      struct index_change *ret_change)
{
    switch (item->kind_case) {
    case WIRE__FEED_ITEM__KIND_DOCUMENT:
        *ret_change = document_change(item->document, arena);
        return true;
    case WIRE__FEED_ITEM__KIND_REMOVED:
        *ret_change = (struct index_change){.kind = INDEX_REMOVE_URL, .url = slice(item->removed)};
        return true;
    case WIRE__FEED_ITEM__KIND_EDGE:
        *ret_change = edge_change(item->edge);
        return true;
    case WIRE__FEED_ITEM__KIND_SITES:
        *ret_change = scopes_change(item->sites, arena);
        return true;
    default:
        return false; /* a newer indexserver's */
    }
}
