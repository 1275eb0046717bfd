/*
 * Links between pages, kept by target in the storage, whether or not the target is indexed. They
 * are written as they come, ahead of the documents: putting or dropping one again changes nothing,
 * so a replay of the feed ends in the same state.
 */
#ifndef TIERCE_INDEX_EDGES_H
#define TIERCE_INDEX_EDGES_H

#include "base/buffer.h"
#include "index/visibility.h"

#define KEY_EDGE    'E' /* hash of the target, hash of the source -> the link */
#define KEY_INLINKS 'L' /* hash of the target -> how many links */

struct inlinks {
    uint64_t count;
    uint64_t private_count; /* of them, those from pages of private addresses */
    uint64_t hidden_count;  /* of those, the ones that not everyone may see */
};

struct edge_target {
    uint64_t hash;
    struct inlinks inlinks;
};

/* Applies the links among the changes; `shown` says which sources everyone may see. `ret_targets`
 * (malloc's, the caller's to free) are the pages that they point at, by rising hash. */
enum status edges_apply(struct storage storage, const struct visibility *shown,
                        const struct index_change *changes, size_t count,
                        struct edge_target **ret_targets, size_t *ret_target_count,
                        struct error *err);

enum status edges_count(struct storage storage, uint64_t target, struct inlinks *ret_inlinks,
                        struct error *err);

struct stored_edge {
    struct text_slice source;
    struct text_slice anchor;
    bool is_private;
    uint64_t source_site; /* its hash, where it is private */
};

/* Called for each link to a target, by rising hash of the source; borrowed for the call. It must
 * not call the storage. STATUS_END ends the walk. */
typedef enum status (*edge_visit)(void *context, const struct stored_edge *edge);
enum status edges_visit(struct storage storage, uint64_t target, edge_visit visit, void *context,
                        struct error *err);

/* Whether everyone may see the page that the link stands on. */
bool edge_is_shown(const struct visibility *shown, const struct stored_edge *edge);

/* Appends the distinct texts of links to a target, one a line, up to INDEX_ANCHORS_MAX bytes.
 * `include_hidden`: those from pages that not everyone may see, too. */
enum status edges_anchors(struct storage storage, uint64_t target, const struct visibility *shown,
                          bool include_hidden, struct buffer *ret_text, struct error *err);

/* Links to one target from private pages, counted once more. */
struct recount {
    uint64_t target;
    struct inlinks inlinks;
    uint64_t hidden_before;
    bool changed; /* another set of them is shown now */
};

/* Counts anew what is hidden, where everyone may see `shown` instead of `before`. `ret_recounts`
 * (malloc's, the caller's to free): every page that a private one links to. */
enum status edges_recount(struct storage storage, const struct visibility *before,
                          const struct visibility *shown, struct recount **ret_recounts,
                          size_t *ret_count, struct error *err);

#endif
