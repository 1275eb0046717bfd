/*
 * What the frontier stores of a URL, and header blocks as they were received: any bytes are read or
 * refused; a state that was read is written to bytes that read the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "indexserver/headers.h"
#include "indexserver/url_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_state(const uint8_t *data, size_t size)
{
    struct url_state state, again;
    uint8_t first[URL_RECORD_BYTES], second[URL_RECORD_BYTES];
    if (!url_state_decode(data, size, &state))
        return;
    url_state_encode(&state, first);
    CHECK(url_state_decode(first, sizeof(first), &again));
    url_state_encode(&again, second);
    CHECK(memcmp(first, second, sizeof(first)) == 0);
}

/* Whatever happens to a URL, its state stays one that can be stored, and it is due some day. */
static void age_state(const uint8_t *data, size_t size)
{
    struct url_state state;
    Log__Outcome outcome = LOG__OUTCOME__INIT;
    Log__Hop hop = LOG__HOP__INIT;
    Log__Hop *hops[] = {&hop};
    if (size < URL_RECORD_BYTES + 4 || !url_state_decode(data, URL_RECORD_BYTES, &state))
        return;
    data += URL_RECORD_BYTES;
    outcome.reason = (Log__Reason)(data[0] % 20);
    hop.status = data[1] * 4u;
    outcome.hops = hops;
    outcome.n_hops = data[2] % 2;
    outcome.retry_after_s = data[3] * 16777216u;
    struct revisit revisit = {
        .time_us = 1763823748000000, .sequence = 9, .spread = data[3], .recrawl_s = 604800};
    bool removes = url_state_outcome_removes(&state, &outcome, revisit.time_us);
    uint64_t content = state.content;
    url_state_take_outcome(&state, &outcome, &revisit);
    CHECK(state.content == content); /* a REMOVE follows where it goes */
    if (removes)
        url_state_remove(&state, false);
    CHECK(state.content == (removes ? 0 : content));
    CHECK(state.kind >= URL_QUEUED && state.kind < URL_REMOVED);
    /* A row of 404s that began in the past goes on from there. */
    CHECK(state.first_gone_us != 0 ||
          (state.due_ms > revisit.time_us / 1000 &&
           state.due_ms < revisit.time_us / 1000 + (int64_t)400 * 24 * 3600 * 1000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    uint8_t *exact = malloc(size + 1);
    memcpy(exact, data, size);
    ProtobufCBinaryData block = {.len = size, .data = exact};
    read_state(exact, size);
    age_state(exact, size);
    CHECK(strlen(header_value(&block, "etag", &arena)) <= size);
    arena_release(&arena);
    free(exact);
    return 0;
}
