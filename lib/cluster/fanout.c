#include "cluster/fanout.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "rpc/client.h"

enum {
    HEDGE_MS_MIN = 50,
    HEDGE_TIMES = 3,     /* its usual time */
    AVOID_MS = 1000,     /* a replica that failed */
    PATIENCE_MS = 1000,  /* how long a shard without any replica is waited for */
    WHOLE_MS = 1000,     /* how long a whole replica is, before one is asked that is not */
    OUTAGE_MS = 5000,    /* not heard of for so long: the next failure is a new one */
    RETRY_MS_FIRST = 10, /* doubles up to RETRY_MS_MAX */
    RETRY_MS_MAX = 50,
    IN_FLIGHT_FIRST = 2, /* at once; where they are silent for too long, another: */
    IN_FLIGHT_MAX = 3,
    TRIED_MAX = 16, /* replicas of one shard in one round */
    METHODS = 16,   /* whose usual times are kept apart */
};

/* One replica as this thread knows it. */
struct peer {
    struct peer *next;
    uint64_t member;
    struct rpc_client *client;
    int64_t avoided_until_ms;
    int64_t usual_us[METHODS]; /* moving average by method; 0: not known */
    bool listed;               /* in the newest table */
};

struct fanout {
    struct cluster_key key;
    fanout_routing *routing;
    void *context;
    struct rpc_watch asker;
    bool asker_has_gone;
    struct peer *peers;
    uint64_t peers_version; /* of the table by which peers were last weeded */
    unsigned turn;          /* which replica comes first, in turn */
    /* By a shard's first slot: since when it is without an answer, and when that was last seen. */
    int64_t down_since_ms[SLOT_COUNT];
    int64_t down_seen_ms[SLOT_COUNT];
};

struct attempt {
    struct rpc_exchange exchange;
    struct peer *peer;
    int64_t started_us;
    bool is_whole; /* the replica was not being filled again */
};

/* One shard of the question in hand. */
struct asking {
    const struct routing_shard *shard; /* of the caller's table: for its slots */
    const ProtobufCMessage *request;
    uint64_t prefer;
    uint64_t position;
    struct attempt *attempts[IN_FLIGHT_MAX]; /* NULL: not in flight */
    struct attempt *spare[IN_FLIGHT_MAX];    /* memory of ended ones */
    uint64_t tried[TRIED_MAX];               /* members asked in this round */
    unsigned tried_count;
    int64_t hedge_ms; /* when to ask another one; INT64_MAX: not at all */
    int64_t retry_ms; /* when to begin another round; INT64_MAX: attempts are in flight */
    int64_t retry_wait_ms;
    int64_t give_up_ms;
    int64_t whole_until_ms; /* till then a whole replica that was asked is waited for alone */
    enum status failure;    /* of the last attempt */
    bool has_part;          /* the answer is filled in, with what a part of the shard says */
    bool settled;
    struct fanout_answer *answer;
};

struct ask {
    struct fanout *fanout;
    const struct fanout_question *question;
    const struct routing *routing; /* to choose replicas from */
    struct routing *fresh;         /* the same where it is ours to release */
    struct arena *arena;
    struct asking *shards;
    unsigned shard_count;
    int64_t deadline_ms;
};

enum status fanout_open(const struct cluster_key *key, fanout_routing *routing, void *context,
                        struct fanout **ret_fanout, struct error *err)
{
    struct fanout *fanout = calloc(1, sizeof(*fanout));
    if (fanout == NULL)
        return error_set(err, STATUS_NO_MEMORY, "fan-out");
    fanout->key = *key;
    fanout->routing = routing;
    fanout->context = context;
    fanout->asker.fd = -1;
    *ret_fanout = fanout;
    return STATUS_OK;
}

void fanout_set_asker(struct fanout *fanout, const struct rpc_watch *watch)
{
    fanout->asker = *watch;
    fanout->asker_has_gone = false;
}

static void peer_free(struct peer *peer)
{
    rpc_client_close(peer->client);
    free(peer);
}

void fanout_close(struct fanout *fanout)
{
    if (fanout == NULL)
        return;
    while (fanout->peers != NULL) {
        struct peer *peer = fanout->peers;
        fanout->peers = peer->next;
        peer_free(peer);
    }
    free(fanout);
}

/* ---- replicas ---- */

static struct peer *peer_find(struct fanout *fanout, const struct routing_replica *replica)
{
    for (struct peer *peer = fanout->peers; peer != NULL; peer = peer->next) {
        if (peer->member == replica->member &&
            strcmp(rpc_client_address(peer->client), replica->address) == 0)
            return peer;
    }
    return NULL;
}

