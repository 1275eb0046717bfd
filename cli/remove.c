/* tierce remove: takes pages out. */
#include <stdio.h>

#include "cli/answer_json.h"
#include "cli/command.h"
#include "cli/print.h"

enum { REMOVE_TIMEOUT_MS = 120000 }; /* a large site: every page is marked before the answer */

int command_remove(const struct command_line *line)
{
    if (line->is_prefix && line->is_site)
        return command_misused("--prefix and --site exclude each other");
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__RemoveRequest request = WIRE__REMOVE_REQUEST__INIT;
    request.scope = line->is_prefix ? LOG__REMOVE_SCOPE__REMOVE_PREFIX
                    : line->is_site ? LOG__REMOVE_SCOPE__REMOVE_SITE
                                    : LOG__REMOVE_SCOPE__REMOVE_PAGE;
    request.value = line->words[0];
    Wire__RemoveReply *reply = NULL;
    enum status status = installation_call_indexserver(
        &installation, WIRE__METHOD__REMOVE, &request.base, &wire__remove_reply__descriptor,
        REMOVE_TIMEOUT_MS, (void **)&reply, &err);
    uint64_t removed = status == STATUS_OK ? reply->removed : 0;
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    char count[PRINT_BYTES];
    if (line->json)
        json_print(json_pack("{s:I}", "removed", (json_int_t)removed));
    else
        printf("%s %s removed\n", text_of_count(removed, count), removed == 1 ? "page" : "pages");
    return EXIT_DONE;
}
