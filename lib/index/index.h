/*
 * The inverted index of one barrel: documents, their postings and the links that point at them,
 * over a storage.
 *
 * One thread at a time applies and flushes; index_merge() may run in another; any number of threads
 * search meanwhile: they see the last published state and never wait for a writer. What is applied
 * is searchable at once and durable with the next flush, together with the feed's position: after a
 * crash the feed is replayed from index_flushed_position(). Applying the same changes again changes
 * nothing. docs/format-segment.md draws what is stored.
 */
#ifndef TIERCE_INDEX_INDEX_H
#define TIERCE_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "index/query.h"
#include "index/storage.h"
#include "text/analyze.h"

/* What lies behind these sizes in a document or a link is not indexed. */
#define INDEX_URL_MAX      4096
#define INDEX_TITLE_MAX    1024
#define INDEX_HEADINGS_MAX (64u << 10)
#define INDEX_TEXT_MAX     (2u << 20)
#define INDEX_LANGUAGE_MAX 35
#define INDEX_TYPE_MAX     64
#define INDEX_ANCHOR_MAX   512         /* of one link */
#define INDEX_ANCHORS_MAX  (32u << 10) /* of all links to one document */
/* Of all scopes, as stored (15 bytes and the prefix each): beyond this none of them counts. */
#define INDEX_SCOPES_BYTES_MAX (4u << 20)

struct index; /* opaque */

struct index_options {
    size_t memory_bytes;    /* unflushed segments beyond this are flushed; 0: 16 MiB */
    uint64_t segment_bytes; /* no flush or merge makes a segment beyond this; 0: 2 GiB */
    bool plain; /* title and text are one field of tokens between white space, as they are: what
                   other engines are compared on. No snippets */
};

/* A page as indexed. All borrowed for the call. */
/* What tells documents with the same text: equal fingerprints, or simhashes that differ in few
 * bits. 0: there is none. */
struct likeness {
    uint64_t fingerprint;
    uint64_t simhash;
};

struct index_document {
    struct text_slice url;  /* normal form, not empty, at most INDEX_URL_MAX bytes */
    struct text_slice site; /* its authority: host, or host:port; lower case */
    struct text_slice title;
    struct text_slice headings; /* one a line */
    struct text_slice text;
    struct text_slice language;     /* a tag such as "en-GB", or empty */
    struct text_slice content_type; /* a media type such as "text/html", or empty */
    int64_t fetched_unix_us;
    int64_t modified_unix_us; /* the page's own date; 0: not known, the fetch's counts */
    struct likeness likeness;
    uint32_t snippet_max; /* characters of its text that may be shown; 0: as many as one likes */
    bool no_snippet;      /* none may */
    bool has_canonical;   /* it names another page as the one to be found */
    bool is_private; /* from a private address: shown to admins, until a scope makes it public */
};

struct index_edge {
    struct text_slice source; /* URLs in normal form */
    struct text_slice target;
    struct text_slice anchor;
    struct text_slice source_site; /* authority of the source; needed where it is private */
    bool source_is_private;
};

/*
 * Pages of a site, all or those whose URL begins with a prefix. A page from a private address is
 * everyone's where a public scope covers it and none that is not public does; else the admin's.
 * Pages from other addresses are everyone's.
 */
struct index_scope {
    struct text_slice site;   /* authority */
    struct text_slice prefix; /* of URLs in normal form; empty: the whole site */
    bool is_public;
};

enum index_change_kind {
    INDEX_PUT_DOCUMENT = 1, /* replaces the one of the same URL */
    INDEX_REMOVE_URL,       /* url */
    INDEX_REMOVE_PREFIX,    /* url: every document whose URL begins so */
    INDEX_REMOVE_SITE,      /* url: an authority: every document of it */
    INDEX_PUT_EDGE,         /* replaces the one of the same source and target */
    INDEX_DROP_EDGE,
    INDEX_SET_SCOPES,      /* scopes: all of them, replacing the last ones */
    INDEX_WITHHOLD_SCOPES, /* scopes: until the next INDEX_SET_SCOPES, which is to come, only what
                              these and those in force both show is shown. Writes nothing */
};

