#include "indexserver/removal.h"

#include <string.h>

/* `start` is how the URLs begin; of a site, a '/' or a ':' must follow (`site_bytes` is where). */
struct range {
    struct buffer start;
    bool is_site;
    bool is_page;
};

static bool in_range(const struct range *range, struct kv_slice key)
{
    return key.size >= range->start.size &&
           memcmp(key.data, range->start.data, range->start.size) == 0;
}

static bool is_covered(const struct range *range, const struct kv_slice key)
{
    const char *text = key.data;
    if (range->is_page)
        return key.size == range->start.size;
    if (!range->is_site)
        return true;
    char behind = key.size > range->start.size ? text[range->start.size] : '\0';
    return behind == '/' || behind == ':';
}

static enum status visit_range(struct views *views, enum column column, const struct range *range,
                               removal_visitor *visit, void *context, bool *more, struct error *err)
{
    struct kv_iterator *it = kv_iterator_open(views->kv, column);
    struct buffer url = {0};
    bool valid = kv_iterator_seek(it, kv_slice(range->start.data, range->start.size));
    while (valid && *more && in_range(range, kv_iterator_key(it))) {
        struct kv_slice key = kv_iterator_key(it);
        if (is_covered(range, key)) {
            buffer_clear(&url);
            buffer_append(&url, key.data, key.size);
            *more = visit(context, buffer_string(&url), kv_iterator_value(it));
        }
        valid = kv_iterator_next(it);
    }
    enum status status = kv_iterator_status(it, err);
    buffer_release(&url);
    kv_iterator_close(it);
    return status;
}

enum status removal_visit(struct views *views, enum column column, const Log__Remove *remove,
                          removal_visitor *visit, void *context, struct error *err)
{
    static const char *const schemes[] = {"http://", "https://"};
    bool is_site = remove->scope == LOG__REMOVE_SCOPE__REMOVE_SITE;
    bool more = remove->value[0] != '\0';
    enum status status = STATUS_OK;
    for (int i = 0; i < (is_site ? 2 : 1) && more && status == STATUS_OK; i++) {
        struct range range = {.is_site = is_site,
                              .is_page = remove->scope == LOG__REMOVE_SCOPE__REMOVE_PAGE};
        if (is_site)
            buffer_append_string(&range.start, schemes[i]);
        buffer_append_string(&range.start, remove->value);
        status = visit_range(views, column, &range, visit, context, &more, err);
        buffer_release(&range.start);
    }
    return status;
}
