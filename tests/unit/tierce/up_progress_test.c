#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/up_progress.h"

enum { MEMBERS_MAX = 8 };

/* A look at an installation, as the orchestrator would tell it. */
struct look {
    Wire__Stats stats;
    Wire__MemberStatus members[MEMBERS_MAX];
    Wire__MemberStatus *member_pointers[MEMBERS_MAX];
    Wire__BarrelStatus barrel;
    Wire__IndexserverStatus indexserver;
    Wire__SourceStatus source;
    Wire__SourceStatus *source_pointers[1];
};

struct fixture {
    struct look look;
    struct up_progress progress;
    char *bytes;
    size_t size;
};

static void add_member(struct look *look, Wire__Role role, const char *name,
                       Wire__MemberState state)
{
    size_t i = look->stats.n_members++;
    wire__member_status__init(&look->members[i]);
    look->members[i].role = role;
    look->members[i].name = (char *)name;
    look->members[i].state = state;
    look->member_pointers[i] = &look->members[i];
    if (role == WIRE__ROLE__ROLE_BARREL)
        look->members[i].barrel = &look->barrel;
}

static void build_look(struct look *look, Wire__MemberState barrel_state)
{
    *look = (struct look){0};
    wire__stats__init(&look->stats);
    wire__barrel_status__init(&look->barrel);
    wire__indexserver_status__init(&look->indexserver);
    wire__source_status__init(&look->source);
    look->stats.members = look->member_pointers;
    add_member(look, WIRE__ROLE__ROLE_ORCHESTRATOR, "orchestrator",
               WIRE__MEMBER_STATE__STATE_READY);
    add_member(look, WIRE__ROLE__ROLE_INDEXSERVER, "indexserver", WIRE__MEMBER_STATE__STATE_READY);
    add_member(look, WIRE__ROLE__ROLE_BARREL, "barrel-0-0", barrel_state);
    add_member(look, WIRE__ROLE__ROLE_BARREL, "barrel-1-0", WIRE__MEMBER_STATE__STATE_READY);
    add_member(look, WIRE__ROLE__ROLE_GATEWAY, "gateway-0", WIRE__MEMBER_STATE__STATE_READY);
}

static void add_handbook(struct look *look, const char *state, uint64_t fetched, uint64_t known)
{
    look->source.url = (char *)"https://localhost:8443/handbook/";
    look->source.state = (char *)state;
    look->source.fetched = fetched;
    look->source.known = known;
    look->source_pointers[0] = &look->source;
    look->indexserver.sources = look->source_pointers;
    look->indexserver.n_sources = 1;
    look->stats.indexserver = &look->indexserver;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    build_look(&fixture->look, WIRE__MEMBER_STATE__STATE_READY);
    FILE *file = open_memstream(&fixture->bytes, &fixture->size);
    up_progress_begin(&fixture->progress, file, false, 1000);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    fclose(fixture->progress.file);
    free(fixture->bytes);
    free(fixture);
    return 0;
}

/* What was told since the last call. */
static void assert_told(struct fixture *fixture, const char *expected)
{
    fflush(fixture->progress.file);
    assert_string_equal(fixture->bytes == NULL ? "" : fixture->bytes, expected);
    rewind(fixture->progress.file);
    fflush(fixture->progress.file);
    memset(fixture->bytes, 0, strlen(fixture->bytes));
}

static void each_role_is_told_once_when_all_of_it_is_ready(void **state)
{
    struct fixture *fixture = *state;
    build_look(&fixture->look, WIRE__MEMBER_STATE__STATE_STARTING);
    up_progress_take(&fixture->progress, &fixture->look.stats, 1100);
    assert_told(fixture, "  indexserver: ready\n  gateway: ready\n");
    build_look(&fixture->look, WIRE__MEMBER_STATE__STATE_READY);
    up_progress_take(&fixture->progress, &fixture->look.stats, 1200);
    assert_told(fixture, "  2 barrels: ready\n");
    up_progress_take(&fixture->progress, &fixture->look.stats, 1300);
    assert_told(fixture, "");
}

static void what_is_waited_for_is_named_with_its_trouble(void **state)
{
    struct fixture *fixture = *state;
    build_look(&fixture->look, WIRE__MEMBER_STATE__STATE_STARTING);
    fixture->look.members[2].trouble = (char *)"restarted 3 times in a minute: exit status 1";
    up_progress_take(&fixture->progress, &fixture->look.stats, 1100);
    assert_told(fixture, "  indexserver: ready\n  gateway: ready\n");
    up_progress_take(&fixture->progress, &fixture->look.stats, 2000);
    assert_told(fixture, "");
    up_progress_take(&fixture->progress, &fixture->look.stats, 6000);
    assert_told(fixture,
                "  waiting for barrel-0-0: restarted 3 times in a minute: exit status 1\n");
    up_progress_take(&fixture->progress, &fixture->look.stats, 7000);
    assert_told(fixture, "");
}

