/*
 * Sitemaps and feeds. They are URLs of the frontier like pages: fetched as politely, by validators,
 * after an interval that adapts; but they are no documents, and count as no pages of their source.
 * What they say are hints: URLs, and when those changed.
 *
 * A sitemap is believed about its own host, and about another one whose robots.txt names it
 * (sitemaps.org, "cross submits"). A hint brings a page forward, though never more often than its
 * source's shortest interval, and only as long as hints of that source prove right: a site that
 * says "now" of every page wins nothing.
 */
#ifndef TIERCE_INDEXSERVER_LISTINGS_H
#define TIERCE_INDEXSERVER_LISTINGS_H

#include "indexserver/found.h"

enum {
    SOURCE_SITEMAPS_MAX = 1000, /* of a source, known at a time, besides those of config.yaml */
    SOURCE_FEEDS_MAX = 20,      /* the same: every page of a blog may name one of its own */
    LISTINGS_GUESS_MS = 10000,  /* a sitemap that nobody named waits for what is known already */
    HINTS_WRONG_MAX = 8,        /* and HINTS_WRONG_SHARE more for each that was right */
    HINTS_WRONG_SHARE = 4,
};

/* A sitemap or feed that somebody names, or (`guessed`) that may be there. */
enum status listing_found(struct change *change, const char *text, Log__Origin origin, bool guessed,
                          struct error *err);

/* The robots.txt of that origin names none: /sitemap.xml may be there. It is tried once. */
enum status listing_guess(struct change *change, const char *origin, struct error *err);

/*
 * The URL answered with a document. Where its source takes it as a page it is one from now on; what
 * the source lists, what was guessed, and what only a robots.txt outside the rules names is none.
 */
void listing_is_page(struct change *change, struct url_entry *entry);

/* It is gone or another source's: there is room for another sitemap or feed. */
void listing_give_back(struct change *change, struct url_entry *entry);

/* What a sitemap or a feed holds. */
enum status listing_take_page(struct change *change, struct url_entry *entry,
                              const Page__Page *page, struct error *err);

/* The page was looked at: the hint that it changed was right, or not. */
void listing_learn(struct change *change, struct url_entry *entry, bool changed);

#endif
