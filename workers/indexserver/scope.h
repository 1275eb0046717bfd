/*
 * What may be crawled: the settings in force, the sources (configured ones and hosts that the owner
 * submitted), and what the owner removed.
 */
#ifndef TIERCE_INDEXSERVER_SCOPE_H
#define TIERCE_INDEXSERVER_SCOPE_H

#include "crawl/url.h"
#include "indexserver/source_scope.h"
#include "indexserver/valve.h"
#include "indexserver/views.h"
#include "wire.pb-c.h"

enum {
    SOURCES_MAX = 100000,
    SOURCE_URLS_PER_PAGE = 50, /* URLs noted for each page that a source may have */
    SOURCE_PAGES_DEFAULT = 10000,
    SOURCE_DELAY_DEFAULT_MS = 1000,
    SOURCE_CONNECTIONS_MAX = 16,
};
#define SOURCE_BYTES_DEFAULT ((uint64_t)1 << 30)

enum source_state { SOURCE_ACTIVE = 0, SOURCE_PAUSED = 1, SOURCE_CANCELLED = 2 };

enum sweep_reason {
    SWEEP_NONE = 0,
    SWEEP_CHANGED = 1,   /* its scope is another one */
    SWEEP_CONFIRMED = 2, /* and it may lose what pages it will */
    SWEEP_PURGE = 3,     /* all of it is to be forgotten */
};

struct source_counts {
    uint64_t known;
    uint64_t fetched; /* with content */
    uint64_t queued;
    uint64_t failed;
    uint64_t bytes; /* of the contents held */
};

struct source {
    uint32_t id;
    Log__Source *definition;    /* the source's own */
    struct source_scope *scope; /* made of the definition */
    char *authority;
    char *host;
    bool configured; /* config.yaml names it */
    bool owner;      /* the owner submitted a URL of it */
    enum source_state state;
    Log__Origin origin;
    struct source_counts counts;
    struct valve valve;
    uint16_t sitemaps, feeds;         /* known, besides those of config.yaml (listings.h) */
    uint8_t hints_right, hints_wrong; /* of those that were looked into (listings.h) */
    enum sweep_reason sweep;          /* why it is to be gone through (scope_sweep.h), or was */
    uint64_t sweep_sequence;          /* of the entry that asked for it */
    bool sweep_is_due;
    bool was_configured, scope_changed; /* by the newest settings */
    uint64_t scope_kept; /* pages that it wants no more and that stay until that is confirmed */
    bool login_fails;    /* as far as is known since the start: RAM only */
    bool dirty;          /* differs from what is stored, and is listed so */
    struct source *dirty_next;
    struct source *next; /* of the same authority */
};

enum status scope_open(struct views *views, struct scope **ret_scope, struct error *err);
void scope_close(struct scope *scope); /* accepts NULL */

/*
 * A scope of its own: that of these settings (NULL: as it is), were they in force now. It has the
 * sources of this one under the same numbers, knows nothing of what the owner removed, and is only
 * to be asked. Sources that have an address of their own (the handbook) stay.
 */
struct scope *scope_imagine(struct scope *scope, const Log__CrawlSettings *settings);

/* In force; before the first settings come: defaults, and no contact. Borrowed. */
const Log__CrawlSettings *scope_settings(const struct scope *scope);
bool scope_is_paused(const struct scope *scope); /* the whole crawl, by the owner */

/* The most specific source of the URL that is wanted by someone; NULL: none. */
struct source *scope_source_of(struct scope *scope, const struct url *url);
/* The same, and brings the URL to the spelling in which that source takes it (in the arena; where
 * there is none, to that of a source that says nothing). */
struct source *scope_source_for(struct scope *scope, struct url *url, struct arena *arena);
/* The source that reads a sitemap which robots.txt names: it needs no rule for it, and no prefix.
 * NULL: none of that host wants any. */
struct source *scope_source_of_sitemap(struct scope *scope, const struct url *url);
struct source *scope_source_by_id(struct scope *scope, uint32_t id);      /* NULL: none */
struct source *scope_source_by_url(struct scope *scope, const char *url); /* as status shows it */
/* The source that a person names: by its URL, in any spelling, or by its host or host and port.
 * STATUS_NOT_FOUND, STATUS_CONFLICT (several): the words name those that there are. */
enum status scope_source_named(struct scope *scope, const char *name, struct source **ret_source,
                               struct error *err);
size_t scope_source_count(const struct scope *scope);
struct source *scope_source_at(struct scope *scope, size_t index);

/* Why this URL may not be fetched at all, whoever asks; NULL: it may. Words in the arena. */
const char *scope_refusal(struct scope *scope, const struct url *url, const struct source *source,
                          struct arena *arena);
/* The rule by which the owner removed it, in words; NULL: none. */
const char *scope_removed_by(struct scope *scope, const struct url *url, struct arena *arena);

/* Why nothing of the source is fetched now; NULL: something may be. `new_pages`: of pages that are
 * not held yet. Words in the arena. */
const char *scope_source_stopped(struct scope *scope, const struct source *source, bool new_pages,
                                 struct arena *arena);

/* Its pages may be fetched from a private or loopback address: it names that host and port. */
/* When its quiet hours end, Unix ms; 0: it has none now. */
int64_t source_quiet_until_ms(const struct source *source, int64_t unix_ms);
bool source_allows_private(const struct scope *scope, const struct source *source);
uint64_t source_max_pages(const struct scope *scope, const struct source *source);
uint64_t source_max_bytes(const struct scope *scope, const struct source *source);
uint32_t source_delay_ms(const struct scope *scope, const struct source *source);
uint32_t source_connections(const struct source *source); /* to one host at a time */

/* ---- changes, on the writer's thread ---- */

/* An owner's URL: its host becomes a source where none names it, rules that removed it fall. NULL:
 * too many sources. */
struct source *scope_take_owner_url(struct change *change, const struct url *url);
/* The source of a page from an archive that no source wants: one of its host, from which nothing is
 * fetched until someone wants it. NULL: too many sources. */
struct source *scope_take_archive_url(struct change *change, const struct url *url);
void scope_take_rule(struct change *change, const Log__Remove *remove);
enum status scope_take_control(struct change *change, const Log__Control *control,
                               struct error *err);
/* It is to be gone through, also after a restart. */
void scope_want_sweep(struct change *change, struct source *source, enum sweep_reason reason);
/* It was; not as part of a change. */
enum status scope_note_swept(struct views *views, struct source *source, struct error *err);
/* The source's counts or state change: they are stored with this change. */
void scope_touch(struct scope *scope, struct source *source);
/* Stores the sources that changed. */
void scope_flush(struct change *change);
/* Whether these settings say anything else than those in force; the version is not compared. */
bool scope_settings_differ(struct scope *scope, const Log__CrawlSettings *settings);

#endif
