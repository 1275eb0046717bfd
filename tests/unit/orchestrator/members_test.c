#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/wait.h>

#include "base/check.h"
#include "base/log.h"
#include "orchestrator/corpus.h"
#include "orchestrator/members.h"
#include "orchestrator/token.h"
#include "rpc/frame.h"
#include "support.h"

struct world {
    struct members *members;
    struct arena arena;
    uint64_t version;
    char last_ready[MEMBER_NAME_BYTES];
    struct error err;
};

static Wire__Settings *settings(void *context, Wire__Role role, struct arena *arena)
{
    struct world *world = context;
    Wire__Settings *made = check_alloc(arena_alloc(arena, sizeof(*made)));
    wire__settings__init(made);
    made->version = world->version;
    made->memory_bytes = role;
    return made;
}

static uint64_t version(void *context)
{
    return ((struct world *)context)->version;
}

static void ready(void *context, const char *name)
{
    struct world *world = context;
    snprintf(world->last_ready, sizeof(world->last_ready), "%s", name);
}

static void open_with(struct world *world, unsigned shards, unsigned reserved, const char *file)
{
    struct members_options options = {.shards = shards,
                                      .reserved_replicas = reserved,
                                      .state_file = file,
                                      .hostname = "localhost",
                                      .context = world,
                                      .settings = settings,
                                      .settings_version = version,
                                      .ready = ready};
    *world = (struct world){.version = 7};
    world->members = members_open(&options);
}

static void close_world(struct world *world)
{
    members_close(world->members);
    arena_release(&world->arena);
}

/* A process on another machine, so that its number means nothing here. */
static Wire__RegisterRequest request(Wire__Role role, const char *name, uint32_t pid)
{
    Wire__RegisterRequest made = WIRE__REGISTER_REQUEST__INIT;
    made.role = role;
    made.name = (char *)name;
    made.pid = pid;
    made.machine = (char *)"elsewhere";
    made.version = (char *)"0.1.0";
    made.protocol = PROTOCOL_VERSION;
    made.shard = -1;
    if (role == WIRE__ROLE__ROLE_BARREL || role == WIRE__ROLE__ROLE_INDEXSERVER)
        made.address = (char *)"127.0.0.1:4711";
    return made;
}

static enum status join(struct world *world, const Wire__RegisterRequest *asked,
                        Wire__RegisterReply *reply)
{
    *reply = (Wire__RegisterReply)WIRE__REGISTER_REPLY__INIT;
    return members_register(world->members, asked, &world->arena, reply, &world->err);
}

static uint64_t joined(struct world *world, const Wire__RegisterRequest *asked)
{
    Wire__RegisterReply reply;
    if (join(world, asked, &reply) != STATUS_OK)
        fail_msg("%s", world->err.text);
    return reply.member;
}

static Wire__HeartbeatReply beat(struct world *world, uint64_t id, Wire__MemberState state,
                                 Wire__BarrelStatus *barrel)
{
    Wire__HeartbeatRequest asked = WIRE__HEARTBEAT_REQUEST__INIT;
    Wire__HeartbeatReply reply = WIRE__HEARTBEAT_REPLY__INIT;
    asked.member = id;
    asked.state = state;
    asked.settings_version = world->version;
    asked.barrel = barrel;
    members_heartbeat(world->members, &asked, &world->arena, &reply);
    return reply;
}

static Wire__BarrelStatus barrel_status(uint64_t documents, uint64_t *lengths, uint64_t position)
{
    Wire__BarrelStatus status = WIRE__BARREL_STATUS__INIT;
    for (unsigned i = 0; i < FIELDS; i++)
        lengths[i] = documents * (i + 1);
    status.documents = documents;
    status.field_lengths = lengths;
    status.n_field_lengths = FIELDS;
    status.position = position;
    return status;
}

static void slots_are_divided_without_gaps(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 256; shards++) {
        uint32_t next = 0;
        for (unsigned shard = 0; shard < shards; shard++) {
            uint32_t first, last;
            members_slots(shards, shard, &first, &last);
            assert_int_equal(first, next);
            assert_true(last >= first);
            next = last + 1;
        }
        assert_int_equal(next, 256);
    }
}

