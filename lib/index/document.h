/* Stored documents, the links that point at them, and snippets of their text. */
#ifndef TIERCE_INDEX_DOCUMENT_H
#define TIERCE_INDEX_DOCUMENT_H

#include "index/index.h"

#define SNIPPET_CHARACTERS_MAX 300
#define BACKLINKS_MAX          1000   /* in one answer */
#define BACKLINKS_VISITED_MAX  100000 /* links looked at for one answer, hidden ones too */

/* All in the arena, zero-terminated where they are strings. */
struct stored_document {
    uint64_t url_hash;
    const char *url;
    const char *site;
    const char *title;
    const char *language; /* as its page said; "" where it did not */
    struct text_slice headings;
    struct text_slice text;
    uint64_t inlinks; /* pages that link to it, now, of those that are as open as it */
    int64_t fetched_unix_us;
    bool is_private;
    bool is_visible; /* false: to be shown to admins only */
};

/* By the hash of its URL. STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_NO_MEMORY. */
enum status index_document_get(struct index *index, uint64_t url_hash, struct arena *arena,
                               struct stored_document *ret_document, struct error *err);
/* By its URL, which is compared: two URLs may share a hash. */
enum status index_document_get_url(struct index *index, struct text_slice url, struct arena *arena,
                                   struct stored_document *ret_document, struct error *err);

struct backlink {
    const char *source_url;
    const char *anchor;
};

struct backlinks {
    struct backlink *links; /* in the order of their sources' hashes. In the arena */
    uint32_t count;
    uint64_t total; /* that the asker may see */
};

/* Pages that link to a URL, whether or not that is indexed. `size` at most BACKLINKS_MAX. */
enum status index_backlinks(struct index *index, struct text_slice url, bool include_private,
                            uint64_t offset, uint32_t size, struct arena *arena,
                            struct backlinks *ret_backlinks, struct error *err);

struct snippet_span {
    struct text_slice text; /* UTF-8, plain: whoever shows it escapes it. In the arena */
    bool marked;            /* it matched the query */
};

struct snippet {
    struct snippet_span *spans; /* in the arena */
    uint32_t span_count;
};

/*
 * The passage of a text that best shows why it matched, at most SNIPPET_CHARACTERS_MAX characters
 * with its ellipses. The whole text is considered; where nothing of the query is in it, it is the
 * beginning. White space is made single spaces.
 */
enum status snippet_make(struct text_analyzer *analyzer, struct text_slice text,
                         enum text_language language, const struct query_node *query,
                         struct arena *arena, struct snippet *ret_snippet, struct error *err);

#endif
