/* Certificates: one made on the spot where the owner names none. */
#ifndef TIERCE_ORCHESTRATOR_CERTIFICATE_H
#define TIERCE_ORCHESTRATOR_CERTIFICATE_H

#include <stdbool.h>

#include "base/error.h"

enum { CERTIFICATE_DAYS = 397, CERTIFICATE_RENEW_DAYS = 30 };

/*
 * Makes `certificate_file` and `key_file` (mode 0600) where they are missing, not for this name, or
 * valid for less than CERTIFICATE_RENEW_DAYS: self-signed, EC P-256, for the host name (or
 * address), localhost, 127.0.0.1 and ::1.
 *
 * ret_made  whether they are new.
 */
enum status certificate_provide(const char *certificate_file, const char *key_file,
                                const char *hostname, bool *ret_made, struct error *err);

/* Whether its issuer is itself: no browser trusts it. False where it cannot be read. */
bool certificate_is_self_signed(const char *certificate_file);

#endif