static void a_named_barrel_gets_its_place_and_what_it_needs(void **state)
{
    (void)state;
    struct world world;
    Wire__RegisterReply reply;
    open_with(&world, 2, 1, NULL);
    Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_BARREL, "barrel-1-0", 10);
    assert_int_equal(join(&world, &asked, &reply), STATUS_OK);
    assert_string_equal(reply.name, "barrel-1-0");
    assert_int_equal(reply.shard, 1);
    assert_int_equal(reply.replica, 0);
    assert_int_equal(reply.slot_first, 128);
    assert_int_equal(reply.slot_last, 255);
    assert_int_equal(reply.heartbeat_ms, 500);
    assert_int_equal(reply.settings->version, 7);
    assert_int_equal(reply.settings->memory_bytes, WIRE__ROLE__ROLE_BARREL);
    assert_int_equal(reply.routing->n_shards, 2);
    assert_int_equal(reply.routing->shards[1]->n_replicas, 1);
    assert_int_equal(reply.routing->shards[1]->replicas[0]->state,
                     WIRE__MEMBER_STATE__STATE_STARTING);
    close_world(&world);
}

static void a_second_one_of_a_living_name_or_place_is_refused(void **state)
{
    (void)state;
    struct world world;
    Wire__RegisterReply reply;
    open_with(&world, 2, 1, NULL);
    Wire__RegisterRequest first = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", 10);
    Wire__RegisterRequest second = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", 11);
    joined(&world, &first);
    assert_int_equal(join(&world, &second, &reply), STATUS_CONFLICT);
    assert_non_null(strstr(world.err.text, "barrel-0-0 runs already (PID 10 on elsewhere)"));
    second.name = (char *)"barrel-0-0b";
    assert_int_equal(join(&world, &second, &reply), STATUS_CONFLICT);
    assert_non_null(strstr(world.err.text, "replica 0 of shard 0 is served by barrel-0-0 (PID 10"));
    Wire__RegisterRequest gateway = request(WIRE__ROLE__ROLE_GATEWAY, "gateway-1", 12);
    joined(&world, &gateway);
    gateway.pid = 13;
    assert_int_equal(join(&world, &gateway, &reply), STATUS_CONFLICT);
    Wire__RegisterRequest log = request(WIRE__ROLE__ROLE_INDEXSERVER, "indexserver", 14);
    joined(&world, &log);
    log.name = (char *)"another";
    log.pid = 15;
    assert_int_equal(join(&world, &log, &reply), STATUS_CONFLICT);
    assert_non_null(strstr(world.err.text, "an indexserver runs already"));
    close_world(&world);
}

static void the_same_process_registers_again_as_itself(void **state)
{
    (void)state;
    struct world world;
    open_with(&world, 2, 1, NULL);
    Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", 10);
    uint64_t id = joined(&world, &asked);
    assert_int_equal(joined(&world, &asked), id);
    assert_int_equal(members_count(world.members), 1);
    close_world(&world);
}

static void a_process_here_that_is_dead_gives_way_at_once(void **state)
{
    (void)state;
    struct world world;
    char machine[256];
    open_with(&world, 2, 1, NULL);
    gethostname(machine, sizeof(machine));
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", (uint32_t)pid);
    asked.machine = machine;
    uint64_t first = joined(&world, &asked);
    waitpid(pid, NULL, 0);
    asked.pid = (uint32_t)getpid();
    assert_true(joined(&world, &asked) != first);
    assert_int_equal(members_count(world.members), 1);
    close_world(&world);
}

