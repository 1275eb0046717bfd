/* tierce pause, resume: of the crawl, or of one source; cancel, confirm, purge: of one source. */
#include <stdio.h>

#include "cli/answer_json.h"
#include "cli/command.h"

static int control(const struct command_line *line, Log__Action action, const char *done)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__ControlRequest request = WIRE__CONTROL_REQUEST__INIT;
    request.action = action;
    request.source = line->word_count > 0 ? line->words[0] : (char *)"";
    void *reply;
    enum status status =
        installation_call_indexserver(&installation, WIRE__METHOD__CONTROL, &request.base,
                                      &wire__empty__descriptor, COMMAND_CALL_MS, &reply, &err);
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    if (line->json)
        json_print(json_pack("{s:s, s:s}", "action", done, "source", request.source));
    else
        printf("%s%s%s\n", done, request.source[0] == '\0' ? "" : ": ", request.source);
    return EXIT_DONE;
}

/* Those that take something away name what: never the whole crawl. */
int command_confirm(const struct command_line *line)
{
    return control(line, LOG__ACTION__ACTION_CONFIRM, "confirmed");
}

int command_purge(const struct command_line *line)
{
    return control(line, LOG__ACTION__ACTION_PURGE, "purged");
}

int command_pause(const struct command_line *line)
{
    return control(line, LOG__ACTION__ACTION_PAUSE, "paused");
}

int command_resume(const struct command_line *line)
{
    return control(line, LOG__ACTION__ACTION_RESUME, "resumed");
}

int command_cancel(const struct command_line *line)
{
    return control(line, LOG__ACTION__ACTION_CANCEL, "cancelled");
}