static struct peer *peer_get(struct fanout *fanout, const struct routing_replica *replica)
{
    struct peer *peer = peer_find(fanout, replica);
    if (peer != NULL)
        return peer;
    peer = calloc(1, sizeof(*peer));
    if (peer == NULL)
        return NULL;
    peer->member = replica->member;
    if (rpc_client_open(replica->address, &fanout->key, &peer->client, NULL) != STATUS_OK) {
        free(peer);
        return NULL;
    }
    peer->next = fanout->peers;
    fanout->peers = peer;
    return peer;
}

/* Ends the connections to replicas that the table no longer has. Nothing is in flight. */
static void weed_peers(struct fanout *fanout, const struct routing *routing)
{
    if (fanout->peers_version == routing->version)
        return;
    fanout->peers_version = routing->version;
    for (struct peer *peer = fanout->peers; peer != NULL; peer = peer->next)
        peer->listed = false;
    for (unsigned i = 0; i < routing->shard_count; i++) {
        for (unsigned j = 0; j < routing->shards[i].replica_count; j++) {
            struct peer *peer = peer_find(fanout, &routing->shards[i].replicas[j]);
            if (peer != NULL)
                peer->listed = true;
        }
    }
    for (struct peer **at = &fanout->peers; *at != NULL;) {
        struct peer *peer = *at;
        if (peer->listed) {
            at = &peer->next;
            continue;
        }
        *at = peer->next;
        peer_free(peer);
    }
}

/* The shard with the same slots in the table to choose from; NULL when the slots were dealt anew.
 */
static const struct routing_shard *shard_now(const struct ask *ask, const struct asking *asking)
{
    for (unsigned i = 0; i < ask->routing->shard_count; i++) {
        const struct routing_shard *shard = &ask->routing->shards[i];
        if (shard->slot_first == asking->shard->slot_first &&
            shard->slot_last == asking->shard->slot_last)
            return shard;
    }
    return NULL;
}

static bool was_tried(const struct asking *asking, uint64_t member)
{
    for (unsigned i = 0; i < asking->tried_count; i++) {
        if (asking->tried[i] == member)
            return true;
    }
    return false;
}

/* A part of what its sibling finds is worth less than an answer that comes late, or later still. */
static int rank(const struct ask *ask, const struct asking *asking,
                const struct routing_replica *replica, int64_t now_ms)
{
    const struct peer *peer = peer_find(ask->fanout, replica);
    bool avoided = peer != NULL && peer->avoided_until_ms > now_ms;
    return (replica->rebuilding ? 0 : 8) + (avoided ? 0 : 4) +
           (replica->position >= asking->position ? 2 : 0) +
           (replica->member == asking->prefer ? 1 : 0);
}

/* The best replica not yet tried in this round; NULL: none is left. */
static const struct routing_replica *choose(const struct ask *ask, const struct asking *asking)
{
    const struct routing_shard *shard = shard_now(ask, asking);
    if (shard == NULL || asking->tried_count == TRIED_MAX)
        return NULL;
    const struct routing_replica *best = NULL;
    int best_rank = -1;
    int64_t now_ms = clock_boot_ms();
    for (unsigned i = 0; i < shard->replica_count; i++) {
        const struct routing_replica *replica =
            &shard->replicas[(ask->fanout->turn + i) % shard->replica_count];
        if (!replica->ready || was_tried(asking, replica->member))
            continue;
        int this_rank = rank(ask, asking, replica, now_ms);
        if (this_rank > best_rank) {
            best = replica;
            best_rank = this_rank;
        }
    }
    return best;
}

/* ---- one shard ---- */

static unsigned in_flight(const struct asking *asking)
{
    unsigned count = 0;
    for (unsigned i = 0; i < IN_FLIGHT_MAX; i++)
        count += asking->attempts[i] != NULL;
    return count;
}

static void drop_attempt(struct asking *asking, unsigned i)
{
    rpc_cancel(&asking->attempts[i]->exchange); /* nothing to one that is done */
    asking->spare[i] = asking->attempts[i];
    asking->attempts[i] = NULL;
}

