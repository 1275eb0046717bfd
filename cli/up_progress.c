#include "cli/up_progress.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "cli/print.h"

enum {
    PATIENCE_MS = 4000,       /* without a change, until it is told what is waited for */
    PAGES_INTERVAL_MS = 2000, /* between two lines on the handbook, where lines stay */
};

static const char *const role_words[UP_ROLES][2] = {
    [WIRE__ROLE__ROLE_INDEXSERVER] = {"indexserver", "indexservers"},
    [WIRE__ROLE__ROLE_BARREL] = {"barrel", "barrels"},
    [WIRE__ROLE__ROLE_GATEWAY] = {"gateway", "gateways"},
    [WIRE__ROLE__ROLE_DOWNLOADER] = {"downloader", "downloaders"},
    [WIRE__ROLE__ROLE_GRPC] = {"gateway for gRPC", "gateways for gRPC"},
    [WIRE__ROLE__ROLE_PROXY] = {"proxy", "proxies"},
};

void up_progress_begin(struct up_progress *progress, FILE *file, bool is_terminal, int64_t now_ms)
{
    *progress = (struct up_progress){
        .file = file, .is_terminal = is_terminal, .moved_ms = now_ms, .waiting_ms = now_ms};
}

void up_progress_end_line(struct up_progress *progress)
{
    if (progress->line_is_open)
        fputc('\n', progress->file);
    progress->line_is_open = false;
}

static void count_roles(const Wire__Stats *stats, unsigned all[UP_ROLES], unsigned ready[UP_ROLES])
{
    memset(all, 0, UP_ROLES * sizeof(*all));
    memset(ready, 0, UP_ROLES * sizeof(*ready));
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        if ((unsigned)member->role >= UP_ROLES)
            continue;
        all[member->role]++;
        ready[member->role] += member->state == WIRE__MEMBER_STATE__STATE_READY;
    }
}

bool up_progress_is_ready(const Wire__Stats *stats)
{
    unsigned all[UP_ROLES], ready[UP_ROLES];
    count_roles(stats, all, ready);
    for (unsigned role = 0; role < UP_ROLES; role++)
        if (ready[role] < all[role])
            return false;
    return ready[WIRE__ROLE__ROLE_INDEXSERVER] > 0 && ready[WIRE__ROLE__ROLE_BARREL] > 0 &&
           ready[WIRE__ROLE__ROLE_GATEWAY] > 0;
}

/* A role is told when all of it that there is to be is ready. */
static void tell_roles(struct up_progress *progress, const Wire__Stats *stats, int64_t now_ms)
{
    unsigned all[UP_ROLES], ready[UP_ROLES];
    count_roles(stats, all, ready);
    for (unsigned role = 0; role < UP_ROLES; role++) {
        if (role_words[role][0] == NULL || all[role] == 0 || ready[role] < all[role] ||
            progress->told[role] >= ready[role])
            continue;
        up_progress_end_line(progress);
        if (ready[role] == 1)
            fprintf(progress->file, "  %s: ready\n", role_words[role][0]);
        else
            fprintf(progress->file, "  %u %s: ready\n", ready[role], role_words[role][1]);
        progress->told[role] = ready[role];
        progress->moved_ms = now_ms;
    }
}

static void tell_waiting(struct up_progress *progress, const Wire__Stats *stats)
{
    up_progress_end_line(progress);
    if (stats == NULL) {
        fputs("  waiting for the orchestrator\n", progress->file);
        return;
    }
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        if (member->state == WIRE__MEMBER_STATE__STATE_READY)
            continue;
        fprintf(progress->file, "  waiting for %s%s", member->name,
                member->trouble[0] != '\0' ? ": " : "");
        print_text(progress->file, member->trouble);
        fputc('\n', progress->file);
    }
}

static const Wire__SourceStatus *handbook_of(const Wire__Stats *stats)
{
    static const char ending[] = "/handbook/";
    if (stats->indexserver == NULL || stats->indexserver->n_sources != 1)
        return NULL;
    const Wire__SourceStatus *source = stats->indexserver->sources[0];
    size_t size = strlen(source->url);
    size_t end = sizeof(ending) - 1;
    return size > end && strcmp(source->url + size - end, ending) == 0 ? source : NULL;
}

/* The barrels have taken up all that is in the log. */
static bool barrels_are_level(const Wire__Stats *stats)
{
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__BarrelStatus *barrel = stats->members[i]->barrel;
        if (barrel != NULL && barrel->position < stats->indexserver->head)
            return false;
    }
    return true;
}

bool up_progress_handbook_is_pending(const Wire__Stats *stats)
{
    const Wire__SourceStatus *handbook = handbook_of(stats);
    if (handbook == NULL)
        return false;
    bool is_fetched = strcmp(handbook->state, "crawling") != 0 && handbook->known > 0;
    return !is_fetched || !barrels_are_level(stats);
}

static void tell_handbook(struct up_progress *progress, const Wire__Stats *stats, int64_t now_ms)
{
    const Wire__SourceStatus *handbook = handbook_of(stats);
    if (handbook == NULL || !up_progress_is_ready(stats) || progress->handbook_is_told)
        return;
    bool is_whole = !up_progress_handbook_is_pending(stats);
    bool has_moved = handbook->fetched != progress->pages_told;
    bool is_due = progress->is_terminal || now_ms - progress->pages_told_ms >= PAGES_INTERVAL_MS;
    if (!is_whole && !(has_moved && is_due))
        return;
    if (progress->line_is_open)
        fputs("\r\x1b[K", progress->file);
    fprintf(progress->file, "  handbook: %" PRIu64, handbook->fetched);
    if (!is_whole)
        fprintf(progress->file, " of %" PRIu64, handbook->known);
    fputs(handbook->fetched == 1 ? " page indexed" : " pages indexed", progress->file);
    fflush(progress->file);
    progress->line_is_open = true;
    if (is_whole || !progress->is_terminal)
        up_progress_end_line(progress);
    progress->handbook_is_told = is_whole;
    progress->pages_told = handbook->fetched;
    progress->pages_told_ms = now_ms;
    progress->moved_ms = now_ms;
}

void up_progress_take(struct up_progress *progress, const Wire__Stats *stats, int64_t now_ms)
{
    if (stats != NULL) {
        tell_roles(progress, stats, now_ms);
        tell_handbook(progress, stats, now_ms);
    }
    int64_t since =
        progress->moved_ms > progress->waiting_ms ? progress->moved_ms : progress->waiting_ms;
    if (now_ms - since >= PATIENCE_MS) {
        tell_waiting(progress, stats);
        progress->waiting_ms = now_ms;
    }
}
