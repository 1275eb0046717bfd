/* One request to the installation's own address, over HTTPS, as its users make them. */
#ifndef TIERCE_CLI_WEB_H
#define TIERCE_CLI_WEB_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

enum { FINGERPRINT_BYTES = 96, WEB_TRUST_MAX = 4, WEB_BODY_BYTES_MAX = 16 * 1024 * 1024 };

struct web_request {
    const char *base_url; /* "https://localhost:8443" */
    const char *path;     /* "/readyz" */
    const char *token;    /* of the admin, or NULL */
    bool connect_here;    /* whatever the name says: the proxy is on this machine */
    /* PEM files whose certificates are trusted besides the system's; those that are not there do
     * not matter. NULL entries are passed over. */
    const char *trusted_files[WEB_TRUST_MAX];
    unsigned timeout_ms;
};

struct web_answer {
    long code;
    struct buffer body;
    char fingerprint[FINGERPRINT_BYTES]; /* "AB:CD:...": SHA-256 of the server's certificate */
};

/*
 * STATUS_OK: there was an answer, whatever its code. STATUS_UNAVAILABLE: no connection;
 * STATUS_DENIED: the certificate is not trusted; STATUS_TIMEOUT; STATUS_TOO_LARGE.
 */
enum status web_get(const struct web_request *request, struct web_answer *ret_answer,
                    struct error *err);
void web_answer_release(struct web_answer *answer); /* accepts a zeroed one */

#endif