static void barrels_without_a_name_fill_the_free_places(void **state)
{
    (void)state;
    struct world world;
    Wire__RegisterReply reply;
    open_with(&world, 2, 1, NULL);
    /* the first place of each shard belongs to a child of ours */
    static const char *const names[] = {"barrel-0-1", "barrel-1-1", "barrel-0-2", "barrel-1-2"};
    for (unsigned i = 0; i < 4; i++) {
        Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_BARREL, "", 10 + i);
        assert_int_equal(join(&world, &asked, &reply), STATUS_OK);
        assert_string_equal(reply.name, names[i]);
    }
    Wire__RegisterRequest wished = request(WIRE__ROLE__ROLE_BARREL, "", 20);
    wished.shard = 1;
    assert_int_equal(join(&world, &wished, &reply), STATUS_OK);
    assert_string_equal(reply.name, "barrel-1-3");
    wished.pid = 21;
    wished.shard = 2;
    assert_int_equal(join(&world, &wished, &reply), STATUS_CONFLICT);
    assert_non_null(strstr(world.err.text, "there is no shard 2"));
    wished.name = (char *)"barrel-0-9";
    wished.shard = 1;
    assert_int_equal(join(&world, &wished, &reply), STATUS_INVALID);
    close_world(&world);
}

static void a_barrel_that_comes_back_with_its_data_has_its_place_again(void **state)
{
    (void)state;
    struct world world;
    Wire__RegisterReply reply;
    open_with(&world, 2, 0, NULL);
    static const char *const folders[] = {"/data/a", "/data/b", "/data/c"};
    static const char *const names[] = {"barrel-0-0", "barrel-1-0", "barrel-0-1"};
    for (uint32_t i = 0; i < 3; i++) {
        Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_BARREL, "", 10 + i);
        asked.data_folder = (char *)folders[i];
        assert_int_equal(join(&world, &asked, &reply), STATUS_OK);
        assert_string_equal(reply.name, names[i]);
    }
    members_tick(world.members, clock_boot_ms() + MEMBER_DEAD_MS + 1); /* all silent */
    for (uint32_t i = 3; i-- > 0;) {
        Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_BARREL, "", 20 + i);
        asked.data_folder = (char *)folders[i];
        assert_int_equal(join(&world, &asked, &reply), STATUS_OK);
        assert_string_equal(reply.name, names[i]);
    }
    close_world(&world);
}

static void others_without_a_name_are_named_after_their_machine(void **state)
{
    (void)state;
    struct world world;
    Wire__RegisterReply reply;
    open_with(&world, 1, 1, NULL);
    Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_DOWNLOADER, "", 10);
    asked.machine = (char *)"pi.home";
    assert_int_equal(join(&world, &asked, &reply), STATUS_OK);
    assert_string_equal(reply.name, "downloader@pi-home");
    asked.pid = 11;
    assert_int_equal(join(&world, &asked, &reply), STATUS_OK);
    assert_string_equal(reply.name, "downloader@pi-home-2");
    close_world(&world);
}

static void a_wrong_registration_is_told_why(void **state)
{
    (void)state;
    struct world world;
    Wire__RegisterReply reply;
    open_with(&world, 1, 1, NULL);
    Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_GATEWAY, "g", 10);
    asked.protocol = PROTOCOL_VERSION + 1;
    assert_int_equal(join(&world, &asked, &reply), STATUS_UNSUPPORTED);
    assert_non_null(strstr(world.err.text, "install the same version of both"));
    asked = request(WIRE__ROLE__ROLE_PROXY, "g", 10);
    assert_int_equal(join(&world, &asked, &reply), STATUS_INVALID);
    asked = request(WIRE__ROLE__ROLE_GATEWAY, "a name", 10);
    assert_int_equal(join(&world, &asked, &reply), STATUS_INVALID);
    asked = request(WIRE__ROLE__ROLE_GATEWAY,
                    "a-name-that-is-longer-than-any-name-may-be-in-this-place", 10);
    assert_int_equal(join(&world, &asked, &reply), STATUS_INVALID);
    asked = request(WIRE__ROLE__ROLE_BARREL, "", 10);
    asked.address = (char *)"";
    assert_int_equal(join(&world, &asked, &reply), STATUS_INVALID);
    assert_int_equal(members_count(world.members), 0);
    close_world(&world);
}

