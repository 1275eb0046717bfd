/* From the tree of a page to what struct page holds. */
#ifndef TIERCE_PAGE_HTML_H
#define TIERCE_PAGE_HTML_H

#include <gumbo.h>

#include "base/arena.h"
#include "base/error.h"
#include "page/charset.h"
#include "page/directives.h"
#include "page/page.h"
#include "page/relations.h"

/*
 * Walks the tree, once and without recursion, and fills title, description, language, refresh,
 * text, headings, links, and what was cut. The directives and relations found in the page are added
 * to `directives` and `relations`.
 *
 * url      the page's; the base of its links unless it names another.
 * charset  what the page was in before it was UTF-8: its links' queries are.
 * arena    owns what `ret_page` points to.
 */
enum status html_extract(const GumboNode *root, const struct url *url,
                         const struct charset *charset, struct arena *arena,
                         struct directives *directives, struct relations *relations,
                         struct page *ret_page, struct error *err);

#endif
