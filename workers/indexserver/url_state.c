#include "indexserver/url_state.h"

#include <string.h>

#include "base/bytes.h"

#define MS_MAX ((int64_t)24 * 3600 * 1000)

enum {
    RETRY_FIRST_MS = 10 * 1000, /* then four times as long each time */
    RETRY_LATER_MS = 30 * 1000, /* 429 or 503 that names no time */
    RECRAWL_DEFAULT_S = 7 * 24 * 3600,
};

/* ---- bytes ------------------------------------------------------------------------------- */

struct writer {
    uint8_t *at;
};

static void put_number(struct writer *w, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *w->at++ = (uint8_t)(value >> (8 * i));
}

static uint64_t get_number(const uint8_t **at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t) * (*at)++ << (8 * i);
    return value;
}

void url_state_encode(const struct url_state *state, uint8_t ret[URL_RECORD_BYTES])
{
    struct writer w = {ret};
    put_number(&w, state->content, 8);
    put_number(&w, state->outcome, 8);
    put_number(&w, state->found_at, 8);
    put_number(&w, state->found_index, 4);
    put_number(&w, state->source, 4);
    put_number(&w, (uint64_t)state->due_ms, 8);
    put_number(&w, (uint64_t)state->fetched_us, 8);
    put_number(&w, (uint64_t)state->first_gone_us, 8);
    put_number(&w, state->bytes, 4);
    put_number(&w, state->fetch_ms, 4);
    put_number(&w, state->status, 2);
    put_number(&w, state->depth, 2);
    put_number(&w, state->kind, 1);
    put_number(&w, state->reason, 1);
    put_number(&w, state->redirects, 1);
    put_number(&w, state->failures, 1);
    put_number(&w, state->origin, 1);
    put_number(&w, state->private_address, 1);
    put_number(&w, state->interval_s, 4);
    put_number(&w, state->unavailable_s, 4);
    put_number(&w, state->flags, 2);
    while (w.at < ret + URL_RECORD_BYTES)
        *w.at++ = 0; /* room for what a later version adds */
}

bool url_state_decode(const void *bytes, size_t size, struct url_state *ret_state)
{
    const uint8_t *at = bytes;
    if (size != URL_RECORD_BYTES)
        return false;
    ret_state->content = get_number(&at, 8);
    ret_state->outcome = get_number(&at, 8);
    ret_state->found_at = get_number(&at, 8);
    ret_state->found_index = (uint32_t)get_number(&at, 4);
    ret_state->source = (uint32_t)get_number(&at, 4);
    ret_state->due_ms = (int64_t)get_number(&at, 8);
    ret_state->fetched_us = (int64_t)get_number(&at, 8);
    ret_state->first_gone_us = (int64_t)get_number(&at, 8);
    ret_state->bytes = (uint32_t)get_number(&at, 4);
    ret_state->fetch_ms = (uint32_t)get_number(&at, 4);
    ret_state->status = (uint16_t)get_number(&at, 2);
    ret_state->depth = (uint16_t)get_number(&at, 2);
    ret_state->kind = (uint8_t)get_number(&at, 1);
    ret_state->reason = (uint8_t)get_number(&at, 1);
    ret_state->redirects = (uint8_t)get_number(&at, 1);
    ret_state->failures = (uint8_t)get_number(&at, 1);
    ret_state->origin = (uint8_t)get_number(&at, 1);
    ret_state->private_address = get_number(&at, 1) != 0;
    ret_state->interval_s = (uint32_t)get_number(&at, 4);
    ret_state->unavailable_s = (uint32_t)get_number(&at, 4);
    ret_state->flags = (uint16_t)get_number(&at, 2);
    return ret_state->kind != URL_UNKNOWN && ret_state->kind <= URL_REMOVED;
}

/* ---- what a fetch changes -------------------------------------------------------------------- */

bool url_state_is_queued(const struct url_state *state)
{
    return state->kind == URL_QUEUED ||
           (state->due_ms < URL_DUE_FIRST_TIME && state->kind != URL_REMOVED);
}

unsigned hops_status(Log__Hop *const *hops, size_t count)
{
    return count == 0 || hops[count - 1]->status > 999 ? 0 : hops[count - 1]->status;
}

/* `length` and up to a tenth more or less. */
static int64_t spread_out(int64_t length, uint64_t spread)
{
    return length - length / 10 + (int64_t)(spread % 1024) * (length / 5) / 1024;
}