static void settle(struct ask *ask, struct asking *asking, enum status status)
{
    struct fanout *fanout = ask->fanout;
    uint32_t slot = asking->shard->slot_first % SLOT_COUNT;
    int64_t now_ms = clock_boot_ms();
    if (asking->has_part && status != STATUS_CANCELLED)
        status = STATUS_OK;
    for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
        if (asking->attempts[i] != NULL)
            drop_attempt(asking, i);
    }
    if (status == STATUS_OK) {
        fanout->down_since_ms[slot] = 0;
    } else if (status == STATUS_UNAVAILABLE) {
        if (fanout->down_since_ms[slot] == 0)
            fanout->down_since_ms[slot] = now_ms;
        fanout->down_seen_ms[slot] = now_ms;
    }
    asking->settled = true;
    asking->answer->status = status;
}

/* No replica is left in this round: another round later, or the end. */
static void end_round(struct ask *ask, struct asking *asking)
{
    int64_t now_ms = clock_boot_ms();
    if (asking->has_part || asking->failure != STATUS_UNAVAILABLE || now_ms >= asking->give_up_ms) {
        settle(ask, asking, asking->failure);
        return;
    }
    asking->retry_ms = now_ms + asking->retry_wait_ms;
    asking->retry_wait_ms *= 2;
    if (asking->retry_wait_ms > RETRY_MS_MAX)
        asking->retry_wait_ms = RETRY_MS_MAX;
}

static void begin_attempt(struct ask *ask, struct asking *asking, struct peer *peer,
                          struct attempt *attempt, unsigned place)
{
    const struct fanout_question *question = ask->question;
    int64_t now_ms = clock_boot_ms();
    int64_t left_ms = ask->deadline_ms - now_ms;
    int64_t hedge_ms = HEDGE_TIMES * peer->usual_us[question->method % METHODS] / 1000;
    if (peer->avoided_until_ms > now_ms) /* it failed lately */
        asking->whole_until_ms = now_ms;
    asking->attempts[place] = attempt;
    asking->hedge_ms = now_ms + (hedge_ms > HEDGE_MS_MIN ? hedge_ms : HEDGE_MS_MIN);
    asking->retry_ms = INT64_MAX;
    attempt->peer = peer;
    attempt->started_us = clock_boot_us();
    rpc_start(peer->client, question->method, asking->request, question->reply_descriptor,
              ask->arena, left_ms > 1 ? (uint32_t)left_ms : 1, &attempt->exchange);
}

/* Whether one is asked that will tell more than one that is being filled again. */
static bool awaits_whole(const struct asking *asking)
{
    for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
        if (asking->attempts[i] != NULL && asking->attempts[i]->is_whole)
            return clock_boot_ms() < asking->whole_until_ms;
    }
    return false;
}

/* Asks the best replica that has not been asked yet, where there is one and room for it. */
static void ask_another(struct ask *ask, struct asking *asking)
{
    bool are_silent = clock_boot_ms() >= asking->whole_until_ms;
    asking->hedge_ms = are_silent ? INT64_MAX : asking->whole_until_ms; /* when there is room */
    if (in_flight(asking) >= (are_silent ? IN_FLIGHT_MAX : IN_FLIGHT_FIRST))
        return;
    unsigned place = 0;
    asking->hedge_ms = INT64_MAX;
    while (asking->attempts[place] != NULL)
        place++;
    const struct routing_replica *replica = choose(ask, asking);
    if (replica == NULL) {
        if (in_flight(asking) == 0)
            end_round(ask, asking);
        return;
    }
    if (replica->rebuilding && awaits_whole(asking)) {
        asking->hedge_ms = asking->whole_until_ms;
        return;
    }
    asking->tried[asking->tried_count++] = replica->member;
    struct peer *peer = peer_get(ask->fanout, replica);
    struct attempt *attempt = asking->spare[place];
    if (attempt == NULL)
        attempt = arena_alloc(ask->arena, sizeof(*attempt));
    if (peer == NULL || attempt == NULL) {
        asking->failure = STATUS_NO_MEMORY;
        if (in_flight(asking) == 0)
            settle(ask, asking, STATUS_NO_MEMORY);
        return;
    }
    attempt->is_whole = !replica->rebuilding;
    begin_attempt(ask, asking, peer, attempt, place);
}

/* Whether a whole one is asked, or can be, to say more than this one. */
static bool has_whole_sibling(const struct ask *ask, const struct asking *asking,
                              const struct attempt *attempt)
{
    for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
        const struct attempt *other = asking->attempts[i];
        if (other != NULL && other != attempt && other->is_whole)
            return true;
    }
    const struct routing_replica *next = choose(ask, asking);
    return next != NULL && !next->rebuilding;
}

