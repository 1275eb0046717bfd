/* Whose certificates this machine's installation may show. */
#ifndef TIERCE_CLI_TRUST_H
#define TIERCE_CLI_TRUST_H

#include "cli/installation.h"
#include "cli/web.h"

/* Fills in the files, in the installation's arena: the certificate that the orchestrator made, and
 * the root of Caddy's own authority. */
void trust_installation(struct installation *installation, const char *ret_files[WEB_TRUST_MAX]);

#endif
