/* Shared by the scope's files, and by nobody else. */
#ifndef TIERCE_INDEXSERVER_SCOPE_PARTS_H
#define TIERCE_INDEXSERVER_SCOPE_PARTS_H

#include "crawl/address.h"
#include "indexserver/scope.h"

enum { SCOPE_NETWORKS_MAX = 64 };

/* What the owner removed by prefix or site. */
struct removal_rule {
    Log__RemoveScope scope;
    char *value;
};

struct scope {
    struct views *views;
    Log__CrawlSettings *settings; /* the heap's */
    struct address_network networks[SCOPE_NETWORKS_MAX];
    size_t network_count;
    bool paused;
    struct source **sources; /* by number: sources[id - 1] */
    size_t source_count;
    size_t source_capacity;
    struct source *dirty;
    struct table by_authority;
    struct removal_rule *rules;
    size_t rule_count;
    struct source_scope *usual; /* of a source that says nothing */
};

/* ---- scope_sources.c ---- */

/* The sources of the settings in force are those, and no others are configured. */
void scope_configure(struct scope *scope, const Log__CrawlSettings *settings, struct arena *arena);
/* After scope_configure(): those whose scope became another one are to be gone through. */
void scope_want_sweeps(struct change *change);
enum status scope_load_sweeps(struct scope *scope, struct error *err);
/* Into a scope that has none. */
void scope_copy_sources(struct scope *scope, const struct scope *from, struct arena *arena);
enum status scope_load_sources(struct scope *scope, struct error *err);
void scope_free_sources(struct scope *scope);

/* ---- scope_removed.c ---- */

void scope_drop_removal_rules(struct change *change, const struct url *url); /* that cover it */
enum status scope_load_removal_rules(struct scope *scope, struct error *err);
void scope_free_removal_rules(struct scope *scope);

#endif
