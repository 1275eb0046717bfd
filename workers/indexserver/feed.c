#include "indexserver/feed.h"

#include <string.h>

#include "base/check.h"
#include "crawl/url.h"
#include "indexserver/edges.h"
#include "indexserver/feed_key.h"
#include "indexserver/frontier.h"
#include "indexserver/pages.h"
#include "indexserver/removal.h"
#include "indexserver/urls.h"
#include "rpc/message.h"

enum {
    DOC_BYTES = 26,
    SCAN_MAX = 200000, /* keys looked at for one reply */
};

/* Under this key of COLUMN_DOCS, which is no URL: where the item of public sites stands. */
#define KEY_SITES "sites"

/* What the feed has said of a URL. */
struct doc {
    uint64_t content; /* sequence of its newest content; 0: none */
    uint64_t item;    /* where its item stands; 0: none */
    uint8_t kind;     /* of that item: FEED_DOCUMENT or FEED_REMOVED */
    uint8_t private_address;
    int64_t time_us; /* of the content */
};

/* ---- what was said --------------------------------------------------------------------------- */

static bool decode_doc(struct kv_slice value, struct doc *ret)
{
    const uint8_t *at = value.data;
    if (value.size != DOC_BYTES)
        return false;
    *ret = (struct doc){get_le64(at), get_le64(at + 8), at[16], at[17], (int64_t)get_le64(at + 18)};
    return true;
}

