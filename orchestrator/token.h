/* The admin token and the one-time codes that stand in for it on the log-in link. */
#ifndef TIERCE_ORCHESTRATOR_TOKEN_H
#define TIERCE_ORCHESTRATOR_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum {
    TOKEN_DIGITS = 64,     /* 32 random bytes, hexadecimal */
    TOKEN_HASH_BYTES = 32, /* SHA-256 of the digits */
    LOGIN_CODES_MAX = 16,  /* outstanding; the oldest gives way */
    LOGIN_VALID_MS = 600000,
};

/* The file's name in the data folder. */
#define TOKEN_FILE "admin.token"

/*
 * Reads the token from the data folder, making it (mode 0600) where there is none, and gives its
 * hash: no process but `tierce` needs the token itself. STATUS_DENIED: others may read the file;
 * STATUS_CORRUPT: it is no token.
 */
enum status token_provide(const char *data_folder, uint8_t ret_hash[TOKEN_HASH_BYTES],
                          struct error *err);

/* Codes that were given out and not yet used. A zeroed struct has none. */
struct login_codes {
    struct login_code {
        char digits[TOKEN_DIGITS + 1];
        int64_t expires_ms;
    } items[LOGIN_CODES_MAX];
};

/* A new code. Borrowed from the struct. */
const char *login_code_new(struct login_codes *codes, int64_t now_ms);

/* Whether the code was good; from now on it is not. */
bool login_code_redeem(struct login_codes *codes, const char *code, int64_t now_ms);

#endif
