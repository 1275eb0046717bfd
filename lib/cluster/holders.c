#include "cluster/holders.h"

#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rpc/client.h"

enum { REPLICAS_MAX = 16, LINKS_SHOWN = 5 };

/* One replica, and what it is asked. */
struct asked {
    const struct routing_replica *replica;
    struct rpc_client *client;
    struct rpc_exchange documents;
    struct rpc_exchange links;
    struct error err;
    enum status status; /* of opening the client */
};

struct holders {
    struct arena *arena;
    const struct routing_shard *shard;
    unsigned shard_index;
    struct asked *replicas;
    unsigned count;
    unsigned answered, holding;
};

static void add_fact(struct holders *h, Wire__Stage *stage, const char *name, const char *value)
{
    Wire__Fact *fact = arena_alloc(h->arena, sizeof(*fact));
    char *copy = arena_string(h->arena, name); /* a replica's outlives the routing table */
    if (fact == NULL || copy == NULL || value == NULL || value[0] == '\0')
        return;
    wire__fact__init(fact);
    fact->name = copy;
    fact->value = (char *)value;
    stage->facts[stage->n_facts++] = fact;
}

static Wire__Stage *new_stage(struct holders *h, const char *name, size_t facts_max)
{
    Wire__Stage *stage = arena_alloc(h->arena, sizeof(*stage));
    if (stage == NULL)
        return NULL;
    wire__stage__init(stage);
    stage->name = (char *)name;
    stage->verdict = (char *)"unknown";
    stage->facts = arena_alloc(h->arena, (facts_max + 1) * sizeof(*stage->facts));
    return stage->facts == NULL ? NULL : stage;
}

/* ---- asking ---- */

static void ask(struct asked *a, const struct cluster_key *key, const Wire__LookupReply *about,
                uint32_t timeout_ms, struct arena *arena)
{
    uint64_t hash = url_hash(about->url, strlen(about->url));
    Wire__DocumentsRequest documents = WIRE__DOCUMENTS_REQUEST__INIT;
    Wire__BacklinksRequest links = WIRE__BACKLINKS_REQUEST__INIT;
    a->status = rpc_client_open(a->replica->address, key, &a->client, &a->err);
    if (a->status != STATUS_OK)
        return;
    documents.url_hashes = &hash;
    documents.n_url_hashes = 1;
    documents.include_private = true;
    links.url = about->url;
    links.size = LINKS_SHOWN;
    links.include_private = true;
    rpc_start(a->client, WIRE__METHOD__DOCUMENTS, &documents.base,
              &wire__documents_reply__descriptor, arena, timeout_ms, &a->documents);
    rpc_start(a->client, WIRE__METHOD__BACKLINKS, &links.base, &wire__backlinks_reply__descriptor,
              arena, timeout_ms, &a->links);
}

/* Until all have answered, or their time is over. */
static void wait_for_all(struct holders *h, uint32_t timeout_ms)
{
    struct rpc_exchange *exchanges[2 * REPLICAS_MAX];
    int64_t until_ms = clock_boot_ms() + timeout_ms;
    unsigned count = 0;
    for (unsigned i = 0; i < h->count; i++) {
        if (h->replicas[i].client == NULL)
            continue;
        exchanges[count++] = &h->replicas[i].documents;
        exchanges[count++] = &h->replicas[i].links;
    }
    for (int64_t left_ms = timeout_ms; left_ms > 0; left_ms = until_ms - clock_boot_ms()) {
        unsigned done = 0;
        for (unsigned i = 0; i < count; i++)
            done += exchanges[i]->done;
        if (done == count)
            return;
        rpc_wait(exchanges, count, left_ms);
    }
}

/* ---- telling ---- */

/* "has it, fetched 2026-11-22T14:42:28Z; it has read the log to entry 17" */
static const char *replica_words(struct holders *h, struct asked *a, const char *url)
{
    char time[CLOCK_RFC3339_SIZE];
    const struct rpc_exchange *exchange = &a->documents;
    if (a->client == NULL)
        return arena_format(h->arena, "does not answer: %s", a->err.text);
    if (!exchange->done || exchange->status != STATUS_OK)
        return arena_format(h->arena, "does not answer: %s",
                            exchange->done ? exchange->error.text : "timeout");
    const Wire__DocumentsReply *reply = exchange->reply;
    bool has = reply->n_documents == 1 && reply->documents[0]->found &&
               strcmp(reply->documents[0]->url, url) == 0;
    h->answered++;
    h->holding += has;
    if (!has)
        return arena_format(h->arena, "has it not; it has read the log to entry %lu%s",
                            reply->position,
                            reply->rebuilding ? ", and its index is being made again" : "");
    return arena_format(h->arena, "has it, fetched %s; it has read the log to entry %lu",
                        clock_rfc3339(reply->documents[0]->fetched_us, time), reply->position);
}

