/* tierce why: what became of a page. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/answer_json.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/stages.h"
#include "cluster/facts_json.h"
#include "cluster/holders.h"
#include "cluster/names.h"
#include "cluster/routing_wire.h"

enum { HOLDERS_MS = 2000 };

static void print_why_json(const Wire__LookupReply *reply)
{
    struct buffer bytes = {0};
    struct json_writer json = json_begin(&bytes);
    json_why(&json, reply);
    json_print_bytes(&bytes);
}

static void print_fetches(const Wire__LookupReply *reply)
{
    if (reply->n_fetches > 0)
        puts("fetches, the newest first");
    for (size_t i = 0; i < reply->n_fetches; i++) {
        const Wire__PastFetch *fetch = reply->fetches[i];
        char time[CLOCK_RFC3339_SIZE];
        printf("  %s  %3u  %6u ms  %s%s", clock_rfc3339(fetch->time_us, time), fetch->status,
               fetch->fetch_ms, fetch_result_name(fetch->reason),
               fetch->words[0] == '\0' ? "" : ": ");
        print_text(stdout, fetch->words);
        fputc('\n', stdout);
    }
}

static void print_why(const Wire__LookupReply *reply)
{
    print_text(stdout, reply->url);
    fputs(reply->known ? "\n" : ": not known here\n", stdout);
    stages_print(reply->stages, reply->n_stages);
    print_fetches(reply);
}

/* What the shard knows of it; without an orchestrator or a barrel that is missing, no more. */
static void add_holders(struct installation *installation, Wire__LookupReply *reply)
{
    Wire__Stats *stats;
    struct routing *routing;
    if (installation_stats(installation, COMMAND_CALL_MS, &stats, NULL) != STATUS_OK ||
        routing_from_wire(stats->routing, &routing, NULL) != STATUS_OK)
        return;
    holders_tell(routing, &installation->key, HOLDERS_MS, &installation->arena, reply);
    routing_release(routing);
}

int command_why(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__LookupRequest request = WIRE__LOOKUP_REQUEST__INIT;
    request.url = check_alloc(arena_format(&installation.arena, "%s%s",
                                           strstr(line->words[0], "://") == NULL ? "https://" : "",
                                           line->words[0]));
    Wire__LookupReply *reply = NULL;
    enum status status = installation_call_indexserver(
        &installation, WIRE__METHOD__LOOKUP, &request.base, &wire__lookup_reply__descriptor,
        COMMAND_CALL_MS, (void **)&reply, &err);
    bool known = status == STATUS_OK && reply->known;
    if (status == STATUS_OK)
        add_holders(&installation, reply);
    if (status == STATUS_OK && line->json)
        print_why_json(reply);
    else if (status == STATUS_OK)
        print_why(reply);
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    return known ? EXIT_DONE : EXIT_FAILED;
}
