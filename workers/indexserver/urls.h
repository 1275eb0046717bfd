/* The URLs that one change touches: read once, written once. */
#ifndef TIERCE_INDEXSERVER_URLS_H
#define TIERCE_INDEXSERVER_URLS_H

#include "indexserver/url_state.h"
#include "indexserver/views.h"

struct url_entry {
    const char *url;         /* in the change's arena */
    struct url_state before; /* kind URL_UNKNOWN: it was not known */
    struct url_state after;
    struct url_entry *next;
};

/* The URL's entry in this change; `after` is to be changed in place. */
enum status urls_touch(struct change *change, const char *url, struct url_entry **ret_entry,
                       struct error *err);

/* Reads a state from the store. STATUS_NOT_FOUND. Any thread. */
enum status urls_get(struct views *views, const char *url, struct url_state *ret_state,
                     struct error *err);

/* Puts what differs into the batch: states, queues, counts of sources, entries to forget. */
void urls_flush(struct change *change);

#endif
