/*
 * Which of a page's text is its content, and which is there on every page of the site: navigation,
 * headers and footers, cookie banners, share buttons, related links.
 *
 * Three signs decide, in this order. What the author says: <main>, <nav>, roles, and the names of
 * classes and ids (as Readability reads them: Arc90, 2009). How much of a block's text stands in
 * links (link density) and how long it is, after C. Kohlschuetter, P. Fankhauser, W. Nejdl:
 * "Boilerplate Detection using Shallow Text Features", WSDM 2010. And where a block stands: beside
 * or within the element that holds nearly all of the long, link-poor text.
 *
 * In doubt text is content: what remains when little would remain, or when the page is a list of
 * links, is the page as a whole.
 */
#ifndef TIERCE_PAGE_MAIN_TEXT_H
#define TIERCE_PAGE_MAIN_TEXT_H

#include <gumbo.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum main_text_mark {
    MAIN_TEXT_UNSEEN = 1 << 0, /* an element whose text is not shown: html_element_is_unseen() */
    MAIN_TEXT_REST = 1 << 1,   /* an element or a text that is not the page's content */
    MAIN_TEXT_NO_SNIPPET = 1 << 2, /* an element that asks not to be shown in results */
    MAIN_TEXT_IS_TEXT = 1 << 3     /* a text with more than white space, seen */
};

struct main_text {
    struct buffer marks; /* a byte of bits for each node, by its number in a walk (html_walk.h) */
};

/*
 * Takes time in proportion to the tree's nodes and some 40 bytes for each of them.
 *
 * ret_main_text  the caller's to release with main_text_release().
 *
 * Returns STATUS_OK or STATUS_NO_MEMORY.
 */
enum status main_text_find(const GumboNode *root, struct main_text *ret_main_text,
                           struct error *err);

/* The marks of a node; those of an element hold for all that is in it. */
static inline unsigned main_text_marks(const struct main_text *main_text, uint32_t number)
{
    return main_text->marks.data[number];
}

void main_text_release(struct main_text *main_text); /* accepts a zeroed one */

#endif
