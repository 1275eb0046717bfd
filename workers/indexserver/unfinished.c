#include "indexserver/unfinished.h"

#include <string.h>

#include "indexserver/scope.h"

/* In COLUMN_META: "rest", u8 view, u8 scope, value -> nothing. */
#define KEY_REST "rest"
enum { SCOPE_AT = 5, VALUE_AT = 6 };

static void rest_key(struct buffer *ret, unsigned view)
{
    buffer_clear(ret);
    buffer_append_string(ret, KEY_REST);
    buffer_append_byte(ret, (uint8_t)view);
}

void unfinished_note(struct change *change, const Log__Entry *entry, enum view view)
{
    struct buffer key = {0};
    if (entry->kind_case != LOG__ENTRY__KIND_REMOVE ||
        entry->remove->scope == LOG__REMOVE_SCOPE__REMOVE_PAGE)
        return;
    rest_key(&key, view);
    buffer_append_byte(&key, (uint8_t)entry->remove->scope);
    buffer_append_string(&key, entry->remove->value);
    if (change->more)
        change_put(change, COLUMN_META, key.data, key.size, "", 0);
    else
        change_delete(change, COLUMN_META, key.data, key.size);
    buffer_release(&key);
}

void unfinished_drop(struct views *views, struct kv_batch *batch, enum view view)
{
    struct buffer first = {0}, end = {0};
    rest_key(&first, view);
    rest_key(&end, view + 1u);
    kv_delete_range(batch, views->kv, COLUMN_META, kv_slice(first.data, first.size),
                    kv_slice(end.data, end.size));
    buffer_release(&first);
    buffer_release(&end);
}

/* False: the owner submitted a URL of it meanwhile, and the rule fell. */
static bool is_wanted(struct views *views, const Log__Remove *remove, struct arena *arena)
{
    struct url url;
    const char *text = remove->scope == LOG__REMOVE_SCOPE__REMOVE_SITE
                           ? arena_format(arena, "http://%s/", remove->value)
                           : remove->value;
    return text != NULL && url_parse(text, strlen(text), NULL, arena, &url, NULL) == STATUS_OK &&
           scope_removed_by(views->scope, &url, arena) != NULL;
}

static Log__Remove *decode(struct kv_slice key, struct arena *arena)
{
    const char *at = key.data;
    Log__Remove *remove = arena_alloc(arena, sizeof(*remove));
    if (remove == NULL)
        return NULL;
    log__remove__init(remove);
    remove->scope = (Log__RemoveScope)at[SCOPE_AT];
    remove->by = LOG__REMOVE_BY__REMOVED_BY_OWNER;
    remove->value = arena_string_of(arena, at + VALUE_AT, key.size - VALUE_AT);
    return remove->value == NULL ? NULL : remove;
}

enum status unfinished_find(struct views *views, struct arena *arena, Log__Remove **ret_remove,
                            struct error *err)
{
    size_t size = strlen(KEY_REST);
    enum status status = STATUS_OK;
    *ret_remove = NULL;
    pthread_mutex_lock(&views->lock);
    struct kv_iterator *it = kv_iterator_open(views->kv, COLUMN_META);
    bool more = kv_iterator_seek(it, kv_slice(KEY_REST, size));
    for (; more && status == STATUS_OK && *ret_remove == NULL; more = kv_iterator_next(it)) {
        struct kv_slice key = kv_iterator_key(it);
        if (key.size <= VALUE_AT || memcmp(key.data, KEY_REST, size) != 0)
            break;
        Log__Remove *remove = decode(key, arena);
        if (remove == NULL)
            status = error_set(err, STATUS_NO_MEMORY, "no memory");
        else if (is_wanted(views, remove, arena))
            *ret_remove = remove;
    }
    if (status == STATUS_OK)
        status = kv_iterator_status(it, err);
    kv_iterator_close(it);
    pthread_mutex_unlock(&views->lock);
    return status;
}