static void the_table_changes_with_membership_and_not_with_positions(void **state)
{
    (void)state;
    struct world world;
    uint64_t lengths[FIELDS];
    open_with(&world, 1, 1, NULL);
    Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", 10);
    uint64_t empty = members_routing(world.members, &world.arena)->version;
    uint64_t id = joined(&world, &asked);
    uint64_t starting = members_routing(world.members, &world.arena)->version;
    assert_true(starting > empty);
    Wire__BarrelStatus status = barrel_status(5, lengths, 100);
    Wire__HeartbeatReply reply = beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, &status);
    assert_string_equal(world.last_ready, "barrel-0-0");
    assert_true(reply.routing->version > starting);
    uint64_t ready_version = reply.routing->version;
    assert_int_equal(reply.routing->shards[0]->replicas[0]->state, WIRE__MEMBER_STATE__STATE_READY);
    assert_int_equal(reply.routing->shards[0]->replicas[0]->position, 100);
    status.position = 200;
    reply = beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, &status);
    assert_int_equal(reply.routing->version, ready_version);
    assert_int_equal(reply.routing->shards[0]->replicas[0]->position, 200);
    reply = beat(&world, id, WIRE__MEMBER_STATE__STATE_DRAINING, NULL);
    assert_true(reply.routing->version > ready_version);
    close_world(&world);
}

static void the_silent_are_not_ready_and_then_forgotten(void **state)
{
    (void)state;
    struct world world;
    open_with(&world, 1, 1, NULL);
    Wire__RegisterRequest barrel = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", 10);
    Wire__RegisterRequest gateway = request(WIRE__ROLE__ROLE_GATEWAY, "gateway-1", 11);
    uint64_t id = joined(&world, &barrel);
    joined(&world, &gateway);
    beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, NULL);
    int64_t now_ms = clock_boot_ms();
    members_tick(world.members, now_ms + MEMBER_DEAD_MS - 1000);
    assert_false(members_find(world.members, "barrel-0-0")->is_gone);
    members_tick(world.members, now_ms + MEMBER_DEAD_MS + 1000);
    assert_true(members_find(world.members, "barrel-0-0")->is_gone);
    Wire__Routing *routing = members_routing(world.members, &world.arena);
    assert_int_equal(routing->shards[0]->replicas[0]->state, WIRE__MEMBER_STATE__STATE_STARTING);
    members_tick(world.members, now_ms + MEMBER_FORGOTTEN_MS + 1000);
    assert_null(members_find(world.members, "gateway-1"));
    /* one that was silent and speaks again is there again */
    assert_false(beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, NULL).unknown);
    assert_false(members_find(world.members, "barrel-0-0")->is_gone);
    close_world(&world);
}

static void an_unknown_member_is_told_to_register(void **state)
{
    (void)state;
    struct world world;
    open_with(&world, 1, 1, NULL);
    Wire__HeartbeatReply reply = beat(&world, 4711, WIRE__MEMBER_STATE__STATE_READY, NULL);
    assert_true(reply.unknown);
    assert_null(reply.routing);
    close_world(&world);
}

static void newer_settings_come_with_the_heartbeat(void **state)
{
    (void)state;
    struct world world;
    open_with(&world, 1, 1, NULL);
    Wire__RegisterRequest asked = request(WIRE__ROLE__ROLE_GATEWAY, "gateway-1", 11);
    uint64_t id = joined(&world, &asked);
    assert_null(beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, NULL).settings);
    Wire__HeartbeatRequest older = WIRE__HEARTBEAT_REQUEST__INIT;
    Wire__HeartbeatReply reply = WIRE__HEARTBEAT_REPLY__INIT;
    older.member = id;
    older.settings_version = 6;
    older.settings_refusal = (char *)"too hot";
    members_heartbeat(world.members, &older, &world.arena, &reply);
    assert_int_equal(reply.settings->version, 7);
    assert_string_equal(members_find(world.members, "gateway-1")->refusal, "too hot");
    close_world(&world);
}

