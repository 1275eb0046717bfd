#include "indexserver/views.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "indexserver/feed.h"
#include "indexserver/frontier.h"
#include "indexserver/pages.h"
#include "indexserver/scope.h"
#include "indexserver/unfinished.h"
#include "indexserver/urls.h"
#include "page/page.h"
#include "rpc/message.h"

/* A view of another version is dropped and made again from the log. */
static const uint32_t view_versions[VIEW_COUNT] = {2, 5, 2};
static const char *const view_names[VIEW_COUNT] = {"pages", "frontier", "feed"};

static const struct kv_column columns[COLUMN_COUNT] = {
    [COLUMN_META] = {.name = "meta"},       [COLUMN_URLS] = {.name = "urls"},
    [COLUMN_DUE] = {.name = "due"},         [COLUMN_HOSTS] = {.name = "hosts"},
    [COLUMN_SOURCES] = {.name = "sources"}, [COLUMN_RULES] = {.name = "rules"},
    [COLUMN_LEASES] = {.name = "leases"},   [COLUMN_PAGES] = {.name = "pages"},
    [COLUMN_LINKS] = {.name = "links"},     [COLUMN_UNPARSED] = {.name = "unparsed"},
    [COLUMN_REPARSE] = {.name = "reparse"}, [COLUMN_TEXTS] = {.name = "texts"},
    [COLUMN_DOCS] = {.name = "docs"},       [COLUMN_EDGES] = {.name = "edges"},
    [COLUMN_FEED] = {.name = "feed"},       [COLUMN_OLDER] = {.name = "older"},
    [COLUMN_FORGET] = {.name = "forget"},   [COLUMN_HISTORY] = {.name = "history"},
    [COLUMN_TRAPS] = {.name = "traps"},
};

/* Which view a column belongs to; VIEW_COUNT: none. */
static const enum view column_view[COLUMN_COUNT] = {
    [COLUMN_META] = VIEW_COUNT,       [COLUMN_URLS] = VIEW_FRONTIER,
    [COLUMN_DUE] = VIEW_FRONTIER,     [COLUMN_HOSTS] = VIEW_FRONTIER,
    [COLUMN_SOURCES] = VIEW_FRONTIER, [COLUMN_RULES] = VIEW_FRONTIER,
    [COLUMN_LEASES] = VIEW_COUNT,     [COLUMN_PAGES] = VIEW_PAGES,
    [COLUMN_LINKS] = VIEW_PAGES,      [COLUMN_UNPARSED] = VIEW_PAGES,
    [COLUMN_REPARSE] = VIEW_PAGES,    [COLUMN_TEXTS] = VIEW_PAGES,
    [COLUMN_DOCS] = VIEW_FEED,        [COLUMN_EDGES] = VIEW_FEED,
    [COLUMN_FEED] = VIEW_FEED,        [COLUMN_OLDER] = VIEW_FRONTIER,
    [COLUMN_FORGET] = VIEW_COUNT,     [COLUMN_HISTORY] = VIEW_FRONTIER,
    [COLUMN_TRAPS] = VIEW_FRONTIER,
};

/* ---- the views' own record ------------------------------------------------------------------- */

#define KEY_STATE "state"
enum { STATE_BYTES = 16 + VIEW_COUNT * 12 + 52 };

static void encode_state(const struct views *views, uint8_t ret[STATE_BYTES])
{
    memcpy(ret, views->log_identity, 16);
    uint8_t *at = ret + 16;
    for (int v = 0; v < VIEW_COUNT; v++, at += 12) {
        put_le32(at, view_versions[v]);
        put_le64(at + 4, views->position[v]);
    }
    put_le64(at, views->generation);
    put_le64(at + 8, views->documents);
    put_le32(at + 16, views->parser_version);
    put_le64(at + 20, views->old_pages_cursor);
    put_le64(at + 28, views->scrub_first);
    put_le64(at + 36, views->scrub_last);
    put_le64(at + 44, views->feed_floor);
}

static void put_state(struct views *views, struct kv_batch *batch)
{
    uint8_t state[STATE_BYTES];
    encode_state(views, state);
    kv_put(batch, views->kv, COLUMN_META, kv_slice(KEY_STATE, strlen(KEY_STATE)),
           kv_slice(state, sizeof(state)));
}