static void an_orchestrator_that_does_not_answer_is_told(void **state)
{
    struct fixture *fixture = *state;
    up_progress_take(&fixture->progress, NULL, 2000);
    assert_told(fixture, "");
    up_progress_take(&fixture->progress, NULL, 6000);
    assert_told(fixture, "  waiting for the orchestrator\n");
}

static void it_is_ready_when_every_process_is(void **state)
{
    struct fixture *fixture = *state;
    assert_true(up_progress_is_ready(&fixture->look.stats));
    build_look(&fixture->look, WIRE__MEMBER_STATE__STATE_STARTING);
    assert_false(up_progress_is_ready(&fixture->look.stats));
}

static void it_is_not_ready_without_what_a_search_needs(void **state)
{
    struct fixture *fixture = *state;
    fixture->look.stats.n_members = 4; /* no gateway */
    assert_false(up_progress_is_ready(&fixture->look.stats));
    fixture->look.stats.n_members = 1; /* the orchestrator alone */
    assert_false(up_progress_is_ready(&fixture->look.stats));
}

static void the_handbook_is_pending_until_the_barrels_have_it(void **state)
{
    struct fixture *fixture = *state;
    struct look *look = &fixture->look;
    assert_false(up_progress_handbook_is_pending(&look->stats)); /* no such source */
    add_handbook(look, "waiting for its first URL", 0, 0);
    assert_true(up_progress_handbook_is_pending(&look->stats));
    add_handbook(look, "crawling", 3, 20);
    assert_true(up_progress_handbook_is_pending(&look->stats));
    look->source.state = (char *)"done";
    look->indexserver.head = 30;
    look->barrel.position = 29;
    assert_true(up_progress_handbook_is_pending(&look->stats));
    look->barrel.position = 30;
    assert_false(up_progress_handbook_is_pending(&look->stats));
}

static void another_source_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    add_handbook(&fixture->look, "crawling", 3, 20);
    fixture->look.source.url = (char *)"https://example.org/";
    assert_false(up_progress_handbook_is_pending(&fixture->look.stats));
}

static void the_handbooks_pages_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct look *look = &fixture->look;
    add_handbook(look, "crawling", 3, 20);
    up_progress_take(&fixture->progress, &look->stats, 5000);
    assert_told(fixture, "  indexserver: ready\n  2 barrels: ready\n  gateway: ready\n"
                         "  handbook: 3 of 20 pages indexed\n");
    look->source.fetched = 4; /* too soon after the last line, where lines stay */
    up_progress_take(&fixture->progress, &look->stats, 5100);
    assert_told(fixture, "");
    look->source.state = (char *)"done";
    look->source.fetched = 20;
    up_progress_take(&fixture->progress, &look->stats, 5200);
    assert_told(fixture, "  handbook: 20 pages indexed\n");
    up_progress_take(&fixture->progress, &look->stats, 9000);
    assert_told(fixture, "");
}

static void on_a_terminal_the_line_is_written_over(void **state)
{
    struct fixture *fixture = *state;
    fixture->progress.is_terminal = true;
    add_handbook(&fixture->look, "crawling", 3, 20);
    up_progress_take(&fixture->progress, &fixture->look.stats, 1100);
    fixture->look.source.fetched = 4;
    up_progress_take(&fixture->progress, &fixture->look.stats, 1200);
    up_progress_end_line(&fixture->progress);
    assert_told(fixture, "  indexserver: ready\n  2 barrels: ready\n  gateway: ready\n"
                         "  handbook: 3 of 20 pages indexed\r\x1b[K"
                         "  handbook: 4 of 20 pages indexed\n");
}

int main(void)
{
#define WITH_LOOK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LOOK(each_role_is_told_once_when_all_of_it_is_ready),
        WITH_LOOK(what_is_waited_for_is_named_with_its_trouble),
        WITH_LOOK(an_orchestrator_that_does_not_answer_is_told),
        WITH_LOOK(it_is_ready_when_every_process_is),
        WITH_LOOK(it_is_not_ready_without_what_a_search_needs),
        WITH_LOOK(the_handbook_is_pending_until_the_barrels_have_it),
        WITH_LOOK(another_source_is_not_waited_for),
        WITH_LOOK(the_handbooks_pages_are_counted),
        WITH_LOOK(on_a_terminal_the_line_is_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
