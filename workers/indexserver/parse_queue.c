#include "indexserver/parse_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "crawl/url.h"
#include "indexserver/frontier.h"
#include "indexserver/pages.h"

void parse_queue_release(struct parse_queue *queue)
{
    free(queue->tries);
    *queue = (struct parse_queue){0};
}

static bool is_out(const struct parse_queue *queue, uint64_t sequence)
{
    for (int i = 0; i < PARSE_LEASES_MAX; i++) {
        const struct parse_lease *lease = &queue->leases[i];
        for (unsigned j = 0; lease->lease != 0 && j < lease->count; j++) {
            if (lease->sequences[j] == sequence)
                return true;
        }
    }
    return false;
}

static unsigned *tries_of(struct parse_queue *queue, uint64_t sequence)
{
    for (size_t i = 0; i < queue->try_count; i++) {
        if (queue->tries[i].sequence == sequence)
            return &queue->tries[i].tries;
    }
    queue->tries =
        check_alloc(realloc(queue->tries, (queue->try_count + 1) * sizeof(*queue->tries)));
    queue->tries[queue->try_count] = (struct parse_try){.sequence = sequence};
    return &queue->tries[queue->try_count++].tries;
}

static bool is_tried_out(const struct parse_queue *queue, uint64_t sequence)
{
    for (size_t i = 0; i < queue->try_count; i++) {
        if (queue->tries[i].sequence == sequence)
            return queue->tries[i].tries >= PARSE_TRIES_MAX;
    }
    return false;
}

void parse_queue_done(struct parse_queue *queue, uint64_t sequence)
{
    for (size_t i = 0; i < queue->try_count; i++) {
        if (queue->tries[i].sequence == sequence) {
            queue->tries[i] = queue->tries[--queue->try_count];
            return;
        }
    }
}

int64_t parse_queue_next_ms(const struct parse_queue *queue)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < PARSE_LEASES_MAX; i++) {
        if (queue->leases[i].lease != 0 && queue->leases[i].until_ms < next)
            next = queue->leases[i].until_ms;
    }
    return next;
}

struct choosing {
    struct views *views;
    struct parse_queue *queue;
    struct parse_lease *lease;
    Wire__HostLease *reply;
    struct arena *arena;
    size_t bytes;
    enum status status;
    struct error *err;
};

/* No page will come of it. Where too many are found at once, later looks find the rest. */
static void add_hopeless(struct parse_queue *queue, uint64_t sequence, const char *words)
{
    if (queue->hopeless_count == PARSE_HOPELESS_MAX)
        return;
    queue->hopeless[queue->hopeless_count++] = (struct parse_hopeless){sequence, words};
    queue->gave_up = queue->hopeless[0].sequence;
}

/* Returns false where there is no memory for it. */
static bool add_content(struct choosing *c, uint64_t sequence, const struct url *url,
                        Log__Content *content)
{
    Wire__LeasedUrl *leased = arena_alloc(c->arena, sizeof(*leased));
    if (leased == NULL)
        return false;
    wire__leased_url__init(leased);
    leased->url = (char *)url->text;
    leased->kind = WIRE__FETCH_KIND__FETCH_PARSE;
    leased->content = content;
    leased->sequence = sequence;
    if (c->reply->n_urls == 0) /* a lease is of some host, even where none is asked */
        c->reply->origin = (char *)url->origin;
    c->bytes += content->body_zstd.len;
    c->reply->urls[c->reply->n_urls++] = leased;
    c->lease->sequences[c->lease->count++] = sequence;
    ++*tries_of(c->queue, sequence);
    return true;
}

/* The log has it no more, or not as it was written: that does not change. A disk that fails may be
 * well the next time. */
static void pass_over(struct choosing *c, uint64_t sequence, enum status status,
                      const struct error *err)
{
    if (status == STATUS_NOT_FOUND) {
        add_hopeless(c->queue, sequence, "its content is no longer in the log");
        return;
    }
    log_error("entry %lu waits for its page and cannot be read: %s", sequence, err->text);
    if (status == STATUS_IO)
        ++*tries_of(c->queue, sequence);
    else
        add_hopeless(c->queue, sequence, "its content in the log cannot be read");
}