/* Views of another version or another log stay at position 0 and are dropped. */
static void decode_state(struct views *views, const uint8_t *state, bool keep[VIEW_COUNT])
{
    bool same_log = memcmp(state, views->log_identity, 16) == 0;
    const uint8_t *at = state + 16;
    for (int v = 0; v < VIEW_COUNT; v++, at += 12) {
        keep[v] = same_log && get_le32(at) == view_versions[v];
        views->position[v] = keep[v] ? get_le64(at + 4) : 0;
    }
    views->generation = get_le64(at);
    views->documents = get_le64(at + 8);
    views->parser_version = get_le32(at + 16);
    views->old_pages_cursor = get_le64(at + 20);
    views->scrub_first = get_le64(at + 28);
    views->scrub_last = get_le64(at + 36);
    views->feed_floor = get_le64(at + 44);
}

static void drop_view(struct views *views, struct kv_batch *batch, enum view view)
{
    uint8_t end[64];
    memset(end, 0xff, sizeof(end)); /* behind every key: none begins with 64 bytes of 0xff */
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (column_view[c] == view)
            kv_delete_range(batch, views->kv, (unsigned)c, kv_slice("", 0),
                            kv_slice(end, sizeof(end)));
    }
    unfinished_drop(views, batch, view);
    views->position[view] = 0;
    if (view == VIEW_FEED) {
        random_bytes(&views->generation, sizeof(views->generation));
        views->documents = 0;
        views->feed_floor = 0;
    }
    if (view == VIEW_PAGES) {
        views->parser_version = PAGE_PARSER_VERSION;
        views->old_pages_cursor = 0;
    }
}

static enum status load_state(struct views *views, uint64_t head, struct error *err)
{
    struct buffer value = {0};
    struct kv_batch *batch = kv_batch_new();
    bool keep[VIEW_COUNT] = {false};
    enum status status = views_get(views, COLUMN_META, KEY_STATE, strlen(KEY_STATE), &value, err);
    bool had_state = status == STATUS_OK && value.size == STATE_BYTES;
    if (had_state)
        decode_state(views, value.data, keep);
    for (int v = 0; v < VIEW_COUNT && status != STATUS_IO; v++) {
        bool ahead = views->position[v] > head;
        if (ahead)
            log_error("the log ends at %lu and the view %s knows of %lu: the log has lost entries",
                      head, view_names[v], views->position[v]);
        if (had_state && (ahead || !keep[v]))
            log_info("the view %s is made anew", view_names[v]);
        if (ahead || !keep[v])
            drop_view(views, batch, (enum view)v);
        views->behind[v] = views->position[v] < head;
    }
    /* The feed asks the frontier what the owner removed: it waits for it. */
    views->behind[VIEW_FEED] |= views->behind[VIEW_FRONTIER];
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        put_state(views, batch);
        status = kv_write(views->kv, batch, true, err);
    }
    kv_batch_free(batch);
    buffer_release(&value);
    return status;
}

/* What the log has still to forget. */
static enum status load_pending_forget(struct views *views, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_FORGET);
    for (bool more = kv_iterator_seek(it, kv_slice("", 0)); more; more = kv_iterator_next(it)) {
        uint64_t sequence = get_be64(kv_iterator_key(it).data);
        buffer_append(&views->pending_forget, &sequence, sizeof(sequence));
    }
    enum status status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    return status;
}

