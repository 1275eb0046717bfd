/* The bytes of a manifest without its checksum, which is made right: what is read is written the
 * same again. The same bytes as deletions and as a link. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/edges.h"
#include "index/manifest.h"
#include "index/storage_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_manifest(const struct buffer *bytes)
{
    struct manifest manifest;
    struct manifest again;
    if (manifest_decode(bytes->data, bytes->size, &manifest, NULL) != STATUS_OK)
        return;
    struct buffer encoded = {0};
    manifest_encode(&manifest, &encoded);
    CHECK(manifest_decode(encoded.data, encoded.size, &again, NULL) == STATUS_OK);
    CHECK(again.position == manifest.position && again.next_id == manifest.next_id &&
          again.segment_count == manifest.segment_count &&
          again.garbage_count == manifest.garbage_count);
    manifest_release(&again);
    manifest_release(&manifest);
    buffer_release(&encoded);
}

static void read_scopes(const struct buffer *bytes)
{
    struct visibility *shown;
    bool is_whole;
    if (scopes_decode(bytes->data, bytes->size, &shown, &is_whole, NULL) != STATUS_OK)
        return;
    struct buffer encoded = {0};
    struct buffer again = {0};
    struct visibility *other;
    scopes_encode(shown, is_whole, &encoded);
    CHECK(scopes_decode(encoded.data, encoded.size, &other, &is_whole, NULL) == STATUS_OK);
    scopes_encode(other, is_whole, &again);
    CHECK(encoded.size == again.size && memcmp(encoded.data, again.data, again.size) == 0);
    visibility_release(shown);
    visibility_release(other);
    buffer_release(&encoded);
    buffer_release(&again);
}

static void read_deletions(const struct buffer *bytes)
{
    struct deletions *deletions;
    for (uint32_t count = 0; count < 200; count += 7) {
        if (deletions_decode(bytes->data, bytes->size, count, &deletions, NULL) != STATUS_OK)
            continue;
        CHECK(deletions->deleted <= count);
        deletions_release(deletions);
    }
}

static enum status visit(void *context, const struct stored_edge *edge)
{
    (void)context;
    CHECK(edge->source.size + edge->anchor.size < STORAGE_VALUE_MAX);
    return STATUS_OK;
}

static void read_edge(const uint8_t *data, size_t size)
{
    struct storage_memory *memory = check_alloc(storage_memory_new());
    struct storage storage = storage_memory_storage(memory);
    static const uint8_t edge_key[17] = {KEY_EDGE};
    static const uint8_t count_key[9] = {KEY_INLINKS};
    struct storage_operation operations[] = {
        {STORAGE_PUT, {edge_key, sizeof(edge_key)}, {data, size}},
        {STORAGE_PUT, {count_key, sizeof(count_key)}, {data, size}},
    };
    struct inlinks inlinks;
    struct buffer text = {0};
    CHECK(storage.ops->write(storage.self, operations, 2, false, NULL) == STATUS_OK);
    edges_visit(storage, 0, visit, NULL, NULL);
    edges_count(storage, 0, &inlinks, NULL);
    edges_anchors(storage, 0, NULL, true, &text, NULL);
    buffer_release(&text);
    storage_memory_free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536)
        return 0;
    struct buffer bytes = {0};
    uint8_t crc[4];
    buffer_append(&bytes, data, size);
    put_le32(crc, crc32c(0, size > 0 ? data : (const uint8_t *)"", size));
    buffer_append(&bytes, crc, sizeof(crc));
    read_manifest(&bytes);
    read_deletions(&bytes);
    read_scopes(&bytes);
    read_edge(data, size);
    buffer_release(&bytes);
    return 0;
}
