#include "indexserver/pages.h"

#include <string.h>

#include "base/bytes.h"
#include "page/page.h"
#include "rpc/message.h"

/* In front of a page: the parser's version, and the fingerprint. */
enum { LEAD_BYTES = 12, TEXT_KEY_BYTES = 16 };

static struct kv_slice sequence_key(uint64_t sequence, uint8_t ret[8])
{
    put_be64(ret, sequence);
    return kv_slice(ret, 8);
}

static void put_message(struct change *change, enum column column, const uint8_t key[8],
                        const Page__Page *of, const Page__Page *page)
{
    struct buffer value = {0};
    uint8_t lead[LEAD_BYTES];
    put_le32(lead, of->parser_version);
    put_le64(lead + 4, of->fingerprint);
    buffer_append(&value, lead, sizeof(lead));
    if (message_pack(&page->base, &value, NULL) == STATUS_OK)
        change_put(change, column, key, 8, value.data, value.size);
    buffer_release(&value);
}

/* Pages with the same text stand together. */
static void text_key(uint64_t fingerprint, uint64_t sequence, uint8_t ret[TEXT_KEY_BYTES])
{
    put_be64(ret, fingerprint);
    put_be64(ret + 8, sequence);
}

/* In two values, so that a reader of documents need not unpack thousands of links. */
static void put_page(struct change *change, const char *url, const Page__Page *page)
{
    uint8_t key[8], text[TEXT_KEY_BYTES];
    sequence_key(change->sequence, key);
    Page__Page without = *page;
    without.n_links = 0;
    without.links = NULL;
    without.n_hints = 0;
    without.hints = NULL;
    put_message(change, COLUMN_PAGES, key, page, &without);
    text_key(page->fingerprint, change->sequence, text);
    if (page->fingerprint != 0)
        change_put(change, COLUMN_TEXTS, text, sizeof(text), url, strlen(url));
    if (page->n_links == 0 && page->n_hints == 0)
        return;
    Page__Page links = PAGE__PAGE__INIT;
    links.n_links = page->n_links;
    links.links = page->links;
    links.n_hints = page->n_hints;
    links.hints = page->hints;
    put_message(change, COLUMN_LINKS, key, page, &links);
}

static void note_unparsed(struct views *views, uint64_t sequence)
{
    if (views->unparsed++ == 0 || sequence < views->unparsed_first)
        views->unparsed_first = sequence;
}

void pages_apply(struct change *change, const Log__Entry *entry, const Page__Page *page)
{
    if (entry->kind_case != LOG__ENTRY__KIND_CONTENT)
        return;
    const char *url = entry->content->url;
    if (page != NULL && page->parser_version == PAGE_PARSER_VERSION) {
        put_page(change, url, page);
        return;
    }
    uint8_t key[8];
    sequence_key(change->sequence, key);
    change_put(change, COLUMN_UNPARSED, key, sizeof(key), url, strlen(url));
    note_unparsed(change->views, change->sequence);
    change->waits = true;
}

static bool is_noted_unparsed(struct change *change, uint64_t sequence)
{
    bool noted = false;
    if (sequence == change->sequence && change->waits) /* in the batch, not in the store yet */
        return true;
    pages_is_unparsed(change->views, sequence, &noted, NULL);
    return noted;
}

static void drop_unparsed(struct change *change, uint64_t sequence)
{
    uint8_t key[8];
    if (!is_noted_unparsed(change, sequence))
        return;
    put_be64(key, sequence);
    change_delete(change, COLUMN_UNPARSED, key, sizeof(key));
    change->views->unparsed--;
    change->waits &= sequence != change->sequence;
}

/* The page that an older parser made, where there is one, had perhaps another text. */
static void forget_text(struct change *change, uint64_t sequence)
{
    uint8_t key[8], text[TEXT_KEY_BYTES];
    struct buffer page = {0};
    sequence_key(sequence, key);
    if (views_get(change->views, COLUMN_PAGES, key, sizeof(key), &page, NULL) == STATUS_OK &&
        page.size >= LEAD_BYTES) {
        text_key(get_le64(page.data + 4), sequence, text);
        change_delete(change, COLUMN_TEXTS, text, sizeof(text));
    }
    buffer_release(&page);
}

void pages_take(struct change *change, const char *url, const Page__Page *page)
{
    drop_unparsed(change, change->sequence);
    forget_text(change, change->sequence);
    put_page(change, url, page);
}

void pages_keep_old(struct change *change)
{
    uint8_t key[8];
    put_be64(key, change->sequence);
    change_delete(change, COLUMN_REPARSE, key, sizeof(key));
}

void pages_forget(struct change *change, uint64_t sequence)
{
    uint8_t key[8];
    put_be64(key, sequence);
    drop_unparsed(change, sequence);
    forget_text(change, sequence);
    change_delete(change, COLUMN_PAGES, key, sizeof(key));
    change_delete(change, COLUMN_LINKS, key, sizeof(key));
    change_delete(change, COLUMN_REPARSE, key, sizeof(key));
}

static enum status get_message(struct views *views, enum column column, uint64_t sequence,
                               struct arena *arena, Page__Page **ret_page, struct error *err)
{
    uint8_t key[8];
    struct buffer value = {0};
    sequence_key(sequence, key);
    enum status status = views_get(views, column, key, sizeof(key), &value, err);
    if (status == STATUS_OK) {
        *ret_page = value.size < LEAD_BYTES
                        ? NULL
                        : message_unpack(&page__page__descriptor, value.data + LEAD_BYTES,
                                         value.size - LEAD_BYTES, arena);
        if (*ret_page == NULL)
            status = error_set(err, STATUS_CORRUPT, "the page of entry %lu is no page", sequence);
    }
    buffer_release(&value);
    return status;
}

