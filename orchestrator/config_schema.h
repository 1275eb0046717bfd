/* The table of keys: what config.yaml may say, and what it means where it says nothing. */
#ifndef TIERCE_ORCHESTRATOR_CONFIG_SCHEMA_H
#define TIERCE_ORCHESTRATOR_CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum config_kind {
    KIND_TEXT,     /* const char *; min and max: bytes */
    KIND_HOST,     /* const char *: a host name or an address */
    KIND_WORD,     /* const char *: one of `words` */
    KIND_CHOICE,   /* unsigned: the index in `words` */
    KIND_BOOL,     /* bool */
    KIND_NUMBER,   /* uint64_t */
    KIND_SIZE,     /* uint64_t, bytes */
    KIND_DURATION, /* uint64_t, milliseconds */
    KIND_FILE,     /* const char *: an absolute path of a file that can be read */
    KIND_CONTACT,  /* const char *: a mail address or a URL */
    KIND_MAIL,     /* const char *: a mail address */
    KIND_URL,      /* const char *: normal form, http or https */
    KIND_LISTEN,   /* struct config_list: addresses to listen on */
    KIND_NETWORKS, /* struct config_list */
    KIND_SOURCES,  /* struct config_source * and unsigned */
};

enum {
    KEY_AUTO = 1,     /* "auto" is allowed: CONFIG_AUTO */
    KEY_NONE = 2,     /* "none" is allowed: 0 */
    KEY_REQUIRED = 4, /* has no default */
};

struct config_key {
    const char *path; /* "crawl.delay" */
    enum config_kind kind;
    unsigned flags;
    size_t offset; /* in struct config or struct config_source */
    uint64_t min, max;
    const char *const *words; /* ends with NULL */
    const char *preset;       /* the default, as it would be written; lists: NULL, which is empty */
};

/* Both end with a path that is NULL. */
extern const struct config_key config_keys[];
extern const struct config_key config_source_keys[];

/* Appends what the key allows: "1 to 65535", "nginx, caddy, none". */
void config_key_allowed(const struct config_key *key, struct buffer *ret_text);

/* Why a word that one might expect is not among those allowed; NULL: nothing to say of it. */
const char *config_word_refusal(const struct config_key *key, const char *word);

/* "10M" as such a size is written in the file; into `ret`. Returns `ret`. */
enum { CONFIG_VALUE_BYTES = 32 };
char *config_size_text(uint64_t bytes, char ret[CONFIG_VALUE_BYTES]);
char *config_duration_text(uint64_t ms, char ret[CONFIG_VALUE_BYTES]);

#endif
