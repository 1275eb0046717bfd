#include "cluster/log_record.h"

#include "base/bytes.h"
#include "rpc/message.h"

/* Over the sequence, too: a record under another's key is no record. */
static uint32_t record_crc(uint64_t sequence, const uint8_t *message, size_t size)
{
    uint8_t lead[9] = {LOG_RECORD_VERSION};
    put_be64(lead + 1, sequence);
    return crc32c(crc32c(0, lead, sizeof(lead)), message, size);
}

enum status log_record_encode(uint64_t sequence, const Log__Entry *entry, struct buffer *ret_bytes,
                              struct error *err)
{
    size_t start = ret_bytes->size;
    size_t size = protobuf_c_message_get_packed_size(&entry->base);
    if (size > LOG_RECORD_BYTES_MAX - LOG_RECORD_HEADER_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "an entry of %zu bytes (at most %d)", size,
                         LOG_RECORD_BYTES_MAX);
    uint8_t header[LOG_RECORD_HEADER_BYTES] = {LOG_RECORD_VERSION};
    buffer_append(ret_bytes, header, sizeof(header));
    enum status status = message_pack(&entry->base, ret_bytes, err);
    if (status != STATUS_OK)
        return status;
    uint8_t *record = ret_bytes->data + start;
    put_le32(record + 1, record_crc(sequence, record + LOG_RECORD_HEADER_BYTES, size));
    return STATUS_OK;
}

enum status log_record_decode(uint64_t sequence, const void *bytes, size_t size,
                              struct arena *arena, Log__Entry **ret_entry, struct error *err)
{
    const uint8_t *record = bytes;
    if (size < LOG_RECORD_HEADER_BYTES)
        return error_set(err, STATUS_CORRUPT, "entry %lu is torn", sequence);
    if (record[0] > LOG_RECORD_VERSION)
        return error_set(err, STATUS_UNSUPPORTED,
                         "entry %lu is of format %u, this program reads up to %d", sequence,
                         record[0], LOG_RECORD_VERSION);
    const uint8_t *message = record + LOG_RECORD_HEADER_BYTES;
    size_t message_size = size - LOG_RECORD_HEADER_BYTES;
    if (record[0] == 0 || get_le32(record + 1) != record_crc(sequence, message, message_size))
        return error_set(err, STATUS_CORRUPT, "entry %lu: wrong checksum", sequence);
    Log__Entry *entry = message_unpack(&log__entry__descriptor, message, message_size, arena);
    if (entry == NULL)
        return error_set(err, STATUS_CORRUPT, "entry %lu: not an entry", sequence);
    *ret_entry = entry;
    return STATUS_OK;
}