/* Earlier where the page says that it is not to be shown from then on. */
static void leave_alone(struct url_state *state, const struct revisit *revisit)
{
    uint32_t seconds = revisit->recrawl_s == 0 ? RECRAWL_DEFAULT_S : revisit->recrawl_s;
    int64_t unavailable_ms = (int64_t)state->unavailable_s * 1000;
    int64_t now_ms = revisit->time_us / 1000;
    state->due_ms = now_ms + spread_out((int64_t)seconds * 1000, revisit->spread);
    if (state->content != 0 && unavailable_ms > now_ms && unavailable_ms < state->due_ms)
        state->due_ms = unavailable_ms;
}

static void note_fetch(struct url_state *state, const struct revisit *revisit, unsigned status,
                       int32_t fetch_ms)
{
    state->fetched_us = revisit->time_us;
    state->status = (uint16_t)status;
    state->fetch_ms = fetch_ms < 0 ? 0 : (uint32_t)fetch_ms;
}

static void settle(struct url_state *state, enum url_kind kind, const struct revisit *revisit)
{
    state->kind = (uint8_t)(state->content != 0 ? URL_HELD : kind);
    state->failures = 0;
    state->first_gone_us = 0;
    state->interval_s = revisit->recrawl_s;
    leave_alone(state, revisit);
}

void url_state_take_content(struct url_state *state, const Log__Content *content,
                            const struct revisit *revisit)
{
    note_fetch(state, revisit, hops_status(content->hops, content->n_hops), content->fetch_ms);
    state->content = revisit->sequence;
    state->bytes = content->body_size;
    state->private_address = content->private_address || content->with_credentials;
    state->kind = URL_HELD;
    state->reason = 0;
    state->failures = 0;
    state->first_gone_us = 0;
    state->interval_s = revisit->recrawl_s;
    state->unavailable_s = 0;
    leave_alone(state, revisit);
}

static bool is_past(int64_t time_us, int64_t now_us)
{
    return time_us != 0 && time_us <= now_us;
}

bool url_state_is_document(const struct url_state *state, const char *url, const Page__Page *page,
                           int64_t time_us)
{
    bool leads_away = page->refresh[0] != '\0' && strcmp(page->refresh, url) != 0;
    return !page->noindex && page->problem == PAGE__PROBLEM__PROBLEM_NONE && !leads_away &&
           page->kind == PAGE__PAGE_KIND__PAGE_DOCUMENT && (state->flags & URL_LISTING) == 0 &&
           !is_past(page->unavailable_after_us, time_us);
}

static void set_flag(struct url_state *state, enum url_flag flag, bool on)
{
    state->flags = (uint16_t)(on ? state->flags | flag : state->flags & ~flag);
}

void url_state_take_page(struct url_state *state, const char *url, const Page__Page *page)
{
    int64_t unavailable_s = page->unavailable_after_us / 1000000;
    if (page->kind != PAGE__PAGE_KIND__PAGE_DOCUMENT)
        set_flag(state, URL_LISTING, true);
    set_flag(state, URL_DOCUMENT, url_state_is_document(state, url, page, state->fetched_us));
    if (unavailable_s <= 0 || unavailable_s > UINT32_MAX)
        return;
    state->unavailable_s = (uint32_t)unavailable_s;
    if (unavailable_s * 1000000 > state->fetched_us && unavailable_s * 1000 < state->due_ms)
        state->due_ms = unavailable_s * 1000;
}

bool outcome_is_permanent_redirect(const Log__Outcome *outcome)
{
    unsigned status = hops_status(outcome->hops, outcome->n_hops);
    return outcome->reason == LOG__REASON__REASON_REDIRECT && (status == 301 || status == 308);
}

bool outcome_says_gone(const Log__Outcome *outcome)
{
    unsigned status = hops_status(outcome->hops, outcome->n_hops);
    return outcome->reason == LOG__REASON__REASON_HTTP_ERROR && status >= 400 && status < 500 &&
           status != 408 && status != 425 && status != 429;
}

/* A second answer that it is not there, long enough after the first. */
static bool is_gone_for_good(const struct url_state *state, int64_t time_us)
{
    return state->first_gone_us != 0 && state->first_gone_us <= time_us - GONE_APART_US;
}

bool url_state_outcome_removes(const struct url_state *state, const Log__Outcome *outcome,
                               int64_t time_us)
{
    if (state->content == 0)
        return false;
    switch (outcome->reason) {
    case LOG__REASON__REASON_REDIRECT:
    case LOG__REASON__REASON_UNSUPPORTED_TYPE:
    case LOG__REASON__REASON_ROBOTS_DENIED:
        return true;
    case LOG__REASON__REASON_HTTP_ERROR:
        return outcome_says_gone(outcome) && (hops_status(outcome->hops, outcome->n_hops) == 410 ||
                                              is_gone_for_good(state, time_us));
    default:
        return false;
    }
}