static void a_missing_shard_keeps_its_numbers_in_the_statistics(void **state)
{
    (void)state;
    struct world world;
    uint64_t first_lengths[FIELDS], second_lengths[FIELDS];
    open_with(&world, 2, 1, NULL);
    Wire__RegisterRequest first = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", 10);
    Wire__RegisterRequest second = request(WIRE__ROLE__ROLE_BARREL, "barrel-1-0", 11);
    uint64_t first_id = joined(&world, &first), second_id = joined(&world, &second);
    Wire__BarrelStatus first_status = barrel_status(100, first_lengths, 1);
    Wire__BarrelStatus second_status = barrel_status(23, second_lengths, 1);
    beat(&world, first_id, WIRE__MEMBER_STATE__STATE_READY, &first_status);
    beat(&world, second_id, WIRE__MEMBER_STATE__STATE_READY, &second_status);
    int64_t now_ms = clock_boot_ms();
    uint64_t before = members_routing(world.members, &world.arena)->corpus->epoch;
    members_tick(world.members, now_ms + CORPUS_MIN_MS);
    const Wire__CorpusStats *corpus = members_routing(world.members, &world.arena)->corpus;
    assert_true(corpus->epoch > before);
    assert_int_equal(corpus->documents, 123);
    assert_int_equal(corpus->field_lengths[4], 5 * 123);
    /* it crashes, comes back with nothing and replays: until it is ready its old numbers count */
    second_status.documents = 0;
    beat(&world, second_id, WIRE__MEMBER_STATE__STATE_STARTING, &second_status);
    members_tick(world.members, now_ms + 2 * CORPUS_MIN_MS); /* not yet silent for too long */
    const Wire__CorpusStats *later = members_routing(world.members, &world.arena)->corpus;
    assert_int_equal(later->epoch, corpus->epoch);
    assert_int_equal(later->documents, 123);
    close_world(&world);
}

/* The documents of the corpus after a pause. */
static uint64_t corpus_documents(struct world *world, int64_t *now_ms)
{
    *now_ms += CORPUS_MIN_MS;
    members_tick(world->members, *now_ms);
    return members_routing(world->members, &world->arena)->corpus->documents;
}

static void a_replica_that_is_filled_again_is_listed_so_and_not_learnt_from(void **state)
{
    (void)state;
    struct world world;
    char folder[PATH_MAX], file[PATH_MAX];
    uint64_t whole_lengths[FIELDS], part_lengths[FIELDS];
    temporary_folder(folder);
    path_in(folder, "members", file);
    open_with(&world, 1, 2, file);
    Wire__RegisterRequest first = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", 10);
    Wire__RegisterRequest second = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-1", 11);
    uint64_t first_id = joined(&world, &first), second_id = joined(&world, &second);
    Wire__BarrelStatus part = barrel_status(3, part_lengths, 90);
    Wire__BarrelStatus whole = barrel_status(100, whole_lengths, 80); /* a moment behind */
    part.rebuilding = true;
    int64_t now_ms = clock_boot_ms();
    beat(&world, first_id, WIRE__MEMBER_STATE__STATE_READY, &part);
    assert_int_equal(corpus_documents(&world, &now_ms), 3); /* nobody knows better */
    beat(&world, second_id, WIRE__MEMBER_STATE__STATE_READY, &whole);
    assert_int_equal(corpus_documents(&world, &now_ms), 100);
    const Wire__Shard *shard = members_routing(world.members, &world.arena)->shards[0];
    assert_true(shard->replicas[0]->rebuilding);
    assert_false(shard->replicas[1]->rebuilding);
    /* the whole one is restarted, and then the orchestrator */
    beat(&world, second_id, WIRE__MEMBER_STATE__STATE_STARTING, NULL);
    close_world(&world);
    open_with(&world, 1, 2, file);
    now_ms = clock_boot_ms();
    assert_int_equal(corpus_documents(&world, &now_ms), 100);
    shard = members_routing(world.members, &world.arena)->shards[0];
    assert_true(shard->replicas[0]->rebuilding);
    joined(&world, &first);
    part.rebuilding = false; /* filled, and some pages are gone */
    part.documents = 99;
    beat(&world, first_id, WIRE__MEMBER_STATE__STATE_READY, &part);
    assert_int_equal(corpus_documents(&world, &now_ms), 99);
    close_world(&world);
    remove_folder(folder);
}