static bool is_told_to_barrels(const Wire__LookupReply *reply)
{
    for (size_t i = 0; i < reply->n_stages; i++) {
        if (strcmp(reply->stages[i]->name, "index") == 0)
            return strcmp(reply->stages[i]->verdict, "ok") == 0;
    }
    return false;
}

static Wire__Stage *tell_shard(struct holders *h, const Wire__LookupReply *reply)
{
    Wire__Stage *stage = new_stage(h, "shard", h->count);
    if (stage == NULL)
        return NULL;
    for (unsigned i = 0; i < h->count; i++)
        add_fact(h, stage, h->replicas[i].replica->name,
                 replica_words(h, &h->replicas[i], reply->url));
    stage->words = arena_format(h->arena, "slot %u, shard %u (slots %u to %u): %u of %u %s it",
                                reply->slot, h->shard_index, h->shard->slot_first,
                                h->shard->slot_last, h->holding, h->shard->replica_count,
                                h->shard->replica_count == 1 ? "replica has" : "replicas have");
    if (h->holding > 0)
        stage->verdict = (char *)"ok";
    else if (is_told_to_barrels(reply)) {
        stage->verdict = (char *)"waiting";
        stage->cure = (char *)"a moment; `tierce status` says which barrel stands still";
    }
    return stage->words == NULL ? NULL : stage;
}

/* What the first replica that answered knows of pages that link here. */
static Wire__Stage *tell_links(struct holders *h)
{
    const Wire__BacklinksReply *reply = NULL;
    Wire__Stage *stage = new_stage(h, "links", LINKS_SHOWN);
    for (unsigned i = 0; i < h->count && reply == NULL; i++) {
        const struct rpc_exchange *exchange = &h->replicas[i].links;
        if (h->replicas[i].client != NULL && exchange->done && exchange->status == STATUS_OK)
            reply = exchange->reply;
    }
    if (stage == NULL || reply == NULL)
        return NULL;
    stage->verdict = (char *)(reply->total > 0 ? "ok" : "unknown");
    stage->words =
        arena_format(h->arena, reply->total == 1 ? "%lu page links to it" : "%lu pages link to it",
                     reply->total);
    for (size_t i = 0; i < reply->n_links && i < LINKS_SHOWN; i++) {
        const Wire__Backlink *link = reply->links[i];
        add_fact(h, stage, "linked from",
                 link->anchor[0] == '\0'
                     ? link->url
                     : arena_format(h->arena, "%s, as \"%s\"", link->url, link->anchor));
    }
    return stage->words == NULL ? NULL : stage;
}

static void append(struct holders *h, Wire__LookupReply *reply, Wire__Stage *shard,
                   Wire__Stage *links)
{
    Wire__Stage **stages = arena_alloc(h->arena, (reply->n_stages + 2) * sizeof(*stages));
    if (stages == NULL)
        return;
    for (size_t i = 0; i < reply->n_stages; i++)
        stages[i] = reply->stages[i];
    reply->stages = stages;
    if (shard != NULL)
        stages[reply->n_stages++] = shard;
    if (links != NULL)
        stages[reply->n_stages++] = links;
}

void holders_tell(const struct routing *routing, const struct cluster_key *key, uint32_t timeout_ms,
                  struct arena *arena, Wire__LookupReply *reply)
{
    unsigned index = routing_shard_of(routing, reply->slot);
    if (index == routing->shard_count)
        return;
    struct holders h = {.arena = arena, .shard = &routing->shards[index], .shard_index = index};
    h.count = h.shard->replica_count < REPLICAS_MAX ? h.shard->replica_count : REPLICAS_MAX;
    h.replicas = arena_zalloc(arena, (h.count + 1) * sizeof(*h.replicas));
    if (h.replicas == NULL)
        return;
    for (unsigned i = 0; i < h.count; i++) {
        h.replicas[i].replica = &h.shard->replicas[i];
        ask(&h.replicas[i], key, reply, timeout_ms, arena);
    }
    wait_for_all(&h, timeout_ms);
    Wire__Stage *shard = tell_shard(&h, reply), *links = tell_links(&h);
    append(&h, reply, shard, links);
    for (unsigned i = 0; i < h.count; i++)
        rpc_client_close(h.replicas[i].client);
}
