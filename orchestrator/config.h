/*
 * config.yaml, read into plain fields. Every key has a default, so an empty file is valid. A file
 * with mistakes is refused as a whole, and every mistake is told with its place. This is the only
 * code that knows YAML; docs/configuration.md describes the keys.
 */
#ifndef TIERCE_ORCHESTRATOR_CONFIG_H
#define TIERCE_ORCHESTRATOR_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "crawl/scope_rule.h"
#include "crawl/url_query.h"

enum {
    CONFIG_BYTES_MAX = 1024 * 1024,
    CONFIG_ERRORS_MAX = 100, /* told at once */
    CONFIG_LIST_MAX = 10000, /* items of one list */
};

/* A number, size or count that the orchestrator chooses by itself. */
#define CONFIG_AUTO UINT64_MAX
/* Of a key for which 0 is a number like any other: no limit. */
#define CONFIG_ENDLESS (UINT64_MAX - 1)

enum proxy_kind { PROXY_NGINX, PROXY_CADDY, PROXY_NONE };
enum supervisor { SUPERVISE_SELF };

struct config_list {
    const char **items;
    unsigned count;
};

/* Minutes of the day, by the machine's clock. */
struct config_hours {
    unsigned from, to;
};

enum robots_wish { ROBOTS_OBEY, ROBOTS_IGNORE };
enum login_kind { LOGIN_NONE, LOGIN_BASIC, LOGIN_BEARER, LOGIN_FORM };

/* How the crawl makes itself known to a source. The secrets among it were read from files. */
struct config_access {
    struct config_list headers; /* "Name: value" */
    const char *cookie;         /* the Cookie header's value */
    unsigned login;             /* enum login_kind */
    const char *user, *password, *token;
    const char *login_url;
    struct config_list fields; /* "name=value", the user and the password among them */
};

struct config_source {
    const char *url; /* normal form */
    const char *prefix;
    bool is_public;
    bool allow_private;
    uint64_t delay_ms;  /* CONFIG_AUTO: the crawl's */
    uint64_t max_pages; /* 0: the crawl's */
    uint64_t max_bytes;
    struct config_list seeds, feeds;
    struct config_list sitemaps; /* besides those of robots.txt */
    bool no_sitemaps;            /* those of robots.txt are not looked at */
    struct scope_rule *rules;
    unsigned rule_count;
    uint64_t max_depth; /* or CONFIG_ENDLESS */
    unsigned query;     /* enum url_query_policy */
    struct config_list drop_parameters;
    uint64_t recrawl_min_ms, recrawl_max_ms; /* or CONFIG_AUTO */
    struct config_hours *quiet_hours;
    unsigned quiet_hours_count;
    uint64_t connections;
    unsigned robots; /* enum robots_wish */
    const char *user_agent;
    struct config_access access;
};

/* All strings live in `arena`; none is NULL, "" means not set. Sizes are bytes. */
struct config {
    struct arena arena;
    const char *hostname;
    const char *instance_name;
    struct config_list listen;
    struct {
        uint64_t https, http, grpc; /* grpc 0: not served */
    } ports;
    struct {
        unsigned kind; /* enum proxy_kind */
        const char *certificate;
        const char *key;
        const char *acme_email;
    } proxy;
    uint64_t memory;     /* or CONFIG_AUTO */
    uint64_t disk_limit; /* or CONFIG_AUTO; 0: none */
    const char *log_level;
    unsigned supervise; /* enum supervisor */
    struct {
        uint64_t shards; /* or CONFIG_AUTO */
        uint64_t replicas;
    } barrels;
    struct {
        uint64_t workers; /* or CONFIG_AUTO */
        uint64_t threads;
    } gateways;
    struct {
        bool is_public;
        uint64_t rate_per_minute;
        uint64_t burst;
        uint64_t timeout_ms;
        uint64_t cache;
    } search;
    struct {
        const char *contact;
        const char *user_agent;
        uint64_t delay_ms;
        uint64_t max_pages;
        uint64_t max_bytes;
        uint64_t max_page;
        uint64_t timeout_ms;
        uint64_t recrawl_ms;
        uint64_t robots_ttl_ms;
        uint64_t crawl_delay_max_ms;
        uint64_t connections_per_address;
        uint64_t response_factor_tenths;
        uint64_t bandwidth; /* bytes a second; 0: no limit */
        struct config_list allowed_networks;
        uint64_t keep_versions;
        bool handbook;
        uint64_t downloaders;
        struct config_source *sources;
        unsigned source_count;
    } crawl;
};

/* What is wrong with a file. A zeroed struct is an empty list. */
struct config_errors {
    struct arena arena;
    struct config_error {
        unsigned line, column; /* from 1; 0: the file as a whole */
        const char *text;      /* "config.yaml:3:10: ports.https: words; allowed: ..." */
    } items[CONFIG_ERRORS_MAX];
    unsigned count;
    unsigned left_out; /* beyond CONFIG_ERRORS_MAX */
};

void config_errors_release(struct config_errors *errors);

/*
 * Reads `size` bytes of YAML. `name` stands in front of every mistake; relative paths in the file
 * are taken from `folder`.
 *
 * ret_config  the caller's to free with config_free(). Untouched on failure.
 * ret_errors  empty before; the mistakes, in the order of the file, where STATUS_INVALID is
 *             returned.
 */
enum status config_parse(const char *text, size_t size, const char *name, const char *folder,
                         struct config **ret_config, struct config_errors *ret_errors);

/* Reads a file. STATUS_NOT_FOUND, STATUS_IO and STATUS_TOO_LARGE are told in ret_errors too. */
enum status config_load(const char *path, struct config **ret_config,
                        struct config_errors *ret_errors);

/* All defaults: what an empty file says. */
struct config *config_default(void);

void config_free(struct config *config); /* accepts NULL */

#endif