static void take_answer(struct ask *ask, struct asking *asking, unsigned place)
{
    struct attempt *attempt = asking->attempts[place];
    int64_t us = clock_boot_us() - attempt->started_us;
    int64_t *usual_us = &attempt->peer->usual_us[ask->question->method % METHODS];
    bool is_part = ask->question->is_part != NULL ? ask->question->is_part(attempt->exchange.reply)
                                                  : !attempt->is_whole;
    bool is_first_part = is_part && attempt->is_whole && !asking->has_part &&
                         has_whole_sibling(ask, asking, attempt);
    *usual_us = *usual_us == 0 ? us : (*usual_us * 7 + us) / 8;
    attempt->peer->avoided_until_ms = 0;
    for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
        /* it was overtaken although it began earlier */
        struct attempt *other = asking->attempts[i];
        if (other != NULL && other->started_us < attempt->started_us)
            other->peer->avoided_until_ms = clock_boot_ms() + AVOID_MS;
    }
    asking->answer->reply = attempt->exchange.reply;
    asking->answer->member = attempt->peer->member;
    asking->answer->is_whole = !is_part;
    asking->answer->us = us;
    if (is_first_part) {
        asking->has_part = true;
        drop_attempt(asking, place);
        ask_another(ask, asking);
    } else {
        settle(ask, asking, STATUS_OK);
    }
}

/* Looks at what has come back for one shard. */
static void look(struct ask *ask, struct asking *asking)
{
    for (unsigned i = 0; i < IN_FLIGHT_MAX && !asking->settled; i++) {
        struct attempt *attempt = asking->attempts[i];
        if (attempt == NULL || !attempt->exchange.done)
            continue;
        if (attempt->exchange.status == STATUS_OK) {
            take_answer(ask, asking, i);
        } else {
            asking->failure = attempt->exchange.status;
            attempt->peer->avoided_until_ms = clock_boot_ms() + AVOID_MS;
            drop_attempt(asking, i);
            ask_another(ask, asking);
        }
        i = UINT32_MAX; /* look again: the new attempt may have failed at once */
    }
}

static void begin_round(struct ask *ask, struct asking *asking)
{
    asking->tried_count = 0;
    ask_another(ask, asking);
    look(ask, asking);
}

/* ---- all shards ---- */

static void refresh_routing(struct ask *ask)
{
    struct routing *fresh = ask->fanout->routing(ask->fanout->context);
    if (fresh == NULL)
        return;
    routing_release(ask->fresh);
    ask->fresh = fresh;
    ask->routing = fresh;
}

static void settle_all(struct ask *ask, enum status status)
{
    for (unsigned i = 0; i < ask->shard_count; i++) {
        if (!ask->shards[i].settled)
            settle(ask, &ask->shards[i], status);
    }
}

/* How long an answer, or a better one, is waited for. */
static int64_t until_ms(const struct ask *ask, const struct asking *asking)
{
    return asking->has_part && asking->whole_until_ms < ask->deadline_ms ? asking->whole_until_ms
                                                                         : ask->deadline_ms;
}

/* Begins the rounds and hedges that are due; returns how many shards are still asked. */
static unsigned advance(struct ask *ask)
{
    unsigned open = 0;
    bool refreshed = false;
    for (unsigned i = 0; i < ask->shard_count; i++) {
        struct asking *asking = &ask->shards[i];
        if (asking->settled)
            continue;
        int64_t now_ms = clock_boot_ms();
        look(ask, asking);
        if (!asking->settled && now_ms >= until_ms(ask, asking)) {
            settle(ask, asking, in_flight(asking) == 0 ? asking->failure : STATUS_TIMEOUT);
        } else if (!asking->settled && now_ms >= asking->retry_ms) {
            if (!refreshed)
                refresh_routing(ask);
            refreshed = true;
            begin_round(ask, asking);
        } else if (!asking->settled && now_ms >= asking->hedge_ms) {
            ask_another(ask, asking);
            look(ask, asking);
        }
        open += !asking->settled;
    }
    return open;
}

/* Every shard waits for its next round. */
static void pause_rounds(struct fanout *fanout, int64_t wait_ms)
{
    struct pollfd polled = {.fd = fanout->asker.fd, .events = fanout->asker.events};
    fanout->asker_has_gone = poll(&polled, 1, (int)wait_ms) > 0;
}

