/* tierce restart: new processes for a role, without losing a request. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/command.h"

enum { RESTART_TIMEOUT_MS = 60000 };

static const struct {
    const char *word;
    Wire__Role role;
} roles[] = {
    {"gateways", WIRE__ROLE__ROLE_GATEWAY},       {"grpc", WIRE__ROLE__ROLE_GRPC},
    {"barrels", WIRE__ROLE__ROLE_BARREL},         {"indexserver", WIRE__ROLE__ROLE_INDEXSERVER},
    {"downloaders", WIRE__ROLE__ROLE_DOWNLOADER}, {"proxy", WIRE__ROLE__ROLE_PROXY},
};

int command_restart(const struct command_line *line)
{
    Wire__RestartRequest request = WIRE__RESTART_REQUEST__INIT;
    struct installation installation;
    struct error err = {0};
    void *reply;
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        if (strcmp(line->words[0], roles[i].word) == 0)
            request.role = roles[i].role;
    }
    if (request.role == WIRE__ROLE__ROLE_UNKNOWN)
        return command_misused("restart what? gateways, grpc, barrels, indexserver, downloaders or "
                               "proxy, not \"%s\"",
                               line->words[0]);
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    enum status status =
        installation_call(&installation, WIRE__METHOD__RESTART, &request.base,
                          &wire__empty__descriptor, RESTART_TIMEOUT_MS, &reply, &err);
    installation_close(&installation);
    return status == STATUS_OK ? EXIT_DONE : command_failed(&err);
}