static enum status get_doc(struct views *views, const char *url, struct doc *ret, struct error *err)
{
    struct buffer value = {0};
    enum status status = views_get(views, COLUMN_DOCS, url, strlen(url), &value, err);
    *ret = (struct doc){0};
    if (status == STATUS_OK && !decode_doc(kv_slice(value.data, value.size), ret))
        status = error_set(err, STATUS_CORRUPT, "what the feed knows of a URL is no record");
    buffer_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void put_doc(struct change *change, const char *url, const struct doc *doc)
{
    uint8_t value[DOC_BYTES];
    put_le64(value, doc->content);
    put_le64(value + 8, doc->item);
    value[16] = doc->kind;
    value[17] = doc->private_address;
    put_le64(value + 18, (uint64_t)doc->time_us);
    change_put(change, COLUMN_DOCS, url, strlen(url), value, sizeof(value));
}

static void take_item_back(struct change *change, const char *url, struct doc *doc)
{
    struct buffer key = {0};
    if (doc->item == 0)
        return;
    if (doc->kind == FEED_DOCUMENT)
        change->views->documents--;
    feed_url_key(&key, doc->item, (enum feed_kind)doc->kind, url);
    change_delete(change, COLUMN_FEED, key.data, key.size);
    buffer_release(&key);
    doc->item = 0;
}

/* Puts an item at the change's sequence in place of the one before. */
static void say(struct change *change, const char *url, struct doc *doc, enum feed_kind kind)
{
    struct buffer key = {0};
    uint8_t value[9];
    take_item_back(change, url, doc);
    put_le64(value, (uint64_t)doc->time_us);
    value[8] = doc->private_address;
    feed_url_key(&key, change->sequence, kind, url);
    change_put(change, COLUMN_FEED, key.data, key.size, value,
               kind == FEED_DOCUMENT ? sizeof(value) : 0);
    buffer_release(&key);
    doc->item = change->sequence;
    doc->kind = (uint8_t)kind;
    if (kind == FEED_DOCUMENT)
        change->views->documents++;
}

/* ---- entries
 * ------------------------------------------------------------------------------------- */

/* The frontier knows which contents are documents; it has seen all that the feed sees. */
static enum status say_page(struct change *change, const char *url, struct doc *doc,
                            const Page__Page *page, struct error *err)
{
    size_t bytes = 0;
    struct url_entry *known;
    enum status status = urls_touch(change, url, &known, err);
    if (status != STATUS_OK)
        return status;
    bool indexable = (known->after.flags & URL_DOCUMENT) != 0;
    if (indexable)
        say(change, url, doc, FEED_DOCUMENT);
    else if (doc->kind != 0) /* a reader may hold an earlier version */
        say(change, url, doc, FEED_REMOVED);
    return edges_replace(change, url, indexable && !page->nofollow ? page : NULL,
                         doc->private_address, &bytes, err);
}

static enum status apply_content(struct change *change, const Log__Content *content,
                                 const Page__Page *page, struct error *err)
{
    struct doc doc;
    struct url_entry *known;
    enum status status = urls_touch(change, content->url, &known, err);
    if (status == STATUS_OK)
        status = get_doc(change->views, content->url, &doc, err);
    /* The owner removed it, or another one came since. */
    if (status != STATUS_OK || known->after.content != change->sequence)
        return status;
    take_item_back(change, content->url, &doc);
    doc.content = change->sequence;
    doc.time_us = change->time_us;
    doc.private_address = content->private_address || content->with_credentials;
    if (page != NULL)
        status = say_page(change, content->url, &doc, page, err);
    put_doc(change, content->url, &doc);
    return status;
}

enum status feed_take_page(struct change *change, const char *url, const Page__Page *page,
                           struct error *err)
{
    struct doc doc;
    enum status status = get_doc(change->views, url, &doc, err);
    if (status != STATUS_OK || doc.content != change->sequence)
        return status; /* newer content came, or it was removed */
    status = say_page(change, url, &doc, page, err);
    put_doc(change, url, &doc);
    return status;
}

struct removing {
    struct change *change;
    size_t bytes;
    enum status status;
    struct error *err;
};

static bool remove_one(void *context, const char *url, struct kv_slice value)
{
    struct removing *r = context;
    struct doc doc;
    if (!decode_doc(value, &doc) || doc.content == 0)
        return true;
    if (r->bytes > FEED_REMOVE_BYTES_MAX) {
        r->change->more = true;
        return false;
    }
    doc.content = 0;
    if (doc.kind != 0)
        say(r->change, url, &doc, FEED_REMOVED);
    put_doc(r->change, url, &doc);
    r->bytes += strlen(url) + FEED_KEY_HEAD_BYTES;
    r->status = edges_replace(r->change, url, NULL, false, &r->bytes, r->err);
    return r->status == STATUS_OK;
}

static enum status apply_remove(struct change *change, const Log__Remove *remove, struct error *err)
{
    struct removing r = {.change = change, .err = err};
    enum status status = removal_visit(change->views, COLUMN_DOCS, remove, remove_one, &r, err);
    return status == STATUS_OK ? r.status : status;
}

static const char *site_of(const Log__Source *source, struct arena *arena)
{
    struct url url;
    if (url_parse(source->url, strlen(source->url), NULL, arena, &url, NULL) != STATUS_OK)
        return "";
    return url.authority;
}

/* Sites that a public source is on: of the others nothing is shown. */
static void note_public_sites(const Log__CrawlSettings *settings, char **sites,
                              struct table *ret_public)
{
    for (size_t i = 0; i < settings->n_sources; i++) {
        if (settings->sources[i]->is_public && sites[i][0] != '\0')
            table_put(ret_public, sites[i], sites[i]);
    }
}

/* What every source on such a site says: of those that cover a page the least open one decides. */
static enum status gather_scopes(const Log__CrawlSettings *settings, struct arena *arena,
                                 Wire__PublicSites *ret_sites, struct error *err)
{
    size_t count = settings->n_sources;
    struct table public = {0};
    char **sites = arena_alloc(arena, (count + 1) * sizeof(*sites));
    Wire__SourceScope *scopes = arena_alloc(arena, (count + 1) * sizeof(*scopes));
    ret_sites->scopes = arena_alloc(arena, (count + 1) * sizeof(*ret_sites->scopes));
    if (sites == NULL || scopes == NULL || ret_sites->scopes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    for (size_t i = 0; i < count; i++)
        sites[i] = (char *)site_of(settings->sources[i], arena);
    note_public_sites(settings, sites, &public);
    for (size_t i = 0; i < count; i++) {
        if (table_get(&public, sites[i]) == NULL)
            continue;
        Wire__SourceScope *scope = &scopes[i];
        wire__source_scope__init(scope);
        scope->site = sites[i];
        scope->prefix = settings->sources[i]->prefix;
        scope->is_public = settings->sources[i]->is_public;
        ret_sites->scopes[ret_sites->n_scopes++] = scope;
    }
    table_release(&public);
    return STATUS_OK;
}

static enum status apply_settings(struct change *change, const Log__CrawlSettings *settings,
                                  struct error *err)
{
    struct doc before, now = {.item = change->sequence, .kind = FEED_SITES};
    struct buffer key = {0}, value = {0};
    Wire__PublicSites sites = WIRE__PUBLIC_SITES__INIT;
    enum status status = get_doc(change->views, KEY_SITES, &before, err);
    if (status == STATUS_OK)
        status = gather_scopes(settings, &change->arena, &sites, err);
    if (status != STATUS_OK)
        return status;
    feed_key(&key, before.item, 0, FEED_SITES);
    if (before.item != 0)
        change_delete(change, COLUMN_FEED, key.data, key.size);
    status = message_pack(&sites.base, &value, err);
    feed_key(&key, change->sequence, 0, FEED_SITES);
    change_put(change, COLUMN_FEED, key.data, key.size, value.data, value.size);
    put_doc(change, KEY_SITES, &now);
    buffer_release(&key);
    buffer_release(&value);
    return status;
}

enum status feed_apply(struct change *change, const Log__Entry *entry, const Page__Page *page,
                       struct error *err)
{
    switch (entry->kind_case) {
    case LOG__ENTRY__KIND_CONTENT:
        return apply_content(change, entry->content, page, err);
    case LOG__ENTRY__KIND_REMOVE:
        return apply_remove(change, entry->remove, err);
    case LOG__ENTRY__KIND_CONTROL:
        return entry->control->settings == NULL
                   ? STATUS_OK
                   : apply_settings(change, entry->control->settings, err);
    default:
        return STATUS_OK;
    }
}

enum status feed_document_of(struct views *views, const char *url, uint64_t *ret_sequence,
                             struct error *err)
{
    struct doc doc;
    enum status status = get_doc(views, url, &doc, err);
    *ret_sequence = doc.kind == FEED_DOCUMENT ? doc.item : 0;
    return status;
}

/* ---- reading
 * --------------------------------------------------------------------------------------- */

struct reading {
    struct views *views;
    const Wire__FeedRequest *request;
    struct arena *arena;
    Wire__FeedReply *reply;
    size_t capacity;
    size_t bytes;
};

/* An item as its bytes stand in the store. */
struct stored {
    uint64_t sequence;
    uint8_t slot;
    uint8_t kind;
    const char *name; /* what stands behind the key's head */
    size_t name_size;
    struct kv_slice value;
};

static Wire__FeedItem *add_item(struct reading *r, uint64_t sequence)
{
    Wire__FeedReply *reply = r->reply;
    if (reply->n_items == r->capacity) {
        size_t capacity = r->capacity == 0 ? 64 : r->capacity * 2;
        Wire__FeedItem **items = arena_alloc(r->arena, capacity * sizeof(*items));
        if (items == NULL)
            return NULL;
        if (reply->n_items > 0)
            memcpy(items, reply->items, reply->n_items * sizeof(*items));
        reply->items = items;
        r->capacity = capacity;
    }
    Wire__FeedItem *item = arena_alloc(r->arena, sizeof(*item));
    if (item == NULL)
        return NULL;
    wire__feed_item__init(item);
    item->sequence = sequence;
    reply->items[reply->n_items++] = item;
    return item;
}

static char *authority_of(const char *url, struct arena *arena)
{
    struct url parsed;
    return url_parse(url, strlen(url), NULL, arena, &parsed, NULL) == STATUS_OK
               ? (char *)parsed.authority
               : arena_string(arena, "");
}

static enum status add_document(struct reading *r, const struct stored *stored, struct error *err)
{
    Page__Page *page;
    enum status status = pages_get(r->views, stored->sequence, r->arena, &page, err);
    if (status == STATUS_NOT_FOUND || stored->value.size != 9)
        return STATUS_OK; /* replaced while we read: what replaced it comes */
    if (status != STATUS_OK)
        return status;
    Wire__FeedItem *item = add_item(r, stored->sequence);
    Wire__FeedDocument *document = arena_alloc(r->arena, sizeof(*document));
    if (item == NULL || document == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    wire__feed_document__init(document);
    document->url = arena_string_of(r->arena, stored->name, stored->name_size);
    document->sequence = stored->sequence;
    document->page = page;
    document->fetched_us = (int64_t)get_le64(stored->value.data);
    document->private_address = ((const uint8_t *)stored->value.data)[8] != 0;
    document->site = authority_of(document->url, r->arena);
    item->kind_case = WIRE__FEED_ITEM__KIND_DOCUMENT;
    item->document = document;
    r->bytes += page__page__get_packed_size(page) + stored->name_size;
    return STATUS_OK;
}

static enum status add_edge(struct reading *r, const struct stored *stored, struct error *err)
{
    const uint8_t *value = stored->value.data;
    size_t target_size = strnlen(stored->name, stored->name_size);
    if (target_size == stored->name_size || stored->value.size < 1)
        return error_set(err, STATUS_CORRUPT, "an edge in the feed is none");
    Wire__FeedItem *item = add_item(r, stored->sequence);
    Wire__FeedEdge *edge = arena_alloc(r->arena, sizeof(*edge));
    if (item == NULL || edge == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    wire__feed_edge__init(edge);
    edge->target = arena_string_of(r->arena, stored->name, target_size);
    edge->source = arena_string_of(r->arena, stored->name + target_size + 1,
                                   stored->name_size - target_size - 1);
    edge->anchor = arena_string_of(r->arena, (const char *)value + 1, stored->value.size - 1);
    edge->nofollow = (value[0] & EDGE_NOFOLLOW) != 0;
    edge->drop = (value[0] & EDGE_DROPPED) != 0;
    edge->source_is_private = (value[0] & EDGE_PRIVATE) != 0;
    item->kind_case = WIRE__FEED_ITEM__KIND_EDGE;
    item->edge = edge;
    r->bytes += stored->name_size + stored->value.size;
    return STATUS_OK;
}

static enum status add_other(struct reading *r, const struct stored *stored, struct error *err)
{
    Wire__FeedItem *item = add_item(r, stored->sequence);
    if (item == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    if (stored->kind == FEED_REMOVED) {
        item->kind_case = WIRE__FEED_ITEM__KIND_REMOVED;
        item->removed = arena_string_of(r->arena, stored->name, stored->name_size);
    } else {
        item->kind_case = WIRE__FEED_ITEM__KIND_SITES;
        item->sites = message_unpack(&wire__public_sites__descriptor, stored->value.data,
                                     stored->value.size, r->arena);
        if (item->sites == NULL)
            return error_set(err, STATUS_CORRUPT, "the public sites in the feed are none");
    }
    r->bytes += stored->name_size + stored->value.size;
    return STATUS_OK;
}

static enum status add_stored(struct reading *r, const struct stored *stored, struct error *err)
{
    bool every_slot = stored->kind == FEED_SITES;
    if (!every_slot &&
        (stored->slot < r->request->slot_first || stored->slot > r->request->slot_last))
        return STATUS_OK;
    switch (stored->kind) {
    case FEED_DOCUMENT:
        return add_document(r, stored, err);
    case FEED_EDGE:
        return add_edge(r, stored, err);
    case FEED_REMOVED:
    case FEED_SITES:
        return add_other(r, stored, err);
    default:
        return error_set(err, STATUS_CORRUPT, "an item in the feed is of no kind");
    }
}

static size_t reply_limit(const Wire__FeedRequest *request)
{
    size_t limit = request->max_bytes == 0 ? FEED_REPLY_BYTES_DEFAULT : request->max_bytes;
    return limit > FEED_REPLY_BYTES_MAX ? FEED_REPLY_BYTES_MAX : limit;
}

/* Items of which part of the feed, and which of them. */
struct stretch {
    uint64_t from, last;
    bool takes_away; /* only what takes something away */
};

static bool is_wanted(const struct stretch *stretch, const struct stored *stored)
{
    const uint8_t *value = stored->value.data;
    if (!stretch->takes_away || stored->kind == FEED_REMOVED || stored->kind == FEED_SITES)
        return true;
    return stored->kind == FEED_EDGE && stored->value.size > 0 && (value[0] & EDGE_DROPPED) != 0;
}

/* Adds the stretch's items; *ret_next: where to go on. A sequence's items are never parted. */
static enum status read_items(struct reading *r, const struct stretch *stretch, uint64_t *ret_next,
                              struct error *err)
{
    uint8_t from[8];
    enum status status = STATUS_OK;
    uint64_t last = 0;
    struct kv_iterator *it = kv_iterator_open(r->views->kv, COLUMN_FEED);
    put_be64(from, stretch->from);
    *ret_next = stretch->last + 1;
    bool more = kv_iterator_seek(it, kv_slice(from, sizeof(from)));
    for (unsigned scanned = 0; more && status == STATUS_OK; scanned++) {
        struct kv_slice key = kv_iterator_key(it);
        const uint8_t *head = key.data;
        struct stored stored = {get_be64(head),
                                head[8],
                                head[9],
                                (const char *)head + FEED_KEY_HEAD_BYTES,
                                key.size - FEED_KEY_HEAD_BYTES,
                                kv_iterator_value(it)};
        bool full = r->bytes >= reply_limit(r->request) || scanned > SCAN_MAX;
        if (stored.sequence > stretch->last)
            break;
        if (full && stored.sequence != last) {
            *ret_next = stored.sequence;
            break;
        }
        last = stored.sequence;
        if (is_wanted(stretch, &stored))
            status = add_stored(r, &stored, err);
        more = kv_iterator_next(it);
    }
    if (status == STATUS_OK)
        status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    return status;
}

/* What the feed holds up to `limit` in its order, unless the reader has no room for it, and up to
 * `applied` of what takes away. */
static enum status read_all(struct reading *r, uint64_t limit, uint64_t applied, bool *ret_cut,
                            struct error *err)
{
    Wire__FeedReply *reply = r->reply;
    struct stretch turn = {r->request->from, limit, false};
    enum status status = STATUS_OK;
    bool has_turn = !r->request->only_ahead && turn.from <= limit;
    *ret_cut = false;
    if (has_turn)
        status = read_items(r, &turn, &reply->next, err);
    if (status != STATUS_OK || r->request->ahead == 0 || (has_turn && reply->next <= limit))
        return status;
    struct stretch ahead = {reply->next, applied, true};
    if (r->request->ahead > ahead.from)
        ahead.from = r->request->ahead;
    reply->ahead = ahead.from;
    if (ahead.from <= applied)
        status = read_items(r, &ahead, &reply->ahead, err);
    *ret_cut = reply->ahead <= applied;
    return status;
}

static bool is_another(const Wire__FeedRequest *request, const uint8_t *identity)
{
    return request->from > 1 && request->identity.len > 0 &&
           (request->identity.len != FEED_IDENTITY_BYTES ||
            memcmp(request->identity.data, identity, FEED_IDENTITY_BYTES) != 0);
}

enum status feed_read(struct views *views, const Wire__FeedRequest *request,
                      enum feed_reader_kind kind, struct arena *arena, Wire__FeedReply *ret_reply,
                      bool *ret_news, struct error *err)
{
    struct log_status log;
    bool cut = false;
    uint8_t *identity = arena_alloc(arena, FEED_IDENTITY_BYTES);
    if (identity == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    pthread_mutex_lock(&views->lock);
    uint64_t limit = views->feed_limit, floor = views->feed_floor;
    uint64_t applied = views->position[VIEW_FEED];
    views_feed_identity(views, identity);
    pthread_mutex_unlock(&views->lock);
    log_get_status(views->log, &log);
    wire__feed_reply__init(ret_reply);
    ret_reply->head = log.head;
    ret_reply->next = request->from == 0 ? 1 : request->from;
    ret_reply->ahead = request->ahead;
    ret_reply->identity.len = FEED_IDENTITY_BYTES;
    ret_reply->identity.data = identity;
    /* Who may hold edges whose end the feed has forgotten cannot go on. */
    bool lagged = kind == FEED_READER_NEW && request->from > 1 && request->from <= floor;
    ret_reply->restart = lagged || request->from > log.head + 1 || is_another(request, identity);
    struct reading r = {.views = views, .request = request, .arena = arena, .reply = ret_reply};
    enum status status = ret_reply->restart ? STATUS_OK : read_all(&r, limit, applied, &cut, err);
    *ret_news =
        ret_reply->restart || ret_reply->n_items > 0 || ret_reply->next > request->from || cut;
    return status;
}
