/*
 * Which URLs of its host a source takes, and in which spelling: its prefix, its rules, its depth,
 * and what it does with query parameters. Made of the source's definition; pure but for the memory
 * that comparing needs: for one thread at a time.
 */
#ifndef TIERCE_INDEXSERVER_SOURCE_SCOPE_H
#define TIERCE_INDEXSERVER_SOURCE_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "crawl/url.h"
#include "log.pb-c.h"

struct source_scope;

/* The definition is borrowed for as long. Never NULL: rules that are none (another version's, for
 * the orchestrator checks them) take nothing. */
struct source_scope *source_scope_new(const Log__Source *definition);
void source_scope_free(struct source_scope *scope); /* accepts NULL */

/* Brings a URL to the spelling in which the source takes it. `ret_url` may be `url`. */
enum status source_scope_spell(const struct source_scope *scope, const struct url *url,
                               struct arena *arena, struct url *ret_url, struct error *err);

/* The URL is one of the source's sitemaps or feeds: these need no rule, and no prefix. */
bool source_scope_lists(const struct source_scope *scope, const char *url);

/* Whether the URL begins with the prefix, or is listed. */
bool source_scope_covers(const struct source_scope *scope, const char *url);

/* Whether it is taken: it is covered, the rules allow it, and it is not too deep. */
bool source_scope_takes(struct source_scope *scope, const struct url *url, unsigned depth);

/* The same; adds the steps that its rules took (crawl/scope_rule.h). */
bool source_scope_takes_counted(struct source_scope *scope, const struct url *url, unsigned depth,
                                uint64_t *steps);

/* What decided that, in words in the arena: "rule 2: deny prefix /private/". */
const char *source_scope_words(struct source_scope *scope, const struct url *url, unsigned depth,
                               struct arena *arena);

/* Whether two definitions take the same URLs in the same spelling. */
bool source_scope_is_same(const Log__Source *a, const Log__Source *b);

#endif
