/* What is known of the index, and what is not known yet. */
#include "tests/unit/unit.h"

#include <string.h>

#include "cli/status_words.h"

/* An installation of two barrels, as far as each has told something. */
struct fixture {
    Wire__Stats stats;
    Wire__CorpusStats corpus;
    Wire__MemberStatus members[3], *list[3];
    Wire__BarrelStatus barrels[2];
};

static void init(struct fixture *fixture)
{
    wire__stats__init(&fixture->stats);
    wire__corpus_stats__init(&fixture->corpus);
    fixture->stats.corpus = &fixture->corpus;
    fixture->stats.members = fixture->list;
    fixture->stats.n_members = 3;
    for (unsigned i = 0; i < 3; i++) {
        wire__member_status__init(&fixture->members[i]);
        fixture->list[i] = &fixture->members[i];
        fixture->members[i].role = i < 2 ? WIRE__ROLE__ROLE_BARREL : WIRE__ROLE__ROLE_GATEWAY;
        fixture->members[i].state = WIRE__MEMBER_STATE__STATE_READY;
    }
    for (unsigned i = 0; i < 2; i++) {
        wire__barrel_status__init(&fixture->barrels[i]);
        fixture->members[i].barrel = &fixture->barrels[i];
    }
}

static void assert_pages(const struct fixture *fixture, const char *expected)
{
    char words[STATUS_WORDS_BYTES];
    assert_string_equal(words_of_pages(&fixture->stats, words), expected);
}

static void the_total_is_what_was_counted(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    assert_pages(&fixture, "0 pages indexed");
    fixture.corpus.documents = 1;
    assert_pages(&fixture, "1 page indexed");
    fixture.corpus.documents = 12345;
    assert_pages(&fixture, "12,345 pages indexed");
    fixture.members[0].barrel = NULL; /* it restarts: the last total stands */
    assert_pages(&fixture, "12,345 pages indexed");
    fixture.corpus.documents = UINT64_MAX;
    assert_pages(&fixture, "18,446,744,073,709,551,615 pages indexed");
}

static void none_is_not_said_before_every_barrel_has_told(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    fixture.members[1].barrel = NULL;
    assert_pages(&fixture, "pages not counted yet");
    init(&fixture);
    fixture.members[1].state = WIRE__MEMBER_STATE__STATE_STARTING;
    assert_pages(&fixture, "pages not counted yet");
    init(&fixture);
    fixture.barrels[0].documents = 7; /* not summed up yet */
    assert_pages(&fixture, "pages not counted yet");
    init(&fixture);
    fixture.stats.n_members = 0; /* nobody has registered */
    fixture.stats.corpus = NULL;
    assert_pages(&fixture, "pages not counted yet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_total_is_what_was_counted),
        cmocka_unit_test(none_is_not_said_before_every_barrel_has_told),
    };
    return cmocka_run_group_tests_name("status_words", tests, NULL, NULL);
}
