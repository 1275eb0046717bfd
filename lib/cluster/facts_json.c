#include "cluster/facts_json.h"

#include <string.h>

#include "cluster/names.h"

static void write_facts(struct json_writer *json, const Wire__Stage *stage)
{
    json_open_array(json, "facts");
    for (size_t i = 0; i < stage->n_facts; i++) {
        json_open_object(json, NULL);
        json_put_string(json, "name", stage->facts[i]->name);
        json_put_string(json, "value", stage->facts[i]->value);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_stages(struct json_writer *json, Wire__Stage *const *stages, size_t count)
{
    json_open_array(json, "stages");
    for (size_t i = 0; i < count; i++) {
        const Wire__Stage *stage = stages[i];
        json_open_object(json, NULL);
        json_put_string(json, "name", stage->name);
        json_put_string(json, "verdict", stage->verdict);
        json_put_string(json, "words", stage->words);
        json_put_time(json, "time", stage->time_us);
        json_put_string(json, "cure", stage->cure);
        write_facts(json, stage);
        json_close_object(json);
    }
    json_close_array(json);
}

static void write_fetches(struct json_writer *json, const Wire__LookupReply *reply)
{
    json_open_array(json, "fetches");
    for (size_t i = 0; i < reply->n_fetches; i++) {
        const Wire__PastFetch *fetch = reply->fetches[i];
        json_open_object(json, NULL);
        json_put_time(json, "time", fetch->time_us);
        json_put_unsigned(json, "status", fetch->status);
        json_put_string(json, "result", fetch_result_name(fetch->reason));
        json_put_unsigned(json, "fetch_ms", fetch->fetch_ms);
        json_put_boolean(json, "changed", fetch->changed);
        json_put_string(json, "words", fetch->words);
        json_close_object(json);
    }
    json_close_array(json);
}

void json_why(struct json_writer *json, const Wire__LookupReply *reply)
{
    json_open_object(json, NULL);
    json_put_string(json, "url", reply->url);
    json_put_string(json, "asked", reply->asked);
    json_put_boolean(json, "known", reply->known);
    json_put_unsigned(json, "slot", reply->slot);
    write_stages(json, reply->stages, reply->n_stages);
    write_fetches(json, reply);
    json_close_object(json);
}

/* The text is cut: who tests a page wants to see that it is the right one. */
static void write_page(struct json_writer *json, const Page__Page *page)
{
    enum { TEXT_BYTES = 4000 };
    struct buffer text = {0};
    buffer_append(&text, page->text, strnlen(page->text, TEXT_BYTES));
    json_open_object(json, "page");
    json_put_string(json, "title", page->title);
    json_put_string(json, "description", page->description);
    json_put_string(json, "language", page->language);
    json_put_string(json, "charset", page->charset);
    json_put_string(json, "content_type", page->content_type);
    json_put_string(json, "canonical", page->canonical);
    json_put_boolean(json, "noindex", page->noindex);
    json_put_boolean(json, "nofollow", page->nofollow);
    json_open_array(json, "headings");
    for (size_t i = 0; i < page->n_headings; i++) {
        json_open_object(json, NULL);
        json_put_unsigned(json, "level", page->headings[i]->level);
        json_put_string(json, "text", page->headings[i]->text);
        json_close_object(json);
    }
    json_close_array(json);
    json_put_string(json, "text", buffer_string(&text));
    json_close_object(json);
    buffer_release(&text);
}

static void write_test_links(struct json_writer *json, const Wire__TestUrlReply *reply)
{
    json_put_unsigned(json, "link_count", reply->link_count);
    json_open_array(json, "links");
    for (size_t i = 0; i < reply->n_links; i++) {
        json_open_object(json, NULL);
        json_put_string(json, "url", reply->links[i]->url);
        json_put_string(json, "anchor", reply->links[i]->anchor);
        json_put_boolean(json, "followed", reply->links[i]->followed);
        json_put_string(json, "words", reply->links[i]->words);
        json_close_object(json);
    }
    json_close_array(json);
}

void json_test_url(struct json_writer *json, const Wire__TestUrlReply *reply)
{
    json_open_object(json, NULL);
    json_put_string(json, "url", reply->url);
    json_put_boolean(json, "indexed", reply->indexed);
    write_stages(json, reply->stages, reply->n_stages);
    json_open_array(json, "hops");
    for (size_t i = 0; i < reply->n_hops; i++) {
        json_open_object(json, NULL);
        json_put_string(json, "url", reply->hops[i]->url);
        json_put_unsigned(json, "status", reply->hops[i]->status);
        json_put_string(json, "address", reply->hops[i]->address);
        json_close_object(json);
    }
    json_close_array(json);
    if (reply->page != NULL)
        write_page(json, reply->page);
    write_test_links(json, reply);
    json_close_object(json);
}

void json_submit_reply(struct json_writer *json, const Wire__SubmitReply *reply)
{
    json_open_object(json, NULL);
    json_put_unsigned(json, "accepted", reply->accepted);
    json_open_array(json, "rejected");
    for (size_t i = 0; i < reply->n_rejected; i++) {
        json_open_object(json, NULL);
        json_put_string(json, "url", reply->rejected[i]->url);
        json_put_string(json, "reason", reply->rejected[i]->reason);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
}

static void write_memory(struct json_writer *json, const Wire__Memory *memory)
{
    json_put_unsigned(json, "anonymous", memory == NULL ? 0 : memory->anonymous);
    json_put_unsigned(json, "shared", memory == NULL ? 0 : memory->shared);
    json_put_unsigned(json, "mapped", memory == NULL ? 0 : memory->mapped);
}

static void write_barrel(struct json_writer *json, const Wire__MemberStatus *member)
{
    const Wire__BarrelStatus *barrel = member->barrel;
    if (barrel == NULL)
        return;
    json_open_object(json, NULL);
    json_put_string(json, "name", member->name);
    json_put_string(json, "address", member->address);
    json_put_string(json, "state", state_name(member->state));
    json_put_unsigned(json, "shard", barrel->shard);
    json_put_unsigned(json, "replica", barrel->replica);
    json_put_unsigned(json, "documents", barrel->documents);
    json_put_unsigned(json, "segments", barrel->segments);
    json_put_unsigned(json, "edges", barrel->edges);
    json_put_unsigned(json, "bytes", barrel->bytes);
    json_put_unsigned(json, "position", barrel->position);
    json_put_unsigned(json, "calls", member->calls);
    json_put_tenths(json, "mean_response_ms", member->mean_response_us);
    json_put_string(json, "stopped", barrel->stopped);
    json_put_boolean(json, "rebuilding", barrel->rebuilding);
    json_put_unsigned(json, "checked_percent", barrel->checked_percent);
    json_put_time(json, "checked_at", barrel->checked_us);
    json_close_object(json);
}

static void write_downloader(struct json_writer *json, const Wire__MemberStatus *member)
{
    const Wire__DownloaderStatus *downloader = member->downloader;
    if (downloader == NULL)
        return;
    json_open_object(json, NULL);
    json_put_string(json, "name", member->name);
    json_put_unsigned(json, "pages", downloader->pages);
    json_put_unsigned(json, "bytes", downloader->bytes);
    json_put_unsigned(json, "errors", downloader->errors);
    json_put_unsigned(json, "fetching", downloader->fetching);
    json_put_unsigned(json, "parser_restarts", downloader->parser_restarts);
    json_close_object(json);
}

static void write_process(struct json_writer *json, const Wire__MemberStatus *member)
{
    json_open_object(json, NULL);
    json_put_string(json, "name", member->name);
    json_put_string(json, "role", role_name(member->role));
    json_put_string(json, "state", state_name(member->state));
    json_put_unsigned(json, "pid", member->pid);
    json_put_string(json, "machine", member->machine);
    json_put_string(json, "address", member->address);
    json_put_string(json, "version", member->version);
    json_put_unsigned(json, "restarts", member->restarts);
    json_put_time(json, "started_at", member->started_us);
    json_put_string(json, "trouble", member->trouble);
    write_memory(json, member->memory);
    json_close_object(json);
}

static void write_members(struct json_writer *json, const Wire__Stats *stats)
{
    json_open_array(json, "barrels");
    for (size_t i = 0; i < stats->n_members; i++)
        if (stats->members[i]->role == WIRE__ROLE__ROLE_BARREL)
            write_barrel(json, stats->members[i]);
    json_close_array(json);
    json_open_array(json, "downloaders");
    for (size_t i = 0; i < stats->n_members; i++)
        if (stats->members[i]->role == WIRE__ROLE__ROLE_DOWNLOADER)
            write_downloader(json, stats->members[i]);
    json_close_array(json);
    json_open_array(json, "processes");
    for (size_t i = 0; i < stats->n_members; i++)
        write_process(json, stats->members[i]);
    json_close_array(json);
}

static void write_source(struct json_writer *json, const Wire__SourceStatus *source)
{
    json_open_object(json, NULL);
    json_put_string(json, "url", source->url);
    json_put_string(json, "state", source->state);
    json_put_unsigned(json, "known", source->known);
    json_put_unsigned(json, "queued", source->queued);
    json_put_unsigned(json, "fetched", source->fetched);
    json_put_unsigned(json, "failed", source->failed);
    json_put_unsigned(json, "bytes", source->bytes);
    json_put_boolean(json, "public", source->is_public);
    json_close_object(json);
}

static void write_crawl(struct json_writer *json, const Wire__IndexserverStatus *crawl)
{
    static const Wire__IndexserverStatus none = WIRE__INDEXSERVER_STATUS__INIT;
    if (crawl == NULL)
        crawl = &none;
    json_open_object(json, "frontier");
    json_put_unsigned(json, "known", crawl->urls_known);
    json_put_unsigned(json, "queued", crawl->urls_queued);
    json_put_unsigned(json, "leased", crawl->urls_leased);
    json_put_unsigned(json, "fetched", crawl->urls_fetched);
    json_put_unsigned(json, "hosts", crawl->hosts);
    json_put_unsigned(json, "hosts_waiting", crawl->hosts_waiting);
    json_put_string(json, "paused", crawl->paused);
    json_close_object(json);
    json_open_object(json, "log");
    json_put_unsigned(json, "position", crawl->head);
    json_put_unsigned(json, "entries", crawl->entries);
    json_put_unsigned(json, "documents", crawl->pages);
    json_put_unsigned(json, "bytes", crawl->bytes);
    json_put_unsigned(json, "disk_limit", crawl->disk_limit);
    json_put_unsigned(json, "oldest_position", crawl->oldest_position);
    json_close_object(json);
    json_open_array(json, "sources");
    for (size_t i = 0; i < crawl->n_sources; i++)
        write_source(json, crawl->sources[i]);
    json_close_array(json);
}

void json_stats(struct json_writer *json, const Wire__Stats *stats)
{
    json_open_object(json, NULL);
    json_put_time(json, "time", stats->time_us);
    json_put_string(json, "version", stats->version);
    json_put_unsigned(json, "documents", stats->corpus == NULL ? 0 : stats->corpus->documents);
    json_put_unsigned(json, "searches", stats->searches);
    json_put_unsigned(json, "requests", stats->requests);
    json_put_unsigned(json, "cache_hits", stats->cache_hits);
    json_put_unsigned(json, "partial", stats->partial);
    json_put_unsigned(json, "limited", stats->limited);
    json_open_array(json, "top_searches");
    for (size_t i = 0; i < stats->n_top_queries; i++) {
        json_open_object(json, NULL);
        json_put_string(json, "query", stats->top_queries[i]->query);
        json_put_unsigned(json, "count", stats->top_queries[i]->count);
        json_close_object(json);
    }
    json_close_array(json);
    write_members(json, stats);
    write_crawl(json, stats->indexserver);
    json_open_object(json, "memory");
    write_memory(json, stats->memory);
    json_put_unsigned(json, "resident",
                      stats->memory == NULL ? 0 : stats->memory->anonymous + stats->memory->shared);
    json_put_unsigned(json, "limit", stats->memory_limit);
    json_close_object(json);
    json_open_object(json, "config");
    json_put_unsigned(json, "version", stats->config_version);
    json_put_string(json, "error", stats->config_error);
    json_close_object(json);
    json_put_string(json, "base_url", stats->base_url);
    json_close_object(json);
}
