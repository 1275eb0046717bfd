/* What a scope makes of a URL that the frontier knows: after an edit of config.yaml, or before it.
 */
#ifndef TIERCE_INDEXSERVER_SCOPE_FATE_H
#define TIERCE_INDEXSERVER_SCOPE_FATE_H

#include "indexserver/scope.h"
#include "indexserver/url_state.h"

enum fate {
    FATE_SAME,   /* it is what it was */
    FATE_LEAVES, /* its source wants it no more: it is not fetched, its page goes */
    FATE_WANTED, /* it was refused by a scope, or belongs to another source now */
};

struct scope_fate {
    enum fate fate;
    struct source *source; /* the one that it belongs to, or that it leaves; NULL: none */
    const char *instead;   /* of FATE_LEAVES: the spelling in which it is wanted; NULL: none */
};

/*
 * Pages of a source that nobody wants any more (it was taken out of config.yaml) stay: they are
 * FATE_SAME until another source wants them. In the arena.
 */
void scope_fate_of(struct scope *scope, const struct url *url, const struct url_state *state,
                   struct arena *arena, struct scope_fate *ret_fate);

/* Whether a source that holds `held` pages may lose so many of them by an edit: beyond ten of them,
 * and a fifth, it takes the owner's word. */
bool scope_loss_is_small(uint64_t held, uint64_t leaving);

/* Visits what the frontier knows of an authority, from behind the URL `after` on ("": from the
 * start). Return false to stop. */
typedef bool scope_visitor(void *context, const char *url, const struct url_state *state);
enum status scope_visit(struct views *views, const char *authority, const char *after,
                        scope_visitor *visit, void *context, struct error *err);

#endif
