#include "page/listing.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "page/feed.h"
#include "page/sitemap.h"
#include "page/xml.h"

static bool holds(const char *text, size_t size, const char *part)
{
    return memmem(text, size, part, strlen(part)) != NULL;
}

/* RSS 0.90 and 1.0 are told from other RDF by their namespaces. */
static bool is_rss_in_rdf(const char *tag, size_t size)
{
    return holds(tag, size, "purl.org/rss/1.0") || holds(tag, size, "netscape.com/rdf/simple");
}

static enum listing listing_of_root(const char *tag, size_t size)
{
    static const struct {
        const char *name;
        enum listing listing;
    } roots[] = {{"urlset", LISTING_SITEMAP},
                 {"sitemapindex", LISTING_SITEMAP_INDEX},
                 {"rss", LISTING_FEED},
                 {"feed", LISTING_FEED},
                 {"RDF", LISTING_FEED}};
    const char *end = memchr(tag, '>', size < XML_TAG_BYTES_MAX ? size : XML_TAG_BYTES_MAX);
    if (end == NULL)
        return LISTING_NONE;
    const char *name = tag + 1;
    size_t name_size = 0;
    while (name + name_size < end && strchr(" \t\r\n\f/", name[name_size]) == NULL)
        name_size++;
    const char *colon = memchr(name, ':', name_size);
    if (colon != NULL) {
        name_size -= (size_t)(colon + 1 - name);
        name = colon + 1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(roots); i++) {
        if (name_size != strlen(roots[i].name) || strncasecmp(name, roots[i].name, name_size) != 0)
            continue;
        bool rdf = strcmp(roots[i].name, "RDF") == 0;
        return rdf && !is_rss_in_rdf(tag, (size_t)(end - tag)) ? LISTING_NONE : roots[i].listing;
    }
    return LISTING_NONE;
}

static bool is_json_feed(const char *text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", *text) != NULL) {
        text++;
        size--;
    }
    return size > 0 && *text == '{' && holds(text, size, "jsonfeed.org/version/");
}

enum listing listing_find(const char *text, size_t size, const struct url *url)
{
    size_t root = xml_find_root(text, size);
    if (root < size)
        return listing_of_root(text + root, size - root);
    if (is_json_feed(text, size))
        return LISTING_FEED_JSON;
    const char *name = strrchr(url->path, '/');
    return sitemap_is_text(text, size, strcasestr(name, "sitemap") != NULL) ? LISTING_SITEMAP_TEXT
                                                                            : LISTING_NONE;
}

enum status listing_read(enum listing listing, const char *text, size_t size, struct hints *hints,
                         struct error *err)
{
    switch (listing) {
    case LISTING_SITEMAP:
    case LISTING_SITEMAP_INDEX:
        return sitemap_read_xml(text, size, hints, err);
    case LISTING_SITEMAP_TEXT:
        return sitemap_read_text(text, size, hints, err);
    case LISTING_FEED:
        return feed_read_xml(text, size, hints, err);
    case LISTING_FEED_JSON:
        return feed_read_json(text, size, hints, err);
    case LISTING_NONE:
        break;
    }
    return error_set(err, STATUS_INVALID, "neither a sitemap nor a feed");
}
