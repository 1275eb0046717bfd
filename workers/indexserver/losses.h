/* Pages that go, and what the safety valve of their source (valve.h) says to it. */
#ifndef TIERCE_INDEXSERVER_LOSSES_H
#define TIERCE_INDEXSERVER_LOSSES_H

#include "indexserver/scope.h"
#include "indexserver/urls.h"

/*
 * Whether the page of a URL in that state may go, at that time, by whatever but the owner's word;
 * counts it where it may. Asked once, when what takes it away is about to be appended: the log says
 * what came of it.
 */
bool loss_is_allowed(struct views *views, const struct url_state *state, int64_t time_us);

/* That of this URL might not. */
void loss_note_kept(struct change *change, struct url_entry *entry);

/* The URL answered with a page, or was taken away after all: it is no longer one that was kept. */
void loss_settle(struct change *change, struct url_entry *entry);

/* A page came where none was. */
void loss_made_up(struct change *change, const struct url_entry *entry);

/* ACTION_CONFIRM: what the valve kept is looked at again, and may go. */
enum status losses_confirm(struct change *change, const Log__Control *control, struct error *err);

#endif