static void the_next_orchestrator_knows_the_shard_of_a_replica_that_is_filled_again(void **state)
{
    (void)state;
    struct world world;
    char folder[PATH_MAX], file[PATH_MAX];
    uint64_t lengths[FIELDS];
    temporary_folder(folder);
    path_in(folder, "members", file);
    open_with(&world, 1, 1, file);
    Wire__RegisterRequest barrel = request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", 10);
    uint64_t id = joined(&world, &barrel);
    int64_t now_ms = clock_boot_ms();
    Wire__BarrelStatus status = barrel_status(100, lengths, 80);
    beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, &status);
    assert_int_equal(corpus_documents(&world, &now_ms), 100);
    status = barrel_status(3, lengths, 2); /* the only one */
    status.rebuilding = true;
    beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, &status);
    assert_int_equal(corpus_documents(&world, &now_ms), 100);
    uint64_t epoch = members_routing(world.members, &world.arena)->corpus->epoch;
    close_world(&world);
    open_with(&world, 1, 1, file);
    now_ms = clock_boot_ms();
    joined(&world, &barrel);
    beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, &status);
    assert_int_equal(corpus_documents(&world, &now_ms), 100);
    assert_int_equal(members_routing(world.members, &world.arena)->corpus->epoch, epoch);
    close_world(&world);
    open_with(&world, 2, 1, file); /* other shards: what was known of these says nothing of them */
    now_ms = clock_boot_ms();
    assert_int_equal(corpus_documents(&world, &now_ms), 3);
    close_world(&world);
    remove_folder(folder);
}

static void numbers_that_no_corpus_has_are_not_taken(void **state)
{
    (void)state;
    struct corpus corpus = {0};
    uint64_t lengths[FIELDS];
    Wire__BarrelStatus status = barrel_status(7, lengths, 0);
    corpus_learn(&corpus, 0, &status);
    status.documents = CORPUS_DOCUMENTS_MAX + 1;
    corpus_learn(&corpus, 0, &status);
    status.documents = 8;
    lengths[4] = CORPUS_TOKENS_MAX + 1;
    corpus_learn(&corpus, 0, &status);
    assert_true(corpus_publish(&corpus, 1000, 3000));
    assert_int_equal(corpus.documents, 7);
    assert_int_equal(corpus.lengths[4], 35);
    /* each may be, all together not */
    lengths[4] = CORPUS_TOKENS_MAX;
    status.documents = CORPUS_DOCUMENTS_MAX;
    for (unsigned shard = 0; shard < CORPUS_SHARDS_MAX; shard++)
        corpus_learn(&corpus, shard, &status);
    assert_true(corpus_publish(&corpus, 9000, 3000));
    assert_int_equal(corpus.documents, CORPUS_DOCUMENTS_MAX);
    assert_int_equal(corpus.lengths[4], CORPUS_TOKENS_MAX);
}

static void an_epoch_begins_only_with_a_change_and_a_pause(void **state)
{
    (void)state;
    struct corpus corpus = {0};
    uint64_t lengths[FIELDS];
    Wire__BarrelStatus status = barrel_status(1, lengths, 0);
    assert_true(corpus_publish(&corpus, 1000, 3000));
    uint64_t epoch = corpus.epoch;
    assert_false(corpus_publish(&corpus, 9000, 3000));
    corpus_learn(&corpus, 0, &status);
    assert_false(corpus_publish(&corpus, 3999, 3000));
    assert_true(corpus_publish(&corpus, 4000, 3000));
    assert_true(corpus.epoch > epoch);
    corpus.epoch += 1000000000; /* a clock that went back */
    epoch = corpus.epoch;
    status.documents = 2;
    corpus_learn(&corpus, 0, &status);
    assert_true(corpus_publish(&corpus, 9000, 3000));
    assert_int_equal(corpus.epoch, epoch + 1);
}

