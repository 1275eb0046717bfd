/*
 * Stored records: any bytes decode to a status; what decodes encodes to a record that decodes to
 * the same. Half of the inputs get a right checksum, so that the message behind it is reached.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "cluster/log_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repair_checksum(uint8_t *record, size_t size, uint64_t sequence)
{
    uint8_t lead[9] = {LOG_RECORD_VERSION};
    put_be64(lead + 1, sequence);
    uint32_t crc = crc32c(crc32c(0, lead, sizeof(lead)), record + LOG_RECORD_HEADER_BYTES,
                          size - LOG_RECORD_HEADER_BYTES);
    record[0] = LOG_RECORD_VERSION;
    put_le32(record + 1, crc);
}

static void forget_unknown(ProtobufCMessage *message);

static void forget_unknown_in(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
    const char *member = (const char *)message + field->offset;
    const char *quantifier = (const char *)message + field->quantifier_offset;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)quantifier;
        ProtobufCMessage **list = *(ProtobufCMessage ***)(uintptr_t)member;
        for (size_t i = 0; i < count; i++)
            forget_unknown(list[i]);
        return;
    }
    bool chosen = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
                  *(const uint32_t *)(const void *)quantifier == field->id;
    ProtobufCMessage *one = chosen ? *(ProtobufCMessage **)(uintptr_t)member : NULL;
    if (one != NULL)
        forget_unknown(one);
}

/* protobuf-c keeps fields that it does not know, and writes some of them so that it cannot read
 * them again (a field of number 0). */
static void forget_unknown(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        forget_unknown_in(&message->descriptor->fields[i], message);
}

static void round_trip(uint64_t sequence, Log__Entry *entry, struct arena *arena)
{
    forget_unknown(&entry->base);
    struct buffer first = {0}, second = {0};
    Log__Entry *again = NULL;
    if (log_record_encode(sequence, entry, &first, NULL) == STATUS_OK) {
        CHECK(log_record_decode(sequence, first.data, first.size, arena, &again, NULL) ==
              STATUS_OK);
        CHECK(log_record_encode(sequence, again, &second, NULL) == STATUS_OK);
        CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    }
    buffer_release(&first);
    buffer_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    bool repair = data[0] & 1;
    uint64_t sequence = data[0];
    size_t record_size = size - 1;
    uint8_t *record = malloc(record_size + 1);
    struct arena arena;
    Log__Entry *entry = NULL;
    memcpy(record, data + 1, record_size);
    arena_init(&arena, 256 * 1024 * 1024);
    if (repair && record_size >= LOG_RECORD_HEADER_BYTES)
        repair_checksum(record, record_size, sequence);
    if (log_record_decode(sequence, record, record_size, &arena, &entry, NULL) == STATUS_OK)
        round_trip(sequence, entry, &arena);
    arena_release(&arena);
    free(record);
    return 0;
}