static void set_feed_limit(struct views *views)
{
    uint64_t limit = views->position[VIEW_FEED];
    uint64_t unparsed = pages_first_unparsed(views);
    if (views->position[VIEW_PAGES] < limit)
        limit = views->position[VIEW_PAGES];
    if (unparsed != 0 && unparsed <= limit)
        limit = unparsed - 1;
    views->unparsed_first = unparsed;
    views->feed_limit = limit;
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static enum status open_parts(struct views *views, const char *folder, uint64_t memory_bytes,
                              struct error *err)
{
    struct kv_options options = {columns, COLUMN_COUNT, memory_bytes};
    struct log_status log;
    log_get_status(views->log, &log);
    memcpy(views->log_identity, log.identity, sizeof(log.identity));
    enum status status = kv_open(folder, &options, &views->kv, err);
    if (status == STATUS_OK)
        status = load_state(views, log.head, err);
    if (status == STATUS_OK)
        status = load_pending_forget(views, err);
    if (status == STATUS_OK)
        status = pages_open(views, err);
    if (status == STATUS_OK)
        status = scope_open(views, &views->scope, err);
    if (status == STATUS_OK)
        status = frontier_open(views, &views->frontier, err);
    if (status == STATUS_OK)
        set_feed_limit(views);
    return status;
}

enum status views_open(const char *folder, uint64_t memory_bytes, struct log_store *log,
                       struct views **ret_views, struct error *err)
{
    struct views *views = calloc(1, sizeof(*views));
    if (views == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    views->log = log;
    pthread_mutex_init(&views->lock, NULL);
    enum status status = open_parts(views, folder, memory_bytes, err);
    if (status != STATUS_OK) {
        views_close(views);
        return status;
    }
    *ret_views = views;
    return STATUS_OK;
}

void views_close(struct views *views)
{
    if (views == NULL)
        return;
    frontier_close(views->frontier);
    scope_close(views->scope);
    kv_close(views->kv);
    buffer_release(&views->pending_forget);
    pthread_mutex_destroy(&views->lock);
    free(views);
}

/* ---- changes ------------------------------------------------------------------------------------
 */

enum status views_get(struct views *views, enum column column, const void *key, size_t key_size,
                      struct buffer *ret_value, struct error *err)
{
    return kv_get(views->kv, column, kv_slice(key, key_size), ret_value, err);
}

void change_put(struct change *change, enum column column, const void *key, size_t key_size,
                const void *value, size_t size)
{
    kv_put(change->batch, change->views->kv, column, kv_slice(key, key_size),
           kv_slice(value, size));
}

void change_delete(struct change *change, enum column column, const void *key, size_t key_size)
{
    kv_delete(change->batch, change->views->kv, column, kv_slice(key, key_size));
}

void change_forget(struct change *change, uint64_t sequence)
{
    uint8_t key[8];
    if (sequence == 0)
        return;
    put_be64(key, sequence);
    change_put(change, COLUMN_FORGET, key, sizeof(key), "", 0);
    pages_forget(change, sequence);
    buffer_append(&change->forget, &sequence, sizeof(sequence));
}

static void begin_change(struct change *change, struct views *views, uint64_t sequence,
                         int64_t time_us)
{
    *change = (struct change){.views = views, .sequence = sequence, .time_us = time_us};
    change->batch = kv_batch_new();
}

/* Contents that the owner removed leave the disk, too. */
static void note_scrub(struct change *change)
{
    struct views *views = change->views;
    const uint64_t *sequences = (const uint64_t *)(const void *)change->forget.data;
    size_t count = change->forget.size / sizeof(uint64_t);
    for (size_t i = 0; change->by_owner && i < count; i++) {
        if (views->scrub_last == 0 || sequences[i] < views->scrub_first)
            views->scrub_first = sequences[i];
        if (sequences[i] > views->scrub_last)
            views->scrub_last = sequences[i];
    }
}

/* Writes what the change gathered. */
static enum status end_change(struct change *change, enum status status, struct error *err)
{
    struct views *views = change->views;
    if (status == STATUS_OK) {
        urls_flush(change);
        scope_flush(change);
        note_scrub(change);
        put_state(views, change->batch);
        status = kv_write(views->kv, change->batch, false, err);
    }
    if (status == STATUS_OK) {
        buffer_append(&views->pending_forget, change->forget.data, change->forget.size);
        set_feed_limit(views);
    }
    kv_batch_free(change->batch);
    buffer_release(&change->forget);
    table_release(&change->urls);
    arena_release(&change->arena);
    return status;
}

static enum status apply_to_frontier(struct change *change, const Log__Entry *entry,
                                     const Page__Page *page, struct error *err)
{
    enum status status = frontier_apply(change, entry, page, err);
    unfinished_note(change, entry, VIEW_FRONTIER);
    return status;
}

static enum status apply_to_feed(struct change *change, const Log__Entry *entry,
                                 const Page__Page *page, struct error *err)
{
    bool more = change->more;
    change->more = false;
    enum status status = feed_apply(change, entry, page, err);
    unfinished_note(change, entry, VIEW_FEED);
    change->more |= more;
    return status;
}

/* Applies one entry to the views that are wanted and have not seen it. The frontier before the
 * feed: it knows what was removed. */
static enum status apply(struct views *views, uint64_t sequence, const Log__Entry *entry,
                         const Page__Page *page, const bool wanted[VIEW_COUNT],
                         struct change *change, struct error *err)
{
    bool due[VIEW_COUNT];
    enum status status = STATUS_OK;
    begin_change(change, views, sequence, entry->time_us);
    for (int v = 0; v < VIEW_COUNT; v++) {
        due[v] = wanted[v] && views->position[v] < sequence;
        if (due[v])
            views->position[v] = sequence;
    }
    if (due[VIEW_PAGES])
        pages_apply(change, entry, page);
    if (due[VIEW_FRONTIER])
        status = apply_to_frontier(change, entry, page, err);
    if (status == STATUS_OK && due[VIEW_FEED])
        status = apply_to_feed(change, entry, page, err);
    status = end_change(change, status, err);
    if (status != STATUS_OK)
        error_add_context(err, "applying entry %lu", sequence);
    return status;
}

enum status views_apply(struct views *views, uint64_t sequence, const Log__Entry *entry,
                        const Page__Page *page, bool *ret_more, uint64_t *ret_removed,
                        struct error *err)
{
    struct change change;
    bool wanted[VIEW_COUNT];
    pthread_mutex_lock(&views->lock);
    for (int v = 0; v < VIEW_COUNT; v++)
        wanted[v] = !views->behind[v];
    if (page != NULL && page->parser_version != PAGE_PARSER_VERSION)
        page = NULL;
    enum status status = apply(views, sequence, entry, page, wanted, &change, err);
    pthread_mutex_unlock(&views->lock);
    if (ret_more != NULL)
        *ret_more = change.more;
    if (ret_removed != NULL)
        *ret_removed = change.removed;
    return status;
}

enum status views_sync(struct views *views, struct error *err)
{
    struct kv_batch *batch = kv_batch_new();
    pthread_mutex_lock(&views->lock); /* the scrubber writes the state as well */
    put_state(views, batch);
    enum status status = kv_write(views->kv, batch, true, err);
    pthread_mutex_unlock(&views->lock);
    kv_batch_free(batch);
    return status;
}

/* Under the lock; the URL of a content that waits for its first page. STATUS_NOT_FOUND: it does
 * not, or no longer. The log is not asked: it may have lost the entry. */
static enum status find_waiting(struct views *views, uint64_t sequence, struct buffer *ret_url,
                                struct error *err)
{
    uint8_t key[8];
    put_be64(key, sequence);
    buffer_clear(ret_url);
    return views_get(views, COLUMN_UNPARSED, key, sizeof(key), ret_url, err);
}

static enum status take_page(struct views *views, uint64_t sequence, const char *url,
                             const Page__Page *page, struct error *err)
{
    struct change change;
    enum status status = STATUS_OK;
    begin_change(&change, views, sequence, 0);
    pages_take(&change, url, page);
    if (views->position[VIEW_FRONTIER] >= sequence)
        status = frontier_take_page(&change, url, page, err);
    if (status == STATUS_OK && views->position[VIEW_FEED] >= sequence)
        status = feed_take_page(&change, url, page, err);
    return end_change(&change, status, err);
}

enum status views_take_page(struct views *views, uint64_t sequence, const Page__Page *page,
                            struct error *err)
{
    struct buffer url = {0};
    if (page->parser_version != PAGE_PARSER_VERSION)
        return STATUS_OK;
    pthread_mutex_lock(&views->lock);
    enum status status = find_waiting(views, sequence, &url, err);
    if (status == STATUS_OK)
        status = take_page(views, sequence, buffer_string(&url), page, err);
    else if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    pthread_mutex_unlock(&views->lock);
    buffer_release(&url);
    return status;
}

/* The newest content of a URL gets a page that says why it is none; of another one, and of one
 * whose older page stays, only the note goes that it waits. */
static enum status give_up(struct views *views, uint64_t sequence, const char *url,
                           const char *words, struct error *err)
{
    struct change change;
    struct url_state state = {0};
    Page__Page page = PAGE__PAGE__INIT;
    page.parser_version = PAGE_PARSER_VERSION;
    page.problem = PAGE__PROBLEM__PROBLEM_UNPARSABLE;
    page.problem_words = (char *)words;
    enum status status = url == NULL ? STATUS_OK : urls_get(views, url, &state, err);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    begin_change(&change, views, sequence, 0);
    status = STATUS_OK;
    if (url == NULL)
        pages_keep_old(&change);
    else if (state.content == sequence)
        pages_take(&change, url, &page);
    else
        pages_forget(&change, sequence);
    if (url != NULL && state.content == sequence && views->position[VIEW_FRONTIER] >= sequence)
        status = frontier_take_page(&change, url, &page, err);
    if (url != NULL && status == STATUS_OK)
        status = feed_take_page(&change, url, &page, err);
    return end_change(&change, status, err);
}

enum status views_give_up(struct views *views, uint64_t sequence, const char *words,
                          struct error *err)
{
    struct buffer url = {0};
    pthread_mutex_lock(&views->lock);
    enum status status = find_waiting(views, sequence, &url, err);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status =
            give_up(views, sequence, status == STATUS_OK ? buffer_string(&url) : NULL, words, err);
    pthread_mutex_unlock(&views->lock);
    buffer_release(&url);
    return status;
}

/* ---- catching up
 * --------------------------------------------------------------------------------- */

struct catch_up {
    struct views *views;
    uint64_t left;
    uint64_t last;
    enum status status;
    struct error *err;
};

static bool catch_up_one(void *context, uint64_t sequence, const Log__Entry *entry)
{
    struct catch_up *c = context;
    struct views *views = c->views;
    struct change change;
    struct arena arena = {0};
    Page__Page *page = NULL;
    pthread_mutex_lock(&views->lock);
    /* Where another view is made anew, the page may be there already. */
    if (entry->kind_case == LOG__ENTRY__KIND_CONTENT)
        c->status = pages_get_whole(views, sequence, &arena, &page, c->err);
    if (c->status == STATUS_NOT_FOUND)
        c->status = STATUS_OK;
    if (c->status == STATUS_OK)
        c->status = apply(views, sequence, entry, page, views->behind, &change, c->err);
    pthread_mutex_unlock(&views->lock);
    arena_release(&arena);
    c->last = sequence;
    return c->status == STATUS_OK && --c->left > 0;
}

static uint64_t lowest_position(const struct views *views)
{
    uint64_t lowest = UINT64_MAX;
    for (int v = 0; v < VIEW_COUNT; v++) {
        if (views->behind[v] && views->position[v] < lowest)
            lowest = views->position[v];
    }
    return lowest;
}

/* The log was read to its end: entries that were forgotten there count as seen. */
static void finish_catch_up(struct views *views, uint64_t head)
{
    pthread_mutex_lock(&views->lock);
    for (int v = 0; v < VIEW_COUNT; v++) {
        views->behind[v] = false;
        if (views->position[v] < head)
            views->position[v] = head;
    }
    set_feed_limit(views);
    frontier_wake_all(views);
    pthread_mutex_unlock(&views->lock);
}

enum status views_catch_up(struct views *views, uint64_t entries_max, bool *ret_done,
                           struct error *err)
{
    *ret_done = views_caught_up(views);
    if (*ret_done)
        return STATUS_OK;
    struct log_status log;
    log_get_status(views->log, &log);
    struct catch_up c = {.views = views, .left = entries_max, .err = err};
    enum status status = log_read(views->log, lowest_position(views) + 1, catch_up_one, &c, err);
    if (c.status != STATUS_OK)
        return c.status;
    if (status != STATUS_OK)
        return status;
    *ret_done = c.left > 0 || c.last == log.head;
    if (*ret_done)
        finish_catch_up(views, log.head);
    return STATUS_OK;
}

void views_scrubbed(struct views *views, uint64_t first, uint64_t last)
{
    struct kv_batch *batch = kv_batch_new();
    pthread_mutex_lock(&views->lock);
    if (views->scrub_first == first && views->scrub_last == last) {
        views->scrub_first = 0;
        views->scrub_last = 0;
        put_state(views, batch);
        /* Where this fails, it is done once more after a restart. Under the lock, so that no newer
         * state is overwritten. */
        kv_write(views->kv, batch, false, NULL);
    }
    pthread_mutex_unlock(&views->lock);
    kv_batch_free(batch);
}

bool views_caught_up(const struct views *views)
{
    for (int v = 0; v < VIEW_COUNT; v++) {
        if (views->behind[v])
            return false;
    }
    return true;
}

/* ---- upkeep
 * -------------------------------------------------------------------------------------- */

enum status views_forget(struct views *views, struct error *err)
{
    struct buffer *pending = &views->pending_forget;
    size_t count = pending->size / sizeof(uint64_t);
    if (count == 0)
        return STATUS_OK;
    const uint64_t *sequences = (const uint64_t *)(const void *)pending->data;
    enum status status = log_forget(views->log, sequences, count, err);
    if (status != STATUS_OK)
        return status;
    struct kv_batch *batch = kv_batch_new();
    for (size_t i = 0; i < count; i++) {
        uint8_t key[8];
        put_be64(key, sequences[i]);
        kv_delete(batch, views->kv, COLUMN_FORGET, kv_slice(key, sizeof(key)));
    }
    status = kv_write(views->kv, batch, false, err);
    kv_batch_free(batch);
    if (status == STATUS_OK)
        buffer_clear(pending);
    return status;
}

/* Notes the page where an older parser made it. */
static enum status note_if_old(struct views *views, struct kv_batch *batch, struct kv_slice key,
                               struct kv_slice value, struct error *err)
{
    if (key.size != 8 || value.size < 4 || get_le32(value.data) == PAGE_PARSER_VERSION)
        return STATUS_OK;
    struct arena arena = {0};
    Log__Entry *entry;
    enum status status = log_get(views->log, get_be64(key.data), &arena, &entry, err);
    if (status == STATUS_OK && entry->kind_case == LOG__ENTRY__KIND_CONTENT)
        kv_put(batch, views->kv, COLUMN_REPARSE, key,
               kv_slice(entry->content->url, strlen(entry->content->url)));
    arena_release(&arena);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status views_find_old_pages(struct views *views, unsigned pages_max, bool *ret_done,
                                 struct error *err)
{
    *ret_done = views->parser_version == PAGE_PARSER_VERSION;
    if (*ret_done)
        return STATUS_OK;
    uint8_t from[8];
    struct kv_batch *batch = kv_batch_new();
    pthread_mutex_lock(&views->lock);
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_PAGES);
    enum status status = STATUS_OK;
    put_be64(from, views->old_pages_cursor + 1);
    bool more = kv_iterator_seek(it, kv_slice(from, sizeof(from)));
    for (unsigned i = 0; more && i < pages_max && status == STATUS_OK; i++) {
        struct kv_slice key = kv_iterator_key(it);
        status = note_if_old(views, batch, key, kv_iterator_value(it), err);
        views->old_pages_cursor = get_be64(key.data);
        more = kv_iterator_next(it);
    }
    if (status == STATUS_OK)
        status = kv_iterator_status(it, err);
    if (status == STATUS_OK && !more) {
        views->parser_version = PAGE_PARSER_VERSION;
        views->old_pages_cursor = 0;
        *ret_done = true;
    }
    put_state(views, batch);
    if (status == STATUS_OK)
        status = kv_write(views->kv, batch, false, err);
    pthread_mutex_unlock(&views->lock);
    kv_iterator_close(it);
    kv_batch_free(batch);
    return status;
}

void views_feed_identity(struct views *views, uint8_t ret[FEED_IDENTITY_BYTES])
{
    memcpy(ret, views->log_identity, 16);
    put_le64(ret + 16, views->generation);
}