static bool choose(void *context, uint64_t sequence, const char *text)
{
    struct choosing *c = context;
    Log__Entry *entry;
    struct url url;
    struct error err = {0};
    if (is_out(c->queue, sequence))
        return true;
    if (is_tried_out(c->queue, sequence)) {
        add_hopeless(c->queue, sequence, "no parser could read it");
        return true;
    }
    enum status status = log_get(c->views->log, sequence, c->arena, &entry, &err);
    if (status == STATUS_NO_MEMORY) {
        c->status = error_set(c->err, status, "%s", err.text);
        return false;
    }
    if (status == STATUS_OK &&
        (entry->kind_case != LOG__ENTRY__KIND_CONTENT ||
         url_parse(text, strlen(text), NULL, c->arena, &url, &err) != STATUS_OK))
        status = error_set(&err, STATUS_CORRUPT, "it is not the content of a URL");
    if (status != STATUS_OK) {
        pass_over(c, sequence, status, &err);
        return true;
    }
    return add_content(c, sequence, &url, entry->content) && c->lease->count < PARSE_LEASE_URLS &&
           c->bytes < PARSE_LEASE_BYTES;
}

static struct parse_lease *free_lease(struct parse_queue *queue)
{
    for (int i = 0; i < PARSE_LEASES_MAX; i++) {
        if (queue->leases[i].lease == 0)
            return &queue->leases[i];
    }
    return NULL;
}

static enum status give_lease(struct views *views, struct parse_queue *queue, bool first_pages,
                              int64_t now_ms, struct arena *arena, Wire__HostLease **ret_lease,
                              struct error *err)
{
    struct parse_lease *lease = free_lease(queue);
    Wire__HostLease *reply = arena_alloc(arena, sizeof(*reply));
    *ret_lease = NULL;
    queue->gave_up = 0;
    queue->hopeless_count = 0;
    if (lease == NULL || reply == NULL)
        return STATUS_OK;
    wire__host_lease__init(reply);
    reply->urls = arena_alloc(arena, PARSE_LEASE_URLS * sizeof(*reply->urls));
    if (reply->urls == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory");
    *lease = (struct parse_lease){.until_ms = now_ms + LEASE_MS};
    struct choosing c = {
        .views = views, .queue = queue, .lease = lease, .reply = reply, .arena = arena, .err = err};
    enum status status = first_pages ? pages_unparsed(views, choose, &c, err)
                                     : pages_waiting(views, choose, &c, err);
    if (status == STATUS_OK)
        status = c.status;
    if (status != STATUS_OK || lease->count == 0)
        return status;
    random_bytes(&lease->lease, sizeof(lease->lease));
    reply->lease = lease->lease;
    reply->expires_ms = LEASE_MS;
    *ret_lease = reply;
    return STATUS_OK;
}

enum status parse_queue_lease(struct views *views, struct parse_queue *queue, int64_t now_ms,
                              struct arena *arena, Wire__HostLease **ret_lease, struct error *err)
{
    return give_lease(views, queue, false, now_ms, arena, ret_lease, err);
}

enum status parse_queue_lease_first(struct views *views, struct parse_queue *queue, int64_t now_ms,
                                    struct arena *arena, Wire__HostLease **ret_lease,
                                    struct error *err)
{
    return give_lease(views, queue, true, now_ms, arena, ret_lease, err);
}

static struct parse_lease *find(struct parse_queue *queue, uint64_t lease)
{
    for (int i = 0; i < PARSE_LEASES_MAX && lease != 0; i++) {
        if (queue->leases[i].lease == lease)
            return &queue->leases[i];
    }
    return NULL;
}

bool parse_queue_has(const struct parse_queue *queue, uint64_t lease)
{
    return find((struct parse_queue *)queue, lease) != NULL;
}

void parse_queue_prolong(struct parse_queue *queue, uint64_t lease, int64_t now_ms)
{
    struct parse_lease *held = find(queue, lease);
    if (held != NULL)
        held->until_ms = now_ms + LEASE_MS;
}

void parse_queue_end(struct parse_queue *queue, uint64_t lease)
{
    struct parse_lease *held = find(queue, lease);
    if (held != NULL)
        *held = (struct parse_lease){0};
}

void parse_queue_expire(struct parse_queue *queue, int64_t now_ms)
{
    for (int i = 0; i < PARSE_LEASES_MAX; i++) {
        if (queue->leases[i].lease != 0 && queue->leases[i].until_ms <= now_ms)
            queue->leases[i] = (struct parse_lease){0};
    }
}
