/* What HTML elements mean to somebody who reads their text. */
#ifndef TIERCE_PAGE_HTML_TAGS_H
#define TIERCE_PAGE_HTML_TAGS_H

#include <gumbo.h>
#include <stdbool.h>

/* Begins and ends a line of its own. */
bool html_element_is_block(const GumboElement *element);

/* Its text is not shown, for what it is or for its attributes; links in it may be followed. */
bool html_element_is_unseen(const GumboElement *element);

/* 1 to 6, or 0 for what is no heading. */
unsigned html_tag_heading_level(GumboTag tag);

/* The value of an attribute; NULL where there is none. */
const char *html_attribute(const GumboElement *element, const char *name);

/* Whether a list of words apart by spaces holds one of ours, in any case. `list` may be NULL. */
bool html_list_has(const char *list, const char *word);

#endif