/* Waits until something comes back or is due, or the asker goes. */
static void wait_for_more(struct ask *ask, struct rpc_exchange **exchanges)
{
    unsigned count = 0;
    int64_t wake_ms = ask->deadline_ms;
    for (unsigned i = 0; i < ask->shard_count; i++) {
        const struct asking *asking = &ask->shards[i];
        if (asking->settled)
            continue;
        int64_t due_ms = until_ms(ask, asking);
        due_ms = asking->hedge_ms < due_ms ? asking->hedge_ms : due_ms;
        due_ms = asking->retry_ms < due_ms ? asking->retry_ms : due_ms;
        wake_ms = due_ms < wake_ms ? due_ms : wake_ms;
        for (unsigned j = 0; j < IN_FLIGHT_MAX; j++) {
            if (asking->attempts[j] != NULL)
                exchanges[count++] = &asking->attempts[j]->exchange;
        }
    }
    int64_t wait_ms = wake_ms - clock_boot_ms();
    if (wait_ms < 0)
        wait_ms = 0;
    if (count == 0)
        pause_rounds(ask->fanout, wait_ms);
    else
        rpc_wait_watching(exchanges, count, wait_ms, &ask->fanout->asker,
                          &ask->fanout->asker_has_gone);
}

/* How long this shard is waited for when no replica of it takes a connection. */
static int64_t patience_ends_ms(struct fanout *fanout, uint32_t slot, int64_t now_ms)
{
    slot %= SLOT_COUNT;
    if (fanout->down_since_ms[slot] != 0 && now_ms - fanout->down_seen_ms[slot] > OUTAGE_MS)
        fanout->down_since_ms[slot] = 0;
    return fanout->down_since_ms[slot] == 0 ? now_ms + PATIENCE_MS : fanout->down_since_ms[slot];
}

static void begin(struct ask *ask, const struct routing *routing, struct fanout_answer *answers)
{
    const struct fanout_question *question = ask->question;
    int64_t now_ms = clock_boot_ms();
    int64_t whole_ms = question->timeout_ms / 2 < WHOLE_MS ? question->timeout_ms / 2 : WHOLE_MS;
    ask->deadline_ms = now_ms + question->timeout_ms;
    ask->fanout->turn++;
    for (unsigned i = 0; i < ask->shard_count; i++) {
        struct asking *asking = &ask->shards[i];
        *asking = (struct asking){
            .shard = &routing->shards[i],
            .request = question->requests == NULL ? question->request : question->requests[i],
            .prefer = question->prefer == NULL ? 0 : question->prefer[i],
            .position = question->positions == NULL ? 0 : question->positions[i],
            .hedge_ms = INT64_MAX,
            .retry_ms = INT64_MAX,
            .retry_wait_ms = RETRY_MS_FIRST,
            .give_up_ms = patience_ends_ms(ask->fanout, routing->shards[i].slot_first, now_ms),
            .whole_until_ms = now_ms + whole_ms,
            .failure = STATUS_UNAVAILABLE,
            .answer = &answers[i],
        };
        answers[i] =
            (struct fanout_answer){.asked = asking->request != NULL, .status = STATUS_UNAVAILABLE};
        asking->settled = !answers[i].asked;
    }
    for (unsigned i = 0; i < ask->shard_count; i++) { /* all, before looking at any */
        if (!ask->shards[i].settled && !ask->fanout->asker_has_gone)
            ask_another(ask, &ask->shards[i]);
    }
}

unsigned fanout_ask(struct fanout *fanout, const struct routing *routing,
                    const struct fanout_question *question, struct arena *arena,
                    struct fanout_answer *ret_answers)
{
    unsigned count = routing->shard_count;
    struct ask ask = {
        .fanout = fanout,
        .question = question,
        .routing = routing,
        .arena = arena,
        .shard_count = count,
        .shards = arena_alloc(arena, count * sizeof(*ask.shards) + 1),
    };
    struct rpc_exchange **exchanges =
        arena_alloc(arena, count * IN_FLIGHT_MAX * sizeof(*exchanges) + 1);
    if (ask.shards == NULL || exchanges == NULL) {
        for (unsigned i = 0; i < count; i++)
            ret_answers[i] = (struct fanout_answer){.status = STATUS_NO_MEMORY};
        return 0;
    }
    weed_peers(fanout, routing);
    begin(&ask, routing, ret_answers);
    while (advance(&ask) != 0 && !fanout->asker_has_gone)
        wait_for_more(&ask, exchanges);
    settle_all(&ask, STATUS_CANCELLED);
    routing_release(ask.fresh);
    unsigned answered = 0;
    for (unsigned i = 0; i < count; i++)
        answered += ret_answers[i].asked && ret_answers[i].status == STATUS_OK;
    return answered;
}
