/* tierce status: what runs, what is indexed, what is crawled. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/answer_json.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/status_words.h"
#include "cluster/facts_json.h"
#include "cluster/names.h"

enum {
    WATCH_SECONDS = 2,
    SOURCES_SHOWN = 20,
};

static uint64_t resident(const Wire__Memory *memory)
{
    return memory == NULL ? 0 : memory->anonymous + memory->shared;
}

/* Whether everything does what it should; `status` exits with 1 where not. */
static bool is_well(const Wire__Stats *stats)
{
    if (stats->config_error[0] != '\0')
        return false;
    if (stats->indexserver == NULL || stats->indexserver->paused[0] != '\0')
        return false;
    for (size_t i = 0; i < stats->n_members; i++) {
        const Wire__MemberStatus *member = stats->members[i];
        bool stopped = member->barrel != NULL && member->barrel->stopped[0] != '\0';
        if (member->state != WIRE__MEMBER_STATE__STATE_READY || member->trouble[0] != '\0' ||
            stopped)
            return false;
    }
    return true;
}

static void print_head(const Wire__Stats *stats)
{
    char pages[STATUS_WORDS_BYTES], used[PRINT_BYTES], limit[PRINT_BYTES], searches[PRINT_BYTES];
    printf("Tierce %s at %s\n", stats->version, stats->base_url);
    printf("%s, %s %s answered, memory %s of %s\n", words_of_pages(stats, pages),
           text_of_count(stats->searches, searches), stats->searches == 1 ? "search" : "searches",
           text_of_bytes(resident(stats->memory), used), text_of_bytes(stats->memory_limit, limit));
    if (stats->config_error[0] != '\0') {
        fputs("the last edit of the configuration was refused: ", stdout);
        print_text(stdout, stats->config_error);
        fputc('\n', stdout);
    }
}

static void print_barrel(const Wire__BarrelStatus *barrel, uint32_t mean_response_us)
{
    char pages[PRINT_BYTES], size[PRINT_BYTES], position[PRINT_BYTES], latency[PRINT_BYTES];
    printf("shard %" PRIu32 ", %s pages, %s, position %s, %s", barrel->shard,
           text_of_count(barrel->documents, pages), text_of_bytes(barrel->bytes, size),
           text_of_count(barrel->position, position), text_of_latency(mean_response_us, latency));
    if (barrel->stopped[0] != '\0') {
        fputs("; stands still: ", stdout);
        print_text(stdout, barrel->stopped);
    }
    if (barrel->rebuilding)
        fputs("; is made again from the log", stdout);
    if (barrel->checked_percent > 0)
        printf("; %" PRIu32 " %% looked through for wrong bytes", barrel->checked_percent);
}

static void print_downloader(const Wire__DownloaderStatus *downloader)
{
    char pages[PRINT_BYTES], size[PRINT_BYTES];
    printf("%s pages, %s, %" PRIu32 " in hand", text_of_count(downloader->pages, pages),
           text_of_bytes(downloader->bytes, size), downloader->fetching);
}

static void print_member(const Wire__MemberStatus *member)
{
    char memory[PRINT_BYTES];
    printf("%-16s %-9s %7" PRIu32 "  %9s  ", member->name, state_name(member->state), member->pid,
           member->memory == NULL ? "-" : text_of_bytes(resident(member->memory), memory));
    if (member->barrel != NULL)
        print_barrel(member->barrel, member->mean_response_us);
    else if (member->downloader != NULL)
        print_downloader(member->downloader);
    else
        print_text(stdout, member->address);
    if (member->restarts > 0)
        printf(", restarted %" PRIu32 " times", member->restarts);
    if (member->trouble[0] != '\0') {
        fputs("; ", stdout);
        print_text(stdout, member->trouble);
    }
    fputc('\n', stdout);
}

static void print_source(const Wire__SourceStatus *source)
{
    char fetched[PRINT_BYTES], queued[PRINT_BYTES], failed[PRINT_BYTES];
    printf("%9s  %9s  %7s  ", text_of_count(source->fetched, fetched),
           text_of_count(source->queued, queued), text_of_count(source->failed, failed));
    print_text(stdout, source->url);
    fputs("  ", stdout);
    print_text(stdout, source->state);
    fputc('\n', stdout);
}

static void print_crawl(const Wire__IndexserverStatus *crawl)
{
    char known[PRINT_BYTES], hosts[PRINT_BYTES], head[PRINT_BYTES], size[PRINT_BYTES];
    char limit[PRINT_BYTES];
    printf("\nlog: position %s, %s", text_of_count(crawl->head, head),
           text_of_bytes(crawl->bytes, size));
    if (crawl->disk_limit != 0)
        printf(" of %s", text_of_bytes(crawl->disk_limit, limit));
    printf("; crawl: %s URLs known on %s hosts", text_of_count(crawl->urls_known, known),
           text_of_count(crawl->hosts, hosts));
    if (crawl->paused[0] != '\0') {
        fputs("; it stands still: ", stdout);
        print_text(stdout, crawl->paused);
    }
    fputc('\n', stdout);
    if (crawl->n_sources == 0)
        return;
    printf("\n%9s  %9s  %7s  SOURCE\n", "FETCHED", "QUEUED", "FAILED");
    for (size_t i = 0; i < crawl->n_sources && i < SOURCES_SHOWN; i++)
        print_source(crawl->sources[i]);
    if (crawl->n_sources > SOURCES_SHOWN)
        printf("  and %zu more: tierce status --json\n", crawl->n_sources - SOURCES_SHOWN);
}

static void print_queries(const Wire__Stats *stats)
{
    if (stats->n_top_queries == 0)
        return;
    fputs("\nmost frequent searches:", stdout);
    for (size_t i = 0; i < stats->n_top_queries; i++) {
        fputs(i == 0 ? " " : ", ", stdout);
        print_text(stdout, stats->top_queries[i]->query);
        printf(" (%" PRIu64 ")", stats->top_queries[i]->count);
    }
    fputc('\n', stdout);
}

static void print_stats(const Wire__Stats *stats)
{
    print_head(stats);
    printf("\n%-16s %-9s %7s  %9s\n", "PROCESS", "STATE", "PID", "MEMORY");
    for (size_t i = 0; i < stats->n_members; i++)
        print_member(stats->members[i]);
    if (stats->indexserver != NULL)
        print_crawl(stats->indexserver);
    print_queries(stats);
}

/* One look. The installation's arena is emptied before: nothing of an earlier look stays. */
static int show(const struct command_line *line, struct installation *installation)
{
    struct error err = {0};
    Wire__Stats *stats;
    if (installation_stats(installation, COMMAND_CALL_MS, &stats, &err) != STATUS_OK)
        return command_failed(&err);
    if (line->watch && isatty(STDOUT_FILENO))
        fputs("\x1b[H\x1b[J", stdout); /* home, and clear from there */
    if (line->json) {
        struct buffer bytes = {0};
        struct json_writer json = json_begin(&bytes);
        json_stats(&json, stats);
        json_print_bytes(&bytes);
    } else {
        print_stats(stats);
    }
    fflush(stdout);
    return is_well(stats) ? EXIT_DONE : EXIT_FAILED;
}

int command_status(const struct command_line *line)
{
    int exit_status;
    do {
        struct installation installation;
        if (!command_open(line, &installation))
            return EXIT_FAILED;
        exit_status = show(line, &installation);
        installation_close(&installation);
    } while (line->watch && sleep(WATCH_SECONDS) == 0);
    return exit_status;
}
