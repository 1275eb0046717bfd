/* The table of keys: what config.yaml may say, and what it means where it says nothing. */
#ifndef TIERCE_ORCHESTRATOR_CONFIG_SCHEMA_H
#define TIERCE_ORCHESTRATOR_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "orchestrator/config.h"

enum config_kind {
    KIND_TEXT,         /* const char *; min and max: bytes */
    KIND_HOST,         /* const char *: a host name or an address */
    KIND_WORD,         /* const char *: one of `words` */
    KIND_CHOICE,       /* unsigned: the index in `words` */
    KIND_BOOL,         /* bool */
    KIND_NUMBER,       /* uint64_t */
    KIND_SIZE,         /* uint64_t, bytes */
    KIND_DURATION,     /* uint64_t, milliseconds */
    KIND_FILE,         /* const char *: an absolute path of a file that can be read */
    KIND_CONTACT,      /* const char *: a mail address or a URL */
    KIND_MAIL,         /* const char *: a mail address */
    KIND_URL,          /* const char *: normal form, http or https */
    KIND_LISTEN,       /* struct config_list: addresses to listen on */
    KIND_NETWORKS,     /* struct config_list */
    KIND_SOURCES,      /* struct config_source * and unsigned */
    KIND_TENTHS,       /* uint64_t: a number such as 2 or 1.5, in tenths */
    KIND_URLS,         /* struct config_list: URLs in normal form */
    KIND_SITEMAPS,     /* the same, auto or none: of a source */
    KIND_RULES,        /* of a source: struct scope_rule * and unsigned */
    KIND_QUERY,        /* of a source: a policy, or names */
    KIND_HOURS,        /* of a source: struct config_hours * and unsigned */
    KIND_HEADERS,      /* of a source: struct config_list */
    KIND_SECRET,       /* const char *: what stands in a file that only its owner can read */
    KIND_HEADER_LINES, /* of a source: such a file with one header a line */
    KIND_LOGIN,        /* of a source: a group of keys, config_login_keys */
    KIND_FIELDS,       /* of a log-in: struct config_list, "name=value" */
};

enum {
    KEY_AUTO = 1,     /* "auto" is allowed: CONFIG_AUTO */
    KEY_NONE = 2,     /* "none" is allowed: 0 */
    KEY_REQUIRED = 4, /* has no default */
    KEY_ENDLESS = 8,  /* "none" is allowed: CONFIG_ENDLESS; 0 is a number */
};

struct config_key {
    const char *path; /* "crawl.delay" */
    enum config_kind kind;
    unsigned flags;
    size_t offset; /* in struct config, config_source or config_login */
    uint64_t min, max;
    const char *const *words; /* ends with NULL */
    const char *preset;       /* the default, as it would be written; lists: NULL, which is empty */
};

/* What a source's `login` says, before it is put together. */
struct config_login {
    unsigned kind; /* enum login_kind, less one */
    const char *user, *password, *token, *url;
    const char *user_field, *password_field;
    struct config_list fields;
};

/* All end with a path that is NULL. */
extern const struct config_key config_keys[];
extern const struct config_key config_source_keys[];
extern const struct config_key config_login_keys[];

/* Whether the key is read by config_value_read(): it is one value. */
bool config_key_is_single(const struct config_key *key);

/* Appends what the key allows: "1 to 65535", "nginx, caddy, none". */
void config_key_allowed(const struct config_key *key, struct buffer *ret_text);

/* Why a word that one might expect is not among those allowed; NULL: nothing to say of it. */
const char *config_word_refusal(const struct config_key *key, const char *word);

/* "10M" as such a size is written in the file; into `ret`. Returns `ret`. */
enum { CONFIG_VALUE_BYTES = 32 };
char *config_size_text(uint64_t bytes, char ret[CONFIG_VALUE_BYTES]);
char *config_duration_text(uint64_t ms, char ret[CONFIG_VALUE_BYTES]);

#endif
