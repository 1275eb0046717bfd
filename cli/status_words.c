#include "cli/status_words.h"

#include <stdbool.h>
#include <stdio.h>

#include "cli/print.h"

/* Barrels tell what they hold once they are ready; then the orchestrator sums up, a moment later.
 */
static bool has_counted_none(const Wire__Stats *stats)
{
    bool has_barrel = false;
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        if (member->role != WIRE__ROLE__ROLE_BARREL)
            continue;
        if (member->barrel == NULL || member->barrel->documents > 0 ||
            member->state != WIRE__MEMBER_STATE__STATE_READY)
            return false;
        has_barrel = true;
    }
    return has_barrel;
}

char *words_of_pages(const Wire__Stats *stats, char ret[STATUS_WORDS_BYTES])
{
    char count[PRINT_BYTES];
    uint64_t documents = stats->corpus == NULL ? 0 : stats->corpus->documents;
    if (documents == 0 && !has_counted_none(stats))
        snprintf(ret, STATUS_WORDS_BYTES, "pages not counted yet");
    else
        snprintf(ret, STATUS_WORDS_BYTES, "%s %s indexed", text_of_count(documents, count),
                 documents == 1 ? "page" : "pages");
    return ret;
}