enum status pages_get(struct views *views, uint64_t sequence, struct arena *arena,
                      Page__Page **ret_page, struct error *err)
{
    return get_message(views, COLUMN_PAGES, sequence, arena, ret_page, err);
}

enum status pages_get_whole(struct views *views, uint64_t sequence, struct arena *arena,
                            Page__Page **ret_page, struct error *err)
{
    Page__Page *page, *links;
    enum status status = pages_get(views, sequence, arena, &page, err);
    if (status != STATUS_OK)
        return status;
    status = get_message(views, COLUMN_LINKS, sequence, arena, &links, err);
    if (status == STATUS_OK) {
        page->n_links = links->n_links;
        page->links = links->links;
        page->n_hints = links->n_hints;
        page->hints = links->hints;
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *ret_page = page;
    return STATUS_OK;
}

enum status pages_same_text(struct views *views, uint64_t fingerprint, const char *url,
                            struct arena *arena, const char *ret_urls[PAGES_SAME_TEXT_MAX],
                            size_t *ret_count, struct error *err)
{
    uint8_t key[TEXT_KEY_BYTES];
    size_t count = 0;
    bool failed = false;
    text_key(fingerprint, 0, key);
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_TEXTS);
    bool valid = fingerprint != 0 && kv_iterator_seek(it, kv_slice(key, sizeof(key)));
    while (valid && !failed && count < PAGES_SAME_TEXT_MAX) {
        struct kv_slice found = kv_iterator_key(it), value = kv_iterator_value(it);
        if (found.size != sizeof(key) || get_be64(found.data) != fingerprint)
            break;
        const char *other = arena_string_of(arena, (const char *)value.data, value.size);
        failed = other == NULL;
        if (!failed && strcmp(other, url) != 0)
            ret_urls[count++] = other;
        valid = kv_iterator_next(it);
    }
    enum status status = failed ? error_set(err, STATUS_NO_MEMORY, "pages with the same text")
                                : kv_iterator_status(it, err);
    kv_iterator_close(it);
    if (status == STATUS_OK)
        *ret_count = count;
    return status;
}

static enum status is_in(struct views *views, enum column column, uint64_t sequence, bool *ret,
                         struct error *err)
{
    uint8_t key[8];
    struct buffer value = {0};
    sequence_key(sequence, key);
    enum status status = views_get(views, column, key, sizeof(key), &value, err);
    *ret = status == STATUS_OK;
    buffer_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status pages_is_unparsed(struct views *views, uint64_t sequence, bool *ret, struct error *err)
{
    return is_in(views, COLUMN_UNPARSED, sequence, ret, err);
}

enum status pages_is_old(struct views *views, uint64_t sequence, bool *ret, struct error *err)
{
    return is_in(views, COLUMN_REPARSE, sequence, ret, err);
}

static enum status visit_column(struct views *views, enum column column, uint64_t from,
                                pages_visitor *visit, void *context, bool *more, struct error *err)
{
    uint8_t key[8];
    struct kv_iterator *it = kv_iterator_open(views->kv, column);
    struct buffer url = {0};
    bool valid = *more && kv_iterator_seek(it, sequence_key(from, key));
    while (valid && *more) {
        struct kv_slice value = kv_iterator_value(it);
        buffer_clear(&url);
        buffer_append(&url, value.data, value.size);
        *more = visit(context, get_be64(kv_iterator_key(it).data), buffer_string(&url));
        valid = *more && kv_iterator_next(it);
    }
    enum status status = kv_iterator_status(it, err);
    buffer_release(&url);
    kv_iterator_close(it);
    return status;
}

static enum status visit_unparsed(struct views *views, pages_visitor *visit, void *context,
                                  bool *more, struct error *err)
{
    if (views->unparsed == 0)
        return STATUS_OK;
    return visit_column(views, COLUMN_UNPARSED, views->unparsed_first, visit, context, more, err);
}

enum status pages_unparsed(struct views *views, pages_visitor *visit, void *context,
                           struct error *err)
{
    bool more = true;
    return visit_unparsed(views, visit, context, &more, err);
}

enum status pages_waiting(struct views *views, pages_visitor *visit, void *context,
                          struct error *err)
{
    bool more = true;
    enum status status = visit_unparsed(views, visit, context, &more, err);
    if (status == STATUS_OK && more)
        status = visit_column(views, COLUMN_REPARSE, 0, visit, context, &more, err);
    return status;
}

static bool take_first(void *context, uint64_t sequence, const char *url)
{
    (void)url;
    *(uint64_t *)context = sequence;
    return false;
}

uint64_t pages_first_unparsed(struct views *views)
{
    uint64_t first = 0;
    bool more = true;
    if (views->unparsed == 0)
        return 0;
    visit_column(views, COLUMN_UNPARSED, views->unparsed_first, take_first, &first, &more, NULL);
    return first;
}

static bool count_one(void *context, uint64_t sequence, const char *url)
{
    struct views *views = context;
    (void)url;
    if (views->unparsed++ == 0)
        views->unparsed_first = sequence;
    return true;
}

enum status pages_open(struct views *views, struct error *err)
{
    bool more = true;
    return visit_column(views, COLUMN_UNPARSED, 0, count_one, views, &more, err);
}
