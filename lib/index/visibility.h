/*
 * Which pages from private addresses everyone may see. A scope that covers a page and says that it
 * is public shows it, unless another scope that covers it says that it is not.
 */
#ifndef TIERCE_INDEX_VISIBILITY_H
#define TIERCE_INDEX_VISIBILITY_H

#include "base/buffer.h"
#include "index/index.h"

struct visibility; /* never changes; shared by counted references. NULL shows no private page */

/* Copies the scopes. Beyond INDEX_SCOPES_BYTES_MAX it shows nothing. NULL: no memory. */
struct visibility *visibility_new(const struct index_scope *scopes, size_t count);
/* Shows what both do; `also` must not be such a one itself. NULL: no memory. */
struct visibility *visibility_both(const struct visibility *visibility, struct visibility *also);
/* Whether visibility_both() made it. */
bool visibility_is_both(const struct visibility *visibility);
struct visibility *visibility_hold(struct visibility *visibility); /* accepts NULL */
void visibility_release(struct visibility *visibility);            /* accepts NULL */

/* Whether the answer for a page of this site depends on its URL; else that may be empty. */
bool visibility_needs_url(const struct visibility *visibility, uint64_t site_hash);
/* Whether everyone may see this page from a private address. */
bool visibility_shows(const struct visibility *visibility, uint64_t site_hash,
                      struct text_slice url);

/* Bytes that say the same, equal for equal scopes: docs/format-segment.md. Not of
 * visibility_both()'s. */
void visibility_encode(const struct visibility *visibility, struct buffer *ret_bytes);
/* STATUS_CORRUPT, STATUS_NO_MEMORY. */
enum status visibility_decode(const uint8_t *bytes, size_t size, struct visibility **ret_visibility,
                              struct error *err);

/* The site of a page, as documents and links have it. */
uint64_t site_hash_of(struct text_slice site);

#endif