static void the_next_orchestrator_goes_on_with_the_same_table(void **state)
{
    (void)state;
    struct world world;
    char folder[PATH_MAX], file[PATH_MAX];
    uint64_t lengths[FIELDS];
    temporary_folder(folder);
    path_in(folder, "members", file);
    open_with(&world, 2, 1, file);
    Wire__RegisterRequest barrel = request(WIRE__ROLE__ROLE_BARREL, "barrel-1-0", 10);
    Wire__RegisterRequest log = request(WIRE__ROLE__ROLE_INDEXSERVER, "indexserver", 11);
    uint64_t id = joined(&world, &barrel);
    joined(&world, &log);
    struct world early; /* we may be killed at any moment: the file is never behind */
    open_with(&early, 2, 1, file);
    assert_int_equal(members_count(early.members), 2);
    close_world(&early);
    Wire__BarrelStatus status = barrel_status(42, lengths, 9);
    beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, &status);
    members_tick(world.members, clock_boot_ms() + CORPUS_MIN_MS);
    uint64_t epoch = members_routing(world.members, &world.arena)->corpus->epoch;
    close_world(&world);

    open_with(&world, 2, 1, file);
    Wire__Routing *routing = members_routing(world.members, &world.arena);
    assert_string_equal(routing->indexserver, "127.0.0.1:4711");
    assert_int_equal(routing->shards[1]->n_replicas, 1);
    assert_int_equal(routing->shards[1]->replicas[0]->member, id);
    assert_int_equal(routing->shards[1]->replicas[0]->state, WIRE__MEMBER_STATE__STATE_READY);
    assert_int_equal(routing->corpus->epoch, epoch);
    assert_int_equal(routing->corpus->documents, 42);
    members_tick(world.members, clock_boot_ms() + 1000);
    assert_int_equal(members_routing(world.members, &world.arena)->corpus->epoch, epoch);
    /* it must register once more, and is then the same member */
    assert_true(beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, &status).unknown);
    assert_int_equal(joined(&world, &barrel), id);
    assert_false(beat(&world, id, WIRE__MEMBER_STATE__STATE_READY, &status).unknown);
    close_world(&world);

    write_text(file, "no message at all");
    open_with(&world, 2, 1, file);
    assert_int_equal(members_count(world.members), 0);
    close_world(&world);
    remove_folder(folder);
}

static void a_child_that_ended_is_gone_at_once(void **state)
{
    (void)state;
    struct world world;
    char machine[256];
    open_with(&world, 1, 1, NULL);
    gethostname(machine, sizeof(machine));
    Wire__RegisterRequest barrel =
        request(WIRE__ROLE__ROLE_BARREL, "barrel-0-0", (uint32_t)getpid());
    Wire__RegisterRequest gateway =
        request(WIRE__ROLE__ROLE_GATEWAY, "gateway-1", (uint32_t)getppid());
    barrel.machine = gateway.machine = machine;
    joined(&world, &barrel);
    joined(&world, &gateway);
    members_ended(world.members, "barrel-0-0", 1); /* another process of that name */
    assert_false(members_find(world.members, "barrel-0-0")->is_gone);
    members_ended(world.members, "barrel-0-0", (uint32_t)getpid());
    assert_true(members_find(world.members, "barrel-0-0")->is_gone);
    members_ended(world.members, "gateway-1", (uint32_t)getppid());
    assert_null(members_find(world.members, "gateway-1"));
    close_world(&world);
}

/* ---- the token and the codes ---- */

