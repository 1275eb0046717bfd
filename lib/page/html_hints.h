/* What the names that authors give to elements, their roles and tags say of what stands there. */
#ifndef TIERCE_PAGE_HTML_HINTS_H
#define TIERCE_PAGE_HTML_HINTS_H

#include <gumbo.h>

enum html_hint {
    HTML_HINT_MAIN = 1 << 0,    /* <main>, role=main: the author's own word for the content */
    HTML_HINT_ARTICLE = 1 << 1, /* <article> and the like: whole in itself */
    HTML_HINT_NEVER = 1 << 2,   /* navigation, search, a dialogue, by tag or role */
    HTML_HINT_HEADER = 1 << 3,  /* <header>, <footer>, <aside> and their roles: of the page where */
    HTML_HINT_FOOTER = 1 << 4,  /* they stand by themselves, else of the article that they are in */
    HTML_HINT_ASIDE = 1 << 5,   /* the same */
    HTML_HINT_CONTROL = 1 << 6, /* a button, a form, or hidden from who listens */
    HTML_HINT_SURELY = 1 << 7,  /* a class or id such as "breadcrumbs", */
    HTML_HINT_PERHAPS = 1 << 8, /* and such as "menu", which has other uses too */
    HTML_HINT_IF_LINKS = 1 << 9,   /* and such as "header": of a page, or of a table */
    HTML_HINT_NO_SNIPPET = 1 << 10 /* data-nosnippet */
};

/* Of an HTML element: bits of enum html_hint. */
unsigned html_hints(const GumboElement *element);

#endif
