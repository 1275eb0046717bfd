/* tierce: the operator's command. */
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/command_table.h"
#include "cli/programs.h"

/* `tierce barrel ...` is the barrel, with all that stands behind the word. */
static int run_program(char **argv)
{
    struct error err = {0};
    programs_exec(argv[1], argv + 1, &err);
    return command_failed(&err);
}

int main(int argc, char **argv)
{
    log_open("tierce", LOG_WARNING_LEVEL);
    setlinebuf(stdout);
    if (argc > 1 && programs_have(argv[1]))
        return run_program(argv);
    return command_table_run(argc, argv);
}