struct index_change {
    enum index_change_kind kind;
    union {
        struct index_document document;
        struct index_edge edge;
        struct text_slice url;
        struct {
            const struct index_scope *scopes;
            size_t scope_count;
        };
    };
};

/*
 * Opens the index in a storage, or begins an empty one where there is none. `storage` must outlive
 * the index.
 *
 * Returns STATUS_OK, STATUS_CORRUPT, STATUS_UNSUPPORTED (made by a newer version), STATUS_NO_MEMORY
 * or the storage's. An index that does not open is rebuilt: index_erase(), then open.
 */
enum status index_open(struct storage storage, const struct index_options *options,
                       struct index **ret_index, struct error *err);
/* Forgets what was not flushed. No other call may be running. Accepts NULL. */
void index_close(struct index *index);
/* Deletes everything that an index keeps in a storage. */
enum status index_erase(struct storage storage, struct error *err);

/*
 * Applies changes in their order; `position` is the feed's, behind the last of them. All of them
 * are searchable when it returns. Flushes by itself when the memory allowed is full.
 *
 * New scopes hold for the changes in front of them, too. What they withhold is withheld at once;
 * what they show is shown when the call returns.
 *
 * A document or link that breaks a rule above is left out. Returns STATUS_OK or, with nothing or a
 * part of it applied, STATUS_NO_MEMORY or the storage's: apply the same again later.
 */
enum status index_apply(struct index *index, const struct index_change *changes, size_t count,
                        uint64_t position, struct error *err);

/* Makes everything applied so far durable; also rebuilds documents whose incoming anchor texts
 * have doubled since they were indexed. */
enum status index_flush(struct index *index, struct error *err);

/* Merges a few segments where that is worth it: STATUS_OK after a merge, STATUS_END when there is
 * nothing to do. One call at a time. */
enum status index_merge(struct index *index, struct error *err);
/* Merges until no more than so many stored segments are left, as far as their limits allow. */
enum status index_merge_down(struct index *index, uint32_t segments, struct error *err);

/* From now on a merge that index_merge() begins writes no more than about so many bytes; at most
 * index_options.segment_bytes. For a disk with little room. */
void index_limit_merges(struct index *index, uint64_t bytes);

uint64_t index_applied_position(struct index *index);
/* Whether what is found may differ from what the applied position stands for: something was
 * withheld, but the change of scopes that did it has not ended. To be asked before the position. */
bool index_is_unsettled(struct index *index);
uint64_t index_flushed_position(struct index *index);

/* True once a stored byte was found wrong: the index should be erased and rebuilt. */
bool index_is_corrupt(struct index *index);

/* How far a look at everything stored has come. A zeroed struct begins one. */
struct index_scrub {
    uint64_t segment; /* the id of the one that is looked at */
    uint32_t chunk;   /* of it: the next */
    bool are_segments_done;
    struct buffer cursor; /* of the storage: see storage_ops.check() */
    uint64_t bytes;       /* read so far, everything twice: by our checksums and the storage's */
};

/*
 * Compares a part of what is stored, about `bytes_max` bytes, with its checksums, whether or not it
 * was read before. A wrong one makes the index corrupt.
 *
 * Returns STATUS_OK, STATUS_END (all was looked at; the next call begins anew), STATUS_CORRUPT or
 * the storage's.
 */
enum status index_scrub(struct index *index, struct index_scrub *scrub, uint64_t bytes_max,
                        struct error *err);
void index_scrub_release(struct index_scrub *scrub); /* forgets how far it has come */

struct index_size {
    uint64_t documents; /* live ones */
    uint64_t deleted;   /* documents still in segments, but no longer found */
    uint32_t segments_memory;
    uint32_t segments_stored;
    uint64_t bytes_memory;
    uint64_t bytes_stored; /* of segments, as written */
    struct {
        uint64_t dictionary;
        uint64_t postings; /* with their directories */
        uint64_t positions;
        uint64_t norms;
        uint64_t documents; /* rows that find them */
        uint64_t stored;    /* what is shown of them */
    } parts;                /* of all segments */
};
void index_measure(struct index *index, struct index_size *ret_size);

#endif
