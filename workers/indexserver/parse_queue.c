#include "indexserver/parse_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "crawl/url.h"
#include "indexserver/frontier.h"
#include "indexserver/pages.h"

void parse_queue_release(struct parse_queue *queue)
{
    free(queue->troubles);
    *queue = (struct parse_queue){0};
}

/* ---- what happened to contents ------------------------------------------------------------------
 */

static struct parse_trouble *find_trouble(struct parse_queue *queue, uint64_t sequence)
{
    for (size_t i = 0; i < queue->trouble_count; i++) {
        if (queue->troubles[i].sequence == sequence)
            return &queue->troubles[i];
    }
    return NULL;
}

static void forget_trouble(struct parse_queue *queue, struct parse_trouble *trouble)
{
    *trouble = queue->troubles[--queue->trouble_count];
}

/* Finds or makes it. */
static struct parse_trouble *trouble_of(struct parse_queue *queue, uint64_t sequence)
{
    struct parse_trouble *trouble = find_trouble(queue, sequence);
    if (trouble != NULL)
        return trouble;
    if (queue->troubles == NULL)
        queue->troubles = check_alloc(malloc(PARSE_TROUBLES_MAX * sizeof(*queue->troubles)));
    if (queue->trouble_count == PARSE_TROUBLES_MAX)
        forget_trouble(queue, &queue->troubles[0]);
    trouble = &queue->troubles[queue->trouble_count++];
    *trouble = (struct parse_trouble){.sequence = sequence};
    return trouble;
}

static void plan_look(struct parse_queue *queue, int64_t at_ms)
{
    if (queue->look_ms == 0 || at_ms < queue->look_ms)
        queue->look_ms = at_ms;
}

static void put_off(struct parse_queue *queue, struct parse_trouble *trouble, int64_t until_ms)
{
    trouble->not_before_ms = until_ms;
    plan_look(queue, until_ms);
}

/* The look whose time has come is made by who asked for the time: the next one is planned. */
static void plan_next_look(struct parse_queue *queue, int64_t now_ms)
{
    if (queue->look_ms > now_ms)
        return;
    queue->look_ms = 0;
    for (size_t i = 0; i < queue->trouble_count; i++) {
        if (queue->troubles[i].not_before_ms > now_ms)
            plan_look(queue, queue->troubles[i].not_before_ms);
    }
}

/* Whether it may be the content's own fault. */
static bool is_suspect(const struct parse_trouble *trouble)
{
    return trouble != NULL && (trouble->tries > 0 || trouble->returns > 0);
}

/* Why there will be no page of it; NULL: there may be one. */
static const char *why_hopeless(const struct parse_trouble *trouble)
{
    if (trouble == NULL)
        return NULL;
    if (trouble->tries >= PARSE_TRIES_MAX || trouble->returns >= PARSE_RETURNS_MAX)
        return "no parser could read it";
    return trouble->faults >= PARSE_FAULTS_MAX ? "its content in the log cannot be read" : NULL;
}

/* ---- what leases hold ---------------------------------------------------------------------------
 */

static struct parse_lease *find(struct parse_queue *queue, uint64_t lease)
{
    for (int i = 0; i < PARSE_LEASES_MAX && lease != 0; i++) {
        if (queue->leases[i].lease == lease)
            return &queue->leases[i];
    }
    return NULL;
}

/* The lease that holds the content, and where in it; NULL: it waits. */
static struct parse_lease *find_holder(struct parse_queue *queue, uint64_t sequence,
                                       unsigned *ret_index)
{
    for (int i = 0; i < PARSE_LEASES_MAX; i++) {
        struct parse_lease *lease = &queue->leases[i];
        for (unsigned j = 0; lease->lease != 0 && j < lease->count; j++) {
            if (lease->sequences[j] == sequence) {
                *ret_index = j;
                return lease;
            }
        }
    }
    return NULL;
}

static bool is_out(struct parse_queue *queue, uint64_t sequence)
{
    unsigned index;
    return find_holder(queue, sequence, &index) != NULL;
}

static bool suspect_is_out(const struct parse_queue *queue)
{
    for (int i = 0; i < PARSE_LEASES_MAX; i++) {
        if (queue->leases[i].lease != 0 && queue->leases[i].suspect)
            return true;
    }
    return false;
}

/* Returns false where nobody holds it, or where that was said before. */
static bool note_answer(struct parse_queue *queue, uint64_t sequence)
{
    unsigned index;
    struct parse_lease *lease = find_holder(queue, sequence, &index);
    if (lease == NULL || lease->answered[index])
        return false;
    lease->answered[index] = true;
    return true;
}

void parse_queue_done(struct parse_queue *queue, uint64_t sequence)
{
    struct parse_trouble *trouble = find_trouble(queue, sequence);
    note_answer(queue, sequence);
    if (trouble != NULL)
        forget_trouble(queue, trouble);
}

void parse_queue_failed(struct parse_queue *queue, uint64_t sequence)
{
    if (note_answer(queue, sequence))
        trouble_of(queue, sequence)->tries++;
}

void parse_queue_later(struct parse_queue *queue, uint64_t sequence, int64_t now_ms)
{
    if (note_answer(queue, sequence))
        put_off(queue, trouble_of(queue, sequence), now_ms + PARSE_RETRY_MS);
}

int64_t parse_queue_next_ms(const struct parse_queue *queue)
{
    int64_t next = queue->look_ms == 0 ? INT64_MAX : queue->look_ms;
    for (int i = 0; i < PARSE_LEASES_MAX; i++) {
        if (queue->leases[i].lease != 0 && queue->leases[i].until_ms < next)
            next = queue->leases[i].until_ms;
    }
    return next;
}

/* ---- choosing -----------------------------------------------------------------------------------
 */

