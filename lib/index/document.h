/* Stored documents as they are shown, with snippets of their text, and the links that point at
 * them. */
#ifndef TIERCE_INDEX_DOCUMENT_H
#define TIERCE_INDEX_DOCUMENT_H

#include "index/index.h"
#include "index/limit.h"

#define SNIPPET_CHARACTERS_MAX 300
#define BACKLINKS_MAX          1000   /* in one answer */
#define BACKLINKS_VISITED_MAX  100000 /* links looked at for one answer, hidden ones too */

/* All in the arena. */
struct stored_document {
    uint64_t url_hash;
    const char *url;
    const char *site;
    const char *title;
    const char *language; /* as its page said, or its text: language_settle(); "": unknown */
    uint64_t inlinks;     /* pages that link to it, now, of those that are as open as it */
    int64_t fetched_unix_us;
    bool is_private;
    bool is_visible; /* false: to be shown to admins only */
};

/* By its URL. STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_NO_MEMORY. */
enum status index_document_get(struct index *index, struct text_slice url, struct arena *arena,
                               struct stored_document *ret_document, struct error *err);

/* Its headings, one a line, and its text, as indexed; in the arena. Fails as above. */
enum status index_document_text(struct index *index, struct text_slice url, struct arena *arena,
                                struct text_slice *ret_headings, struct text_slice *ret_text,
                                struct error *err);

/* ---- results ---- */

struct snippet_span {
    struct text_slice text; /* UTF-8, plain: whoever shows it escapes it. In the arena */
    bool marked;            /* it matched the query */
};

/*
 * The passage of a text that best shows why it matched, at most SNIPPET_CHARACTERS_MAX characters
 * with its ellipses. The whole text is considered; where nothing of the query is in it, it is the
 * beginning. White space is made single spaces.
 */
struct snippet {
    struct snippet_span *spans; /* in the arena */
    uint32_t span_count;
};

struct shown_document {
    bool found; /* false: it is not, or no longer, in the index, and the rest means nothing */
    struct stored_document document;
    struct snippet snippet;
};

/* What making snippets needs again and again. One thread at a time. */
struct snippet_maker;                                 /* opaque */
struct snippet_maker *snippet_maker_new(void);        /* NULL: no memory */
void snippet_maker_free(struct snippet_maker *maker); /* accepts NULL */
/* Its analyzer, for other uses between those. */
struct text_analyzer *snippet_maker_analyzer(struct snippet_maker *maker);

/*
 * Documents by the hashes of their URLs, as a page of results shows them.
 *
 * maker          may be NULL where there is no query
 * query          checked; NULL: no snippets
 * limit          may be NULL
 * ret_documents  room for `count`, in the order of the hashes
 *
 * Returns STATUS_OK, STATUS_CORRUPT, STATUS_NO_MEMORY or the limit's.
 */
enum status index_show(struct index *index, struct snippet_maker *maker, const uint64_t *url_hashes,
                       size_t count, const struct query_node *query,
                       const struct search_limit *limit, struct arena *arena,
                       struct shown_document *ret_documents, struct error *err);

/* ---- links ---- */

struct backlink {
    const char *source_url;
    const char *anchor;
};

struct backlinks {
    struct backlink *links; /* in the order of their sources' hashes. In the arena */
    uint32_t count;
    uint64_t total; /* that the asker may see; while a change of scopes goes on fewer, down to those
                       that were listed so far */
};

/* Pages that link to a URL, whether or not that is indexed. `size` at most BACKLINKS_MAX. */
enum status index_backlinks(struct index *index, struct text_slice url, bool include_private,
                            uint64_t offset, uint32_t size, struct arena *arena,
                            struct backlinks *ret_backlinks, struct error *err);

#endif
