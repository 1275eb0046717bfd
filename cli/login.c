/* tierce login: a one-time link to the admin page. */
#include <stdio.h>

#include "base/check.h"
#include "cli/answer_json.h"
#include "cli/command.h"

int command_login(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__Stats *stats;
    const char *code = NULL;
    enum status status = installation_stats(&installation, COMMAND_CALL_MS, &stats, &err);
    if (status == STATUS_OK)
        status = installation_login_code(&installation, &code, &err);
    if (status == STATUS_OK && line->json) {
        const char *url = check_alloc(
            arena_format(&installation.arena, "%s/admin/login?code=%s", stats->base_url, code));
        json_print(json_pack("{s:s, s:i}", "url", url, "valid_seconds", 600));
    } else if (status == STATUS_OK) {
        printf("%s/admin/login?code=%s\n", stats->base_url, code);
    }
    installation_close(&installation);
    return status == STATUS_OK ? EXIT_DONE : command_failed(&err);
}
