#include "indexserver/history.h"

#include <string.h>

#include "base/bytes.h"

/* u64 time (microseconds), u32 milliseconds, u16 status, u8 reason, u8 zero; the newest first. */
static void encode(const struct past_fetch *fetch, uint8_t *out)
{
    put_le64(out, (uint64_t)fetch->time_us);
    put_le32(out + 8, fetch->fetch_ms);
    out[12] = (uint8_t)fetch->status;
    out[13] = (uint8_t)(fetch->status >> 8);
    out[14] = fetch->reason;
    out[15] = 0;
}

static struct past_fetch decode(const uint8_t *in)
{
    return (struct past_fetch){
        .time_us = (int64_t)get_le64(in),
        .fetch_ms = get_le32(in + 8),
        .status = (uint16_t)(in[12] | in[13] << 8),
        .reason = in[14],
    };
}

struct past_fetch history_of_state(const struct url_state *state)
{
    return (struct past_fetch){state->fetched_us, state->fetch_ms, state->status, state->reason};
}

static size_t read_records(struct views *views, const char *url, struct buffer *ret)
{
    if (views_get(views, COLUMN_HISTORY, url, strlen(url), ret, NULL) != STATUS_OK ||
        ret->size % HISTORY_RECORD_BYTES != 0 || ret->size > HISTORY_MAX * HISTORY_RECORD_BYTES)
        return 0;
    return ret->size;
}

void history_push(struct change *change, const char *url, const struct url_state *before)
{
    uint8_t records[HISTORY_MAX * HISTORY_RECORD_BYTES];
    struct past_fetch fetch = history_of_state(before);
    struct buffer old = {0};
    size_t size = read_records(change->views, url, &old);
    if (size > sizeof(records) - HISTORY_RECORD_BYTES)
        size = sizeof(records) - HISTORY_RECORD_BYTES;
    encode(&fetch, records);
    if (size > 0)
        memcpy(records + HISTORY_RECORD_BYTES, old.data, size);
    change_put(change, COLUMN_HISTORY, url, strlen(url), records, HISTORY_RECORD_BYTES + size);
    buffer_release(&old);
}

void history_forget(struct change *change, const char *url)
{
    change_delete(change, COLUMN_HISTORY, url, strlen(url));
}

unsigned history_read(struct views *views, const char *url, struct past_fetch ret[HISTORY_MAX])
{
    struct buffer records = {0};
    unsigned count = (unsigned)(read_records(views, url, &records) / HISTORY_RECORD_BYTES);
    for (unsigned i = 0; i < count; i++)
        ret[i] = decode(records.data + (size_t)i * HISTORY_RECORD_BYTES);
    buffer_release(&records);
    return count;
}
