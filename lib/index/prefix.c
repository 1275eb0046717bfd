#include "index/prefix.h"

static bool is_inside(struct prefix_cursor *cursor)
{
    const struct dictionary_cursor *keys = &cursor->keys;
    if (keys->key_size == 0 || !prefix_has(cursor->prefix, keys->key, keys->key_size))
        return false;
    cursor->is_cut = cursor->seen++ == PREFIX_TERMS_MAX;
    return !cursor->is_cut;
}

bool prefix_cursor_open(struct prefix_cursor *cursor, const struct segment *segment,
                        const struct query_term *prefix)
{
    cursor->prefix = prefix;
    cursor->seen = 0;
    cursor->is_cut = false;
    dictionary_cursor_seek(&cursor->keys, segment, prefix->bytes + 1, prefix->size - 1);
    return is_inside(cursor);
}

bool prefix_cursor_next(struct prefix_cursor *cursor)
{
    dictionary_cursor_next(&cursor->keys);
    return is_inside(cursor);
}

enum status prefix_documents(const struct segment *segment, const struct query_term *prefix,
                             uint64_t *ret_documents)
{
    struct prefix_cursor cursor;
    uint64_t documents = 0;
    for (bool more = prefix_cursor_open(&cursor, segment, prefix); more;
         more = prefix_cursor_next(&cursor))
        documents += cursor.keys.entry.document_count;
    if (cursor.keys.corrupt)
        return segment_corrupt(segment, NULL);
    *ret_documents = documents;
    return STATUS_OK;
}