static void the_token_is_made_once_and_guarded(void **state)
{
    (void)state;
    char folder[PATH_MAX], path[PATH_MAX];
    uint8_t first[TOKEN_HASH_BYTES], second[TOKEN_HASH_BYTES];
    struct error err;
    temporary_folder(folder);
    path_in(folder, TOKEN_FILE, path);
    assert_int_equal(token_provide(folder, first, NULL), STATUS_OK);
    assert_int_equal(token_provide(folder, second, NULL), STATUS_OK);
    assert_memory_equal(first, second, sizeof(first));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(token_provide(folder, second, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    write_text(path, "abc\n");
    assert_int_equal(token_provide(folder, second, &err), STATUS_CORRUPT);
    write_text(path, "0000000000000000000000000000000000000000000000000000000000000000\n");
    assert_int_equal(token_provide(folder, second, &err), STATUS_OK);
    /* printf %064d 0 | sha256sum */
    assert_int_equal(second[0], 0x60);
    assert_int_equal(second[1], 0xe0);
    remove_folder(folder);
}

static void a_code_is_good_once_and_for_ten_minutes(void **state)
{
    (void)state;
    struct login_codes codes = {0};
    char code[TOKEN_DIGITS + 1], other[TOKEN_DIGITS + 1];
    snprintf(code, sizeof(code), "%s", login_code_new(&codes, 1000));
    snprintf(other, sizeof(other), "%s", login_code_new(&codes, 1000));
    assert_int_equal(strlen(code), TOKEN_DIGITS);
    assert_string_not_equal(code, other);
    assert_true(login_code_redeem(&codes, code, 2000));
    assert_false(login_code_redeem(&codes, code, 2000));
    assert_false(login_code_redeem(&codes, other, 1000 + LOGIN_VALID_MS));
    assert_false(login_code_redeem(&codes, other, 2000));
    assert_false(login_code_redeem(&codes, "", 2000));
    char zeros[TOKEN_DIGITS + 1] = {0};
    memset(zeros, '0', TOKEN_DIGITS);
    assert_false(login_code_redeem(&codes, zeros, 2000));
    snprintf(code, sizeof(code), "%s", login_code_new(&codes, 3000));
    for (int i = 0; i < LOGIN_CODES_MAX; i++)
        login_code_new(&codes, 4000); /* the oldest gives way */
    assert_false(login_code_redeem(&codes, code, 5000));
}

int main(void)
{
    log_open("test", LOG_ERROR_LEVEL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_divided_without_gaps),
        cmocka_unit_test(a_named_barrel_gets_its_place_and_what_it_needs),
        cmocka_unit_test(a_second_one_of_a_living_name_or_place_is_refused),
        cmocka_unit_test(the_same_process_registers_again_as_itself),
        cmocka_unit_test(a_process_here_that_is_dead_gives_way_at_once),
        cmocka_unit_test(barrels_without_a_name_fill_the_free_places),
        cmocka_unit_test(a_barrel_that_comes_back_with_its_data_has_its_place_again),
        cmocka_unit_test(others_without_a_name_are_named_after_their_machine),
        cmocka_unit_test(a_wrong_registration_is_told_why),
        cmocka_unit_test(the_table_changes_with_membership_and_not_with_positions),
        cmocka_unit_test(the_silent_are_not_ready_and_then_forgotten),
        cmocka_unit_test(an_unknown_member_is_told_to_register),
        cmocka_unit_test(newer_settings_come_with_the_heartbeat),
        cmocka_unit_test(a_missing_shard_keeps_its_numbers_in_the_statistics),
        cmocka_unit_test(a_replica_that_is_filled_again_is_listed_so_and_not_learnt_from),
        cmocka_unit_test(the_next_orchestrator_knows_the_shard_of_a_replica_that_is_filled_again),
        cmocka_unit_test(numbers_that_no_corpus_has_are_not_taken),
        cmocka_unit_test(an_epoch_begins_only_with_a_change_and_a_pause),
        cmocka_unit_test(the_next_orchestrator_goes_on_with_the_same_table),
        cmocka_unit_test(a_child_that_ended_is_gone_at_once),
        cmocka_unit_test(the_token_is_made_once_and_guarded),
        cmocka_unit_test(a_code_is_good_once_and_for_ten_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
