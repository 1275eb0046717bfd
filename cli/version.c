/* tierce version. */
#include <stdio.h>

#include "base/args.h"
#include "cli/answer_json.h"
#include "cli/command.h"

int command_version(const struct command_line *line)
{
    if (line->json)
        json_print(json_pack("{s:s}", "version", tierce_version()));
    else
        printf("tierce %s\n", tierce_version());
    return EXIT_DONE;
}