struct choosing {
    struct views *views;
    struct parse_queue *queue;
    struct parse_lease *lease;
    Wire__HostLease *reply;
    struct arena *arena;
    int64_t now_ms;
    size_t bytes;
    unsigned faults; /* contents that could not be read */
    enum status status;
    struct error *err;
};

/* No page will come of it. False: so many were found that a later look finds the rest. */
static bool add_hopeless(struct choosing *c, uint64_t sequence, const char *words)
{
    struct parse_queue *queue = c->queue;
    queue->hopeless[queue->hopeless_count++] = (struct parse_hopeless){sequence, words};
    queue->gave_up = queue->hopeless[0].sequence;
    if (queue->hopeless_count < PARSE_HOPELESS_MAX)
        return true;
    plan_look(queue, c->now_ms + 1);
    return false;
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
    return true;
}

/* A disk that fails may be well the next time. False: it fails too often to go on now. */
static bool note_fault(struct choosing *c, uint64_t sequence, const struct error *err)
{
    struct parse_trouble *trouble = trouble_of(c->queue, sequence);
    if (trouble->faults++ == 0)
        log_error("entry %lu waits for its page and cannot be read: %s", sequence, err->text);
    put_off(c->queue, trouble, c->now_ms + PARSE_FAULT_MS);
    if (++c->faults < PARSE_LOOK_FAULTS_MAX)
        return true;
    plan_look(c->queue, c->now_ms + PARSE_LOOK_MS);
    return false;
}

/* The log has it no more, or not as it was written: that does not change. */
static bool pass_over(struct choosing *c, uint64_t sequence, enum status status,
                      const struct error *err)
{
    if (status == STATUS_IO)
        return note_fault(c, sequence, err);
    if (status == STATUS_NOT_FOUND)
        return add_hopeless(c, sequence, "its content is no longer in the log");
    log_error("entry %lu waits for its page and cannot be read: %s", sequence, err->text);
    return add_hopeless(c, sequence, "its content in the log cannot be read");
}

static bool must_wait(const struct choosing *c, const struct parse_trouble *trouble)
{
    if (trouble == NULL)
        return false;
    return trouble->not_before_ms > c->now_ms ||
           (is_suspect(trouble) && (c->lease->count > 0 || suspect_is_out(c->queue)));
}

/* Returns STATUS_CORRUPT where the entry is no content of a URL. */
static enum status read_content(struct choosing *c, uint64_t sequence, const char *text,
                                struct url *ret_url, Log__Content **ret_content, struct error *err)
{
    Log__Entry *entry;
    enum status status = log_get(c->views->log, sequence, c->arena, &entry, err);
    if (status != STATUS_OK)
        return status;
    if (entry->kind_case != LOG__ENTRY__KIND_CONTENT ||
        url_parse(text, strlen(text), NULL, c->arena, ret_url, err) != STATUS_OK)
        return error_set(err, STATUS_CORRUPT, "it is not the content of a URL");
    *ret_content = entry->content;
    return STATUS_OK;
}

static bool choose(void *context, uint64_t sequence, const char *text)
{
    struct choosing *c = context;
    Log__Content *content = NULL;
    struct url url;
    struct error err = {0};
    struct parse_trouble *trouble = find_trouble(c->queue, sequence);
    const char *hopeless = why_hopeless(trouble);
    if (is_out(c->queue, sequence))
        return true;
    if (hopeless != NULL)
        return add_hopeless(c, sequence, hopeless);
    if (must_wait(c, trouble))
        return true;
    enum status status = read_content(c, sequence, text, &url, &content, &err);
    if (status == STATUS_NO_MEMORY) {
        c->status = error_set(c->err, status, "%s", err.text);
        return false;
    }
    if (status != STATUS_OK)
        return pass_over(c, sequence, status, &err);
    if (trouble != NULL)
        trouble->faults = 0;
    c->lease->suspect = is_suspect(trouble);
    return add_content(c, sequence, &url, content) && !c->lease->suspect &&
           c->lease->count < PARSE_LEASE_URLS && c->bytes < PARSE_LEASE_BYTES;
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
    struct choosing c = {.views = views,
                         .queue = queue,
                         .lease = lease,
                         .reply = reply,
                         .arena = arena,
                         .now_ms = now_ms,
                         .err = err};
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

/* ---- the ends of leases -------------------------------------------------------------------------
 */

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

/* A downloader that stops gives its lease back; so does one that drops what it cannot unpack, again
 * and again. Only the first time it is leased again at once. */
static void note_return(struct parse_queue *queue, uint64_t sequence, int64_t now_ms)
{
    struct parse_trouble *trouble = trouble_of(queue, sequence);
    if (++trouble->returns > 1)
        put_off(queue, trouble, now_ms + PARSE_RETRY_MS);
}

void parse_queue_end(struct parse_queue *queue, uint64_t lease)
{
    struct parse_lease *held = find(queue, lease);
    if (held == NULL)
        return;
    for (unsigned i = 0; i < held->count; i++) {
        if (!held->answered[i])
            note_return(queue, held->sequences[i], clock_boot_ms());
    }
    *held = (struct parse_lease){0};
}

static void lose_lease(struct parse_queue *queue, struct parse_lease *lease)
{
    for (unsigned i = 0; i < lease->count; i++) {
        if (!lease->answered[i])
            trouble_of(queue, lease->sequences[i])->tries++;
    }
    *lease = (struct parse_lease){0};
}

void parse_queue_expire(struct parse_queue *queue, int64_t now_ms)
{
    for (int i = 0; i < PARSE_LEASES_MAX; i++) {
        if (queue->leases[i].lease != 0 && queue->leases[i].until_ms <= now_ms)
            lose_lease(queue, &queue->leases[i]);
    }
    plan_next_look(queue, now_ms);
}
