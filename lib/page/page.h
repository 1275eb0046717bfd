/*
 * What is in a page: bytes and headers in; title, text, links and what the page asks of crawlers
 * out. Everything is UTF-8, zero-terminated, and lives in the caller's arena.
 */
#ifndef TIERCE_PAGE_PAGE_H
#define TIERCE_PAGE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "crawl/url.h"
#include "page/hints.h"
#include "page/relations.h"

enum {
    PAGE_BODY_BYTES_MAX = 10 * 1024 * 1024,     /* longer bodies are cut there */
    PAGE_UNPACKED_BYTES_MAX = 50 * 1024 * 1024, /* of a packed sitemap: its protocol's limit */
    PAGE_TEXT_BYTES_MAX = 2 * 1024 * 1024,
    PAGE_REST_BYTES_MAX = 64 * 1024,
    PAGE_TITLE_BYTES_MAX = 1024,
    PAGE_DESCRIPTION_BYTES_MAX = 4096,
    PAGE_HEADING_BYTES_MAX = 1024,
    PAGE_HEADINGS_MAX = 200,
    PAGE_LINKS_MAX = 5000,
    PAGE_ANCHOR_BYTES_MAX = 512,
    PAGE_LANGUAGE_BYTES_MAX = 35,
    PAGE_DEPTH_MAX = 512,    /* of elements within elements; what lies deeper is left out */
    PAGE_NODES_MAX = 200000, /* elements and texts looked at */

    /* Grows with every change of what page_parse() makes of the same bytes: what another version
     * made is parsed again. */
    PAGE_PARSER_VERSION = 9
};

struct page_input {
    const uint8_t *body; /* with content encodings removed; may end anywhere */
    size_t body_size;
    const char *content_type;     /* the header's value; NULL where there is none */
    const char *robots_tags;      /* X-Robots-Tag values, one to a line; NULL where there is none */
    const char *link_headers;     /* Link values, the same */
    const char *refresh;          /* the header's value; NULL where there is none */
    const char *content_language; /* the header's value; NULL where there is none */
    const char *last_modified;    /* the same */
    const struct url *url;        /* where the body came from, after all redirects */
    bool truncated;               /* the body was cut before it came here */
    int64_t now_us;               /* since 1970, for what is to be seen until a date only */
};

struct page_heading {
    uint32_t level; /* 1 to 6 */
    const char *text;
};

struct page_link {
    const char *url;    /* normal form, http or https */
    const char *anchor; /* the link's text, an image's alt included; "" where there is none */
    bool nofollow;      /* the link's rel or the whole page says so */
};

enum page_kind {
    PAGE_DOCUMENT,
    PAGE_SITEMAP,       /* it has no text; `hints` are pages */
    PAGE_SITEMAP_INDEX, /* the same; `hints` are sitemaps */
    PAGE_FEED,          /* the same; `hints` are pages */
};

struct page {
    enum page_kind kind;
    const char *charset;      /* what the body was decoded from, by its WHATWG name: "utf-8" */
    const char *title;        /* "" where there is none, as the other strings */
    const char *description;  /* what the page says of itself */
    const char *content_type; /* what it was read as: "text/html" */
    const char *language;     /* as declared, in lower case, such as "de-at": not detected */
    const char *canonical;    /* rel=canonical, in normal form; none where several differ */
    const char *refresh;      /* where it sends its readers within REFRESH_REDIRECT_SECONDS_MAX */
    const char *noindex_by;   /* where noindex was asked: "X-Robots-Tag: noindex" */
    const char *nofollow_by;  /* the same */
    const char *text;         /* its content: white space collapsed, a line to each block */
    const char *rest;         /* what is seen beside it: navigation and the like (main_text.h) */
    size_t text_size;
    const struct page_heading *headings;
    size_t heading_count;
    const struct page_link *links; /* in the page's order; a target may come more than once */
    size_t link_count;
    const struct page_alternate *alternates; /* versions in other languages, and itself */
    size_t alternate_count;
    const char *const *feeds; /* that it names as its own */
    size_t feed_count;
    const struct page_hint *hints; /* of a sitemap or a feed */
    size_t hint_count;
    int64_t unavailable_after_us; /* since 1970; 0: not said */
    int32_t max_snippet;          /* characters, > 0; 0: not said, or no limit */
    int64_t published_us;         /* by itself; since 1970; 0: not known */
    int64_t modified_us;  /* by itself, else as published, else by Last-Modified; the same */
    uint64_t fingerprint; /* of title and text: fingerprint.h; 0: no text */
    uint64_t simhash;     /* the same; 0: too short to tell */
    bool noindex;
    bool nofollow;
    bool noarchive;
    bool nosnippet;
    bool text_cut;  /* a limit above cut the text, or some of the page was not looked at */
    bool links_cut; /* the same of the links, and of the hints */
};

/*
 * Reads a page. HTML is parsed as browsers do; of sitemaps and feeds, packed by gzip or not, become
 * hints; any other text becomes its text, without links.
 *
 * arena     owns what `ret_page` points to. The decoded body and the HTML parser's tree are taken
 *           apart and given back before the return: at most about 400 MB for the worst page.
 * ret_page  untouched on failure.
 *
 * Markup that takes more time or memory than a page may is read as far as its beginning.
 *
 * Returns STATUS_OK, STATUS_UNSUPPORTED (not a text), STATUS_TOO_LARGE (even the beginning takes
 * too much) or STATUS_NO_MEMORY.
 */
enum status page_parse(const struct page_input *input, struct arena *arena, struct page *ret_page,
                       struct error *err);

/*
 * Loads what page_parse() would otherwise load from files when it first needs it: for a process
 * that is about to lock itself in.
 */
void page_load_all(void);

#endif
