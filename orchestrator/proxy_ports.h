/* Whether the proxy's ports are free. Asked before it starts: Caddy would share a taken port
 * without a word. */
#ifndef TIERCE_ORCHESTRATOR_PROXY_PORTS_H
#define TIERCE_ORCHESTRATOR_PROXY_PORTS_H

#include "base/error.h"
#include "orchestrator/config.h"

/*
 * running  the configuration whose proxy holds its ports at present; NULL: none runs.
 *
 * STATUS_CONFLICT names the port, who listens on it, and the setting.
 */
enum status proxy_ports_check(const struct config *config, const struct config *running,
                              struct error *err);

#endif
