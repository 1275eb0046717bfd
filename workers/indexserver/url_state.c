#include "indexserver/url_state.h"

#include "base/bytes.h"

#define MS_MAX ((int64_t)24 * 3600 * 1000)

enum {
    RETRY_FIRST_MS = 10 * 1000,      /* then four times as long each time */
    GONE_AGAIN_MS = 6 * 3600 * 1000, /* a first 404 is looked at again */
    RETRY_LATER_MS = 30 * 1000,      /* 429 or 503 that names no time */
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

static int64_t recrawl_at(const struct revisit *revisit)
{
    uint32_t seconds = revisit->recrawl_s == 0 ? RECRAWL_DEFAULT_S : revisit->recrawl_s;
    return revisit->time_us / 1000 + spread_out((int64_t)seconds * 1000, revisit->spread);
}

static void note_fetch(struct url_state *state, const struct revisit *revisit, unsigned status,
                       int32_t fetch_ms)
{
    state->fetched_us = revisit->time_us;
    state->status = (uint16_t)status;
    state->fetch_ms = fetch_ms < 0 ? 0 : (uint32_t)fetch_ms;
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
    state->due_ms = recrawl_at(revisit);
}

/* 4xx that speak of the page and not of the moment. */
static bool says_gone(const Log__Outcome *outcome)
{
    unsigned status = hops_status(outcome->hops, outcome->n_hops);
    return outcome->reason == LOG__REASON__REASON_HTTP_ERROR && status >= 400 && status < 500 &&
           status != 408 && status != 425 && status != 429;
}

bool url_state_outcome_removes(const struct url_state *state, const Log__Outcome *outcome)
{
    if (state->content == 0)
        return false;
    switch (outcome->reason) {
    case LOG__REASON__REASON_REDIRECT:
    case LOG__REASON__REASON_UNSUPPORTED_TYPE:
    case LOG__REASON__REASON_ROBOTS_DENIED:
        return true;
    case LOG__REASON__REASON_HTTP_ERROR:
        return says_gone(outcome) &&
               (hops_status(outcome->hops, outcome->n_hops) == 410 || state->first_gone_us != 0);
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
        state->due_ms = recrawl_at(revisit);
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

static void take_gone(struct url_state *state, const struct revisit *revisit)
{
    if (state->first_gone_us == 0)
        state->first_gone_us = revisit->time_us;
    if (state->content != 0) {
        state->kind = URL_HELD; /* until it says so again */
        state->due_ms = revisit->time_us / 1000 + spread_out(GONE_AGAIN_MS, revisit->spread);
    } else {
        state->kind = URL_GONE;
        state->due_ms = recrawl_at(revisit);
    }
}

static void settle(struct url_state *state, enum url_kind kind, const struct revisit *revisit)
{
    state->kind = (uint8_t)kind;
    state->failures = 0;
    state->first_gone_us = 0;
    state->due_ms = recrawl_at(revisit);
}

void url_state_take_outcome(struct url_state *state, const Log__Outcome *outcome,
                            const struct revisit *revisit)
{
    if (url_state_outcome_removes(state, outcome))
        state->content = 0;
    if (state->content == 0)
        state->bytes = 0;
    state->outcome = revisit->sequence;
    state->reason = (uint8_t)outcome->reason;
    note_fetch(state, revisit, hops_status(outcome->hops, outcome->n_hops), outcome->fetch_ms);
    switch (outcome->reason) {
    case LOG__REASON__REASON_NOT_MODIFIED:
        settle(state, state->content != 0 ? URL_HELD : URL_FAILED, revisit);
        break;
    case LOG__REASON__REASON_REDIRECT:
        settle(state, URL_REDIRECT, revisit);
        break;
    case LOG__REASON__REASON_HTTP_ERROR:
        if (says_gone(outcome))
            take_gone(state, revisit);
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
        settle(state, state->content != 0 ? URL_HELD : URL_REFUSED, revisit);
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
