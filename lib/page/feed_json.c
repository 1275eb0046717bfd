#include <jansson.h>
#include <string.h>

#include "page/date.h"
#include "page/feed.h"

static struct text_piece member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return (struct text_piece){"", 0};
    return (struct text_piece){json_string_value(value), json_string_length(value)};
}

static int64_t date_of(const json_t *item)
{
    static const char *const names[] = {"date_modified", "date_published"};
    int64_t time_us = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct text_piece text = member(item, names[i]);
        if (date_parse(text.text, text.size, &time_us))
            return time_us;
    }
    return 0;
}

/* "url" is the item's page, "external_url" what it is about, and an "id" ought to be its page. */
static struct text_piece page_of(const json_t *item)
{
    struct text_piece url = member(item, "url");
    if (url.size == 0)
        url = member(item, "external_url");
    if (url.size > 0)
        return url;
    url = member(item, "id");
    return strncmp(url.text, "http", 4) == 0 ? url : (struct text_piece){"", 0};
}

static enum status read_items(const json_t *feed, struct hints *hints, struct error *err)
{
    const json_t *items = json_object_get(feed, "items");
    struct text_piece version = member(feed, "version");
    if (strstr(version.text, "jsonfeed.org/version/") == NULL || !json_is_array(items))
        return error_set(err, STATUS_INVALID, "no JSON Feed");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (!hints_add(hints, page_of(item), member(item, "title"), date_of(item)))
            break;
    }
    return hints->failed ? error_set(err, STATUS_NO_MEMORY, "feed") : STATUS_OK;
}

enum status feed_read_json(const char *text, size_t size, struct hints *hints, struct error *err)
{
    if (size > FEED_JSON_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "a JSON Feed over %d bytes", FEED_JSON_BYTES_MAX);
    json_t *feed = json_loadb(text, size, 0, NULL);
    enum status status = read_items(feed, hints, err);
    json_decref(feed);
    return status;
}

void feed_load(void)
{
    json_object_seed(0); /* from the system's source of chance, which is a file */
}
