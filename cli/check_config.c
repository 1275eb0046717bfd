/* tierce check-config. */
#include "cli/command.h"
#include "cli/programs.h"

/* The orchestrator is the only one that reads YAML: it is asked. */
int command_check_config(const struct command_line *line)
{
    char *arguments[] = {NULL, (char *)"--check", (char *)"--config",
                         line->word_count > 0 ? line->words[0] : (char *)"config.yaml", NULL};
    struct error err = {0};
    programs_exec("orchestrator", arguments, &err);
    return command_failed(&err);
}