static void fail_for_now(struct url_state *state, const struct revisit *revisit)
{
    if (state->failures < UINT8_MAX)
        state->failures++;
    if (state->failures % URL_FAILURES_MAX == 0) {
        state->kind = state->content != 0 ? URL_HELD : URL_FAILED;
        leave_alone(state, revisit);
        return;
    }
    int64_t wait = (int64_t)RETRY_FIRST_MS << (2 * (state->failures % URL_FAILURES_MAX - 1));
    state->kind = state->content != 0 ? URL_HELD : URL_QUEUED;
    state->due_ms = revisit->time_us / 1000 + spread_out(wait, revisit->spread);
}

/* The host is blocked by then: the URL itself only keeps its place. */
static void retry_later(struct url_state *state, const Log__Outcome *outcome,
                        const struct revisit *revisit)
{
    int64_t wait =
        outcome->retry_after_s == 0 ? RETRY_LATER_MS : (int64_t)outcome->retry_after_s * 1000;
    state->kind = state->content != 0 ? URL_HELD : URL_QUEUED;
    state->due_ms = revisit->time_us / 1000 + (wait > MS_MAX ? MS_MAX : wait);
}

/* Looked at again when a second such answer would take it away. */
static void take_gone(struct url_state *state, const Log__Outcome *outcome,
                      const struct revisit *revisit)
{
    int64_t since_us = state->first_gone_us;
    if (since_us == 0)
        since_us = outcome->gone_since_us != 0 ? outcome->gone_since_us : revisit->time_us;
    settle(state, URL_GONE, revisit);
    state->first_gone_us = since_us;
    if (state->content != 0 && !is_gone_for_good(state, revisit->time_us)) {
        int64_t apart_ms = GONE_APART_US / 1000;
        state->due_ms =
            since_us / 1000 + apart_ms + (int64_t)(revisit->spread % 1024) * (apart_ms / 10) / 1024;
    }
}

void url_state_remove(struct url_state *state, bool by_owner)
{
    state->content = 0;
    state->bytes = 0;
    state->flags &= (uint16_t) ~(URL_DOCUMENT | URL_KEPT);
    if (by_owner) {
        state->kind = URL_REMOVED;
        state->due_ms = URL_DUE_NEVER;
    } else if (state->kind == URL_HELD) {
        state->kind = state->reason == LOG__REASON__REASON_REDIRECT     ? URL_REDIRECT
                      : state->reason == LOG__REASON__REASON_HTTP_ERROR ? URL_GONE
                                                                        : URL_REFUSED;
    }
}

void url_state_take_outcome(struct url_state *state, const Log__Outcome *outcome,
                            const struct revisit *revisit)
{
    state->outcome = revisit->sequence;
    state->reason = (uint8_t)outcome->reason;
    note_fetch(state, revisit, hops_status(outcome->hops, outcome->n_hops), outcome->fetch_ms);
    switch (outcome->reason) {
    case LOG__REASON__REASON_NOT_MODIFIED:
        settle(state, URL_FAILED, revisit);
        break;
    case LOG__REASON__REASON_REDIRECT:
        settle(state, URL_REDIRECT, revisit);
        break;
    case LOG__REASON__REASON_HTTP_ERROR:
        if (outcome_says_gone(outcome))
            take_gone(state, outcome, revisit);
        else
            fail_for_now(state, revisit);
        break;
    case LOG__REASON__REASON_RETRY_LATER:
        retry_later(state, outcome, revisit);
        break;
    case LOG__REASON__REASON_LOGIN:
        if (outcome->retry_after_s != 0)
            retry_later(state, outcome, revisit);
        else
            fail_for_now(state, revisit);
        break;
    case LOG__REASON__REASON_TIMEOUT:
    case LOG__REASON__REASON_CONNECT:
    case LOG__REASON__REASON_TLS:
    case LOG__REASON__REASON_BAD_RESPONSE:
    case LOG__REASON__REASON_ROBOTS_UNREACHABLE:
        fail_for_now(state, revisit);
        break;
    default: /* a rule refuses it: addresses, robots.txt, types, sizes */
        settle(state, URL_REFUSED, revisit);
        break;
    }
}

int64_t host_back_off_ms(unsigned failures, uint64_t spread)
{
    enum { FIRST_MS = 2000, DOUBLINGS_MAX = 11 };
    unsigned doublings = failures == 0 ? 0 : failures - 1;
    if (doublings > DOUBLINGS_MAX)
        doublings = DOUBLINGS_MAX; /* a little over an hour */
    return spread_out((int64_t)FIRST_MS << doublings, spread + failures * 0x9e3779b97f4a7c15u);
}
