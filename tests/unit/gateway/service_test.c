/* The gateway's service among a cluster that does what the test says. */
#include "tests/unit/gateway/fake_cluster.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "gateway/service.h"
#include "index/query.h"

struct fixture {
    struct fake_cluster *cluster;
    struct gateway *gateway;
    struct service *service;
    struct arena arena;
    bool shows_duplicates;
    struct search_answer answer;
    struct error err;
};

static struct fixture *open_fixture(unsigned barrels, uint32_t cache_entries)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->cluster = fake_cluster_open(barrels);
    fixture->cluster->cache_entries = cache_entries;
    fixture->gateway = fake_gateway(fixture->cluster);
    assert_int_equal(service_open(fixture->gateway, &fixture->service, NULL), STATUS_OK);
    return fixture;
}

static void close_fixture(struct fixture *fixture)
{
    service_close(fixture->service);
    gateway_close(fixture->gateway);
    fake_cluster_close(fixture->cluster);
    arena_release(&fixture->arena);
    free(fixture);
}

static enum status ask(struct fixture *fixture, const char *query, unsigned page, unsigned size,
                       const char *cursor, bool is_admin)
{
    struct search_question question = {.query = query,
                                       .page = page,
                                       .size = size,
                                       .cursor = cursor,
                                       .is_admin = is_admin,
                                       .shows_duplicates = fixture->shows_duplicates};
    return service_search(fixture->service, &question, &fixture->arena, &fixture->answer,
                          &fixture->err);
}

static void search(struct fixture *fixture, const char *query)
{
    if (ask(fixture, query, 1, 10, NULL, false) != STATUS_OK)
        fail_msg("%s", fixture->err.text);
}

/*
 * Asks again and again until the answer comes from the cache: it may be too old for that where the
 * machine is slow between two questions, but not every time.
 */
static void search_cached(struct fixture *fixture, const char *query)
{
    for (unsigned i = 0; i < 100; i++) {
        search(fixture, query);
        if (fixture->answer.from_cache)
            return;
    }
    fail_msg("%s is never answered from the cache", query);
}

/* Two shards with 12 documents between them; in the order of results d0, d1 ... d11. */
static const char *const urls[12] = {"http://d0/", "http://d1/", "http://d2/",  "http://d3/",
                                     "http://d4/", "http://d5/", "http://d6/",  "http://d7/",
                                     "http://d8/", "http://d9/", "http://d10/", "http://d11/"};

static void fill_two_shards(struct fixture *fixture)
{
    for (unsigned i = 0; i < 12; i++) /* pairs of equal scores: the lower hash comes first */
        fake_add(&fixture->cluster->barrels[i % 3 == 0], i + 1, 100 - i / 2, urls[i], urls[i]);
}

static void assert_urls(const struct search_answer *answer, unsigned first, unsigned count)
{
    assert_int_equal(answer->result_count, count);
    for (unsigned i = 0; i < count; i++)
        assert_string_equal(answer->results[i].url, urls[first + i]);
}

static void results_of_all_shards_are_merged_by_score_then_hash(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    search(fixture, "hoop");
    assert_urls(&fixture->answer, 0, 10);
    assert_int_equal(fixture->answer.total, 12);
    assert_false(fixture->answer.total_is_lower_bound);
    assert_false(fixture->answer.partial);
    assert_int_equal(fixture->answer.shards_asked, 2);
    assert_int_equal(fixture->answer.shards_answered, 2);
    assert_string_equal(fixture->answer.query, "hoop");
    assert_true(fixture->answer.results[0].score == 100);
    assert_int_equal(fixture->answer.results[0].inlinks, 1);
    assert_string_equal(fixture->answer.results[0].title, "http://d0/");
    close_fixture(fixture);
}

static void pages_continue_each_other(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    for (unsigned page = 1; page <= 3; page++) {
        assert_int_equal(ask(fixture, "hoop", page, 5, NULL, false), STATUS_OK);
        assert_urls(&fixture->answer, (page - 1) * 5, page == 3 ? 2 : 5);
        assert_int_equal(fixture->answer.cursor[0] == '\0', page == 3);
        assert_int_equal(fixture->cluster->barrels[0].last_k,
                         page * 5 + 1 + 5); /* one more, and as many that may be folded */
    }
    close_fixture(fixture);
}

static void a_cursor_continues_with_the_statistics_of_the_first_page(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    assert_int_equal(ask(fixture, "hoop", 1, 5, NULL, false), STATUS_OK);
    FAKE_TELL(fixture->cluster, {
        fixture->cluster->epoch = 2;
        fixture->cluster->corpus_documents = 5000;
        fixture->cluster->barrels[0].document_frequency = 999;
    });
    assert_int_equal(ask(fixture, "hoop", 2, 5, fixture->answer.cursor, false), STATUS_OK);
    assert_urls(&fixture->answer, 5, 5);
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    assert_int_equal(barrel->last_epoch, 1);
    assert_int_equal(barrel->last_documents, 1000);
    assert_int_equal(barrel->last_frequencies[0], 5 + 6);
    assert_int_equal(barrel->last_k, 5 + 2 * 5 + 1 + 5);
    assert_int_equal(ask(fixture, "hoop", 3, 5, fixture->answer.cursor, false), STATUS_OK);
    assert_urls(&fixture->answer, 10, 2);
    assert_string_equal(fixture->answer.cursor, "");
    close_fixture(fixture);
}

/*
 * 60 documents in two shards, one in each seven of them with a gain that would bring it to the
 * front. Only those among the best 30 of both shards together come there.
 */
static void the_window_is_that_of_all_shards(void **state)
{
    (void)state;
    enum { DOCUMENTS = 60 };
    static char names[DOCUMENTS][20];
    struct fixture *fixture = open_fixture(2, 0);
    unsigned expected[DOCUMENTS], count = 0;
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        struct fake_barrel *barrel = &fixture->cluster->barrels[i % 5 != 0];
        snprintf(names[i], sizeof(names[i]), "http://d%u/", i);
        fake_add(barrel, i + 1, 100 - i, names[i], names[i]);
        barrel->documents[barrel->document_count - 1].gain = i % 7 == 0 ? 1000 : 0;
    }
    for (unsigned i = 0; i < ranking_default.window; i += 7)
        expected[count++] = i;
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        if (i % 7 != 0 || i >= ranking_default.window)
            expected[count++] = i;
    }
    for (unsigned by_cursor = 0; by_cursor < 2; by_cursor++) {
        const char *cursor = NULL;
        for (unsigned page = 1; page <= 9; page++) {
            assert_int_equal(ask(fixture, "hoop", page, 7, by_cursor ? cursor : NULL, false),
                             STATUS_OK);
            cursor = fixture->answer.cursor;
            assert_int_equal(fixture->answer.result_count, page < 9 ? 7 : 4);
            for (unsigned i = 0; i < fixture->answer.result_count; i++)
                assert_string_equal(fixture->answer.results[i].url,
                                    names[expected[(page - 1) * 7 + i]]);
        }
        assert_string_equal(cursor, "");
    }
    close_fixture(fixture);
}

/* ---- pages with the same text ---- */

enum { FOLDED_DOCUMENTS = 100, FOLDED_TEXTS = 13 };
static char folded_names[FOLDED_DOCUMENTS][20];

/* Documents by falling score; only every seventh has a text of its own, the others share a few:
 * odd ones exactly, even ones nearly. */
static unsigned text_of(unsigned document)
{
    return document % 7 == 0 ? 1000 + document : document * document % FOLDED_TEXTS;
}

static void fill_with_texts(struct fixture *fixture)
{
    for (unsigned i = 0; i < FOLDED_DOCUMENTS; i++) {
        struct fake_barrel *barrel = &fixture->cluster->barrels[i % 3 != 0];
        snprintf(folded_names[i], sizeof(folded_names[i]), "http://d%u/", i);
        fake_add(barrel, i + 1, 1000 - i, folded_names[i], folded_names[i]);
        struct fake_document *document = &barrel->documents[barrel->document_count - 1];
        uint64_t text = hash64(&(unsigned){text_of(i)}, sizeof(unsigned));
        document->fingerprint = i % 2 == 1 ? text : i + 1;
        document->simhash = text ^ (i % 2 == 1 ? 0 : 5);
    }
}

/* What a whole list of results would be: each document's result. */
static unsigned fold_all(unsigned ret_of[FOLDED_DOCUMENTS], unsigned ret_first[FOLDED_DOCUMENTS])
{
    unsigned count = 0;
    for (unsigned i = 0; i < FOLDED_DOCUMENTS; i++) {
        unsigned at = 0;
        while (at < count && text_of(ret_first[at]) != text_of(i))
            at++;
        ret_of[i] = at;
        if (at == count)
            ret_first[count++] = i;
    }
    return count;
}

static void assert_duplicates(const struct found_page *page, const unsigned of[FOLDED_DOCUMENTS],
                              unsigned result, unsigned first)
{
    unsigned listed = 0;
    for (unsigned i = first + 1; i < FOLDED_DOCUMENTS && listed < page->duplicate_count; i++) {
        if (of[i] == result)
            assert_string_equal(page->duplicates[listed++], folded_names[i]);
    }
    assert_int_equal(listed, page->duplicate_count);
    assert_true(page->duplicate_total >= listed);
    assert_true(page->duplicate_count <= SEARCH_DUPLICATES_MAX);
}

static void pages_with_one_text_are_one_result_on_all_pages(void **state)
{
    (void)state;
    unsigned of[FOLDED_DOCUMENTS], first[FOLDED_DOCUMENTS];
    unsigned count = fold_all(of, first);
    for (unsigned size = 1; size <= 12; size += 4) {
        for (unsigned by_cursor = 0; by_cursor < 2; by_cursor++) {
            struct fixture *fixture = open_fixture(2, 0);
            const char *cursor = NULL;
            fill_with_texts(fixture);
            unsigned seen = 0;
            for (unsigned page = 1; seen < count; page++) {
                if (ask(fixture, "hoop", page, size, by_cursor ? cursor : NULL, false) != STATUS_OK)
                    fail_msg("%s", fixture->err.text);
                cursor = fixture->answer.cursor;
                assert_int_equal(fixture->answer.result_count,
                                 count - seen < size ? count - seen : size);
                assert_int_equal(fixture->answer.total, FOLDED_DOCUMENTS);
                assert_false(fixture->answer.partial);
                for (unsigned i = 0; i < fixture->answer.result_count; i++, seen++) {
                    const struct found_page *found = &fixture->answer.results[i];
                    assert_string_equal(found->url, folded_names[first[seen]]);
                    assert_duplicates(found, of, seen, first[seen]);
                }
            }
            assert_string_equal(cursor, "");
            close_fixture(fixture);
        }
    }
}

static void all_pages_are_results_where_that_is_asked_for(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    const char *cursor = NULL;
    fill_with_texts(fixture);
    fixture->shows_duplicates = true;
    for (unsigned seen = 0; seen < FOLDED_DOCUMENTS;) {
        assert_int_equal(ask(fixture, "hoop", 1, 7, cursor, false), STATUS_OK);
        cursor = fixture->answer.cursor;
        assert_int_equal(fixture->answer.note_count, 0);
        for (unsigned i = 0; i < fixture->answer.result_count; i++) {
            assert_string_equal(fixture->answer.results[i].url, folded_names[seen++]);
            assert_int_equal(fixture->answer.results[i].duplicate_total, 0);
        }
    }
    assert_string_equal(cursor, "");
    close_fixture(fixture);
}

static void folding_is_said(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 10);
    for (unsigned i = 0; i < 3; i++) {
        fake_add(&fixture->cluster->barrels[0], i + 1, 100 - i, urls[i], urls[i]);
        fixture->cluster->barrels[0].documents[i].fingerprint = i < 2 ? 7 : 8;
    }
    for (unsigned cached = 0; cached < 2; cached++) {
        if (cached)
            search_cached(fixture, "hoop");
        else
            search(fixture, "hoop");
        assert_int_equal(fixture->answer.result_count, 2);
        assert_int_equal(fixture->answer.total, 3);
        assert_int_equal(fixture->answer.note_count, 1);
        assert_non_null(strstr(fixture->answer.notes[0], "One page"));
        assert_int_equal(fixture->answer.results[0].duplicate_count, 1);
        assert_string_equal(fixture->answer.results[0].duplicates[0], urls[1]);
        assert_int_equal(fixture->answer.results[0].duplicate_total, 1);
    }
    fixture->shows_duplicates = true;
    search(fixture, "hoop");
    assert_false(fixture->answer.from_cache);
    assert_int_equal(fixture->answer.result_count, 3);
    close_fixture(fixture);
}

static void of_equals_the_one_to_be_preferred_is_shown(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    static const double scores[] = {100, 90, 90, 90, 80};
    static const uint32_t precedences[] = {300, 260, 3, 4, 1};
    for (unsigned i = 0; i < 5; i++) {
        struct fake_document *document = &fixture->cluster->barrels[0].documents[i];
        fake_add(&fixture->cluster->barrels[0], i + 1, scores[i], urls[i], urls[i]);
        document->fingerprint = i == 0 ? 1 : 2;
        document->precedence = precedences[i];
    }
    search(fixture, "hoop");
    assert_int_equal(fixture->answer.result_count, 2);
    assert_string_equal(fixture->answer.results[0].url, urls[0]);
    assert_string_equal(fixture->answer.results[1].url, urls[2]);
    assert_int_equal(fixture->answer.results[1].duplicate_count, 3);
    assert_string_equal(fixture->answer.results[1].duplicates[0], urls[1]);
    /* The page behind it begins behind all of them. */
    assert_int_equal(ask(fixture, "hoop", 1, 1, NULL, false), STATUS_OK);
    assert_int_equal(ask(fixture, "hoop", 2, 1, fixture->answer.cursor, false), STATUS_OK);
    assert_string_equal(fixture->answer.results[0].url, urls[2]);
    assert_string_equal(fixture->answer.cursor, "");
    close_fixture(fixture);
}

static void texts_without_a_fingerprint_are_all_different(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    search(fixture, "hoop");
    assert_urls(&fixture->answer, 0, 10);
    assert_int_equal(fixture->answer.note_count, 0);
    close_fixture(fixture);
}

static void a_duplicate_that_went_away_is_not_listed(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    for (unsigned i = 0; i < 3; i++) {
        fake_add(&fixture->cluster->barrels[0], i + 1, 100 - i, urls[i], urls[i]);
        fixture->cluster->barrels[0].documents[i].fingerprint = 7;
    }
    fixture->cluster->barrels[0].documents[1].gone = true;
    search(fixture, "hoop");
    assert_int_equal(fixture->answer.result_count, 1);
    assert_int_equal(fixture->answer.results[0].duplicate_count, 1);
    assert_string_equal(fixture->answer.results[0].duplicates[0], urls[2]);
    assert_int_equal(fixture->answer.results[0].duplicate_total, 1);
    close_fixture(fixture);
}

/* Three pages have all words (one in one shard, two in the other), 40 have any. By the score alone
 * they would not come first. */
static void pages_with_any_word_follow_the_few_with_all(void **state)
{
    (void)state;
    enum { DOCUMENTS = 40 };
    static char names[DOCUMENTS][20];
    for (unsigned by_cursor = 0; by_cursor < 2; by_cursor++) {
        struct fixture *fixture = open_fixture(2, 0);
        for (unsigned i = 0; i < DOCUMENTS; i++) {
            snprintf(names[i], sizeof(names[i]), "http://d%u/", i);
            fake_add(&fixture->cluster->barrels[i % 2], i + 1, 100 - i, names[i], names[i]);
        }
        fixture->cluster->barrels[0].matching = 1 + 1; /* d0 */
        fixture->cluster->barrels[1].matching = 2 + 1; /* d1, d3 */
        unsigned expected[DOCUMENTS] = {0, 1, 3, 2}, seen = 0;
        for (unsigned i = 4; i < DOCUMENTS; i++)
            expected[i] = i;
        const char *cursor = NULL;
        for (unsigned page = 1; seen < DOCUMENTS; page++) {
            if (ask(fixture, "hoop stave", page, 3, by_cursor ? cursor : NULL, false) != STATUS_OK)
                fail_msg("%s", fixture->err.text);
            cursor = fixture->answer.cursor;
            assert_int_equal(fixture->answer.total, DOCUMENTS);
            assert_true(fixture->answer.is_relaxed);
            assert_int_equal(fixture->answer.matching, 3);
            assert_int_equal(fixture->answer.note_count, 1);
            assert_non_null(strstr(fixture->answer.notes[0], "Only 3 pages have all of this"));
            assert_int_equal(fixture->answer.result_count, page < 14 ? 3 : 1);
            for (unsigned i = 0; i < fixture->answer.result_count; i++)
                assert_string_equal(fixture->answer.results[i].url, names[expected[seen++]]);
        }
        assert_string_equal(fixture->answer.cursor, "");
        close_fixture(fixture);
    }
}

/* The first page's statistics say that it is one; by those of later on it would be none. */
static void a_compound_is_looked_for_in_parts_on_every_page(void **state)
{
    (void)state;
    enum { DOCUMENTS = 12 };
    struct fixture *fixture = open_fixture(1, 0);
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    for (unsigned i = 0; i < DOCUMENTS; i++)
        fake_add(barrel, i + 1, 100 - i, urls[i], urls[i]);
    barrel->matching = 1 + 1;
    barrel->german[0] = "gletsch";
    barrel->german[1] = "abfluss";
    barrel->german_documents = 70;
    barrel->document_frequency = 3;
    assert_int_equal(ask(fixture, "Gletscherabfluss Eiszeit", 1, 5, NULL, false), STATUS_OK);
    assert_true(fixture->answer.is_relaxed);
    assert_int_equal(barrel->last_kind, WIRE__NODE_KIND__NODE_OR);
    unsigned terms = barrel->last_terms;
    assert_true(terms <= FAKE_TERMS_MAX);
    assert_int_equal(barrel->last_frequencies[terms - 2], 70);
    assert_int_equal(barrel->last_frequencies[terms - 1], 70);

    barrel->german_documents = 2;
    fixture->cluster->epoch++;
    for (unsigned page = 2; page <= 3; page++) {
        assert_int_equal(
            ask(fixture, "Gletscherabfluss Eiszeit", page, 5, fixture->answer.cursor, false),
            STATUS_OK);
        assert_int_equal(barrel->last_terms, terms);
        assert_int_equal(barrel->last_frequencies[terms - 1], 70);
        assert_urls(&fixture->answer, (page - 1) * 5, page < 3 ? 5 : 2);
    }
    close_fixture(fixture);
}

static void a_compound_is_asked_for_whole_where_enough_pages_have_it(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    fill_two_shards(fixture);
    barrel->german[0] = "gletsch";
    barrel->german[1] = "abfluss";
    barrel->german_documents = 1000;
    search(fixture, "Gletscherabfluss Eiszeit"); /* twelve */
    assert_int_equal(barrel->searches, 1);
    assert_int_equal(barrel->term_calls, 1);
    assert_int_equal(barrel->last_kind, WIRE__NODE_KIND__NODE_AND);
    close_fixture(fixture);
}

static void what_cannot_ask_for_more_or_finds_enough_is_asked_once(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    fill_two_shards(fixture);
    search(fixture, "hoop stave"); /* twelve */
    assert_int_equal(barrel->searches, 1);
    assert_false(fixture->answer.is_relaxed);
    barrel->matching = fixture->cluster->barrels[1].matching = 1;
    search(fixture, "site:d0 hoop");
    assert_int_equal(fixture->answer.total, 0);
    assert_int_equal(barrel->searches, 2);
    search(fixture, "stave hoop");
    assert_int_equal(barrel->searches, 4);
    assert_int_equal(barrel->last_kind, WIRE__NODE_KIND__NODE_OR);
    assert_urls(&fixture->answer, 0, 10);
    assert_int_equal(fixture->answer.note_count, 1);
    search_cached(fixture, "stave hoop");
    assert_int_equal(fixture->answer.note_count, 1);
    assert_non_null(strstr(fixture->answer.notes[0], "No page has all of this"));
    close_fixture(fixture);
}

static void a_cursor_of_another_query_or_of_nobody_is_refused(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    assert_int_equal(ask(fixture, "hoop", 1, 5, NULL, false), STATUS_OK);
    const char *cursor = fixture->answer.cursor;
    assert_int_equal(ask(fixture, "stave", 2, 5, cursor, false), STATUS_INVALID);
    assert_non_null(strstr(fixture->err.text, "another query"));
    assert_int_equal(ask(fixture, "hoop", 2, 5, "AAAA", false), STATUS_INVALID);
    close_fixture(fixture);
}

static void nobody_sees_more_than_a_thousand_results(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    fill_two_shards(fixture);
    assert_int_equal(ask(fixture, "hoop", 100, 10, NULL, false), STATUS_OK);
    assert_int_equal(ask(fixture, "hoop", 101, 10, NULL, false), STATUS_INVALID);
    assert_non_null(strstr(fixture->err.text, "first 1000 results"));
    assert_int_equal(ask(fixture, "hoop", 4294967295u, 100, NULL, false), STATUS_INVALID);
    assert_int_equal(ask(fixture, "hoop", 1, 101, NULL, false), STATUS_INVALID);
    assert_int_equal(ask(fixture, "hoop", 0, 10, NULL, false), STATUS_INVALID);
    close_fixture(fixture);
}

static void totals_say_when_they_are_a_lower_bound(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    fixture->cluster->barrels[0].total = 1001;
    search(fixture, "hoop");
    assert_true(fixture->answer.total_is_lower_bound);
    assert_int_equal(fixture->answer.total, 1001 + 4);
    close_fixture(fixture);
}

static void a_dead_shard_makes_a_partial_answer_with_the_same_scores(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    fill_two_shards(fixture);
    search(fixture, "hoop");
    assert_int_equal(fixture->cluster->barrels[0].last_frequencies[0], 5 + 6);
    fake_barrel_stop(&fixture->cluster->barrels[1]);
    /* a new epoch: the dead shard's word cannot be renewed */
    FAKE_TELL(fixture->cluster, fixture->cluster->epoch = 2);
    for (unsigned i = 0; i < 2; i++) {
        search(fixture, "hoop");
        assert_true(fixture->answer.partial);
        assert_false(fixture->answer.from_cache); /* never kept */
        assert_int_equal(fixture->answer.shards_asked, 2);
        assert_int_equal(fixture->answer.shards_answered, 1);
        assert_int_equal(fixture->answer.result_count, 8);
        assert_int_equal(fixture->cluster->barrels[0].last_frequencies[0], 5 + 6);
    }
    close_fixture(fixture);
}

/* Tells that a barrel's index is being filled again, or is not, and in how many documents it has
 * each term now. */
static void tell_part(struct fixture *fixture, bool is_rebuilding, uint64_t document_frequency)
{
    pthread_mutex_lock(&fixture->cluster->mutex);
    fixture->cluster->barrels[0].is_rebuilding = is_rebuilding;
    fixture->cluster->barrels[0].document_frequency = document_frequency;
    pthread_mutex_unlock(&fixture->cluster->mutex);
}

static void a_shard_that_is_filled_again_makes_a_partial_answer_with_the_same_scores(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    const struct fake_barrel *other = &fixture->cluster->barrels[1];
    fill_two_shards(fixture);
    search(fixture, "hoop");
    assert_int_equal(other->last_frequencies[0], 5 + 6);
    tell_part(fixture, true, 2);
    FAKE_TELL(fixture->cluster, fixture->cluster->epoch = 2);
    search(fixture, "hoop");
    assert_true(fixture->answer.partial);
    assert_int_equal(other->last_frequencies[0], 5 + 6); /* its last word about the whole */
    search(fixture, "stave");
    assert_int_equal(other->last_frequencies[0], 2 + 6); /* there is none */
    tell_part(fixture, false, 7);
    search(fixture, "stave");
    assert_false(fixture->answer.partial);
    assert_int_equal(other->last_frequencies[0], 7 + 6); /* though the epoch is the same */
    close_fixture(fixture);
}

/* A third of the results is in a shard that hangs; "hoop stave" matches few, so that more is asked
 * for. */
static void a_silent_shard_leaves_what_the_others_have_found(void **state)
{
    (void)state;
    static const char *const queries[] = {"hoop", "hoop stave"};
    struct fixture *fixture = open_fixture(2, 100);
    struct fake_barrel *barrels = fixture->cluster->barrels;
    fill_two_shards(fixture);
    barrels[0].matching = 2 + 1;
    barrels[1].is_silent = true;
    for (unsigned i = 0; i < 2; i++) {
        int64_t start_ms = clock_boot_ms();
        service_set_deadline(fixture->service, start_ms + 1000);
        search(fixture, queries[i]);
        assert_true(clock_boot_ms() - start_ms < 1000);
        assert_true(fixture->answer.partial);
        assert_int_equal(fixture->answer.shards_answered, 1);
        assert_int_equal(fixture->answer.result_count, 8);
        assert_int_equal(fixture->answer.is_relaxed, i == 1);
    }
    fake_let_go(&barrels[1]);
    close_fixture(fixture);
}

static void where_more_cannot_be_had_what_matches_is_the_answer(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    struct fake_barrel *barrels = fixture->cluster->barrels;
    fill_two_shards(fixture);
    barrels[0].matching = 2 + 1; /* d1, d2 */
    barrels[1].matching = 1 + 1; /* d0 */
    barrels[0].relaxed_refusal = barrels[1].relaxed_refusal = STATUS_OVERLOADED;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ask(fixture, "hoop stave", 1, 2, NULL, false), STATUS_OK);
        assert_urls(&fixture->answer, 0, 2);
        assert_true(fixture->answer.partial);
        assert_false(fixture->answer.from_cache);
        assert_false(fixture->answer.is_relaxed);
        assert_int_equal(fixture->answer.total, 3);
        assert_int_equal(fixture->answer.note_count, 0);
    }
    /* The next page goes on with what matches. */
    assert_int_equal(ask(fixture, "hoop stave", 2, 2, fixture->answer.cursor, false), STATUS_OK);
    assert_urls(&fixture->answer, 2, 1);
    barrels[0].refusal = barrels[1].refusal = STATUS_OVERLOADED;
    assert_int_equal(ask(fixture, "hoop stave", 1, 2, NULL, false), STATUS_OVERLOADED);
    close_fixture(fixture);
}

static void a_page_behind_what_matches_cannot_do_without_more(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    struct fake_barrel *barrels = fixture->cluster->barrels;
    fill_two_shards(fixture);
    barrels[0].matching = 2 + 1;
    barrels[1].matching = 1 + 1;
    assert_int_equal(ask(fixture, "hoop stave", 1, 2, NULL, false), STATUS_OK);
    const char *second = fixture->answer.cursor;
    assert_int_equal(ask(fixture, "hoop stave", 1, 5, NULL, false), STATUS_OK);
    const char *behind = fixture->answer.cursor;
    barrels[0].relaxed_refusal = barrels[1].relaxed_refusal = STATUS_OVERLOADED;
    assert_int_equal(ask(fixture, "hoop stave", 2, 2, second, false), STATUS_OK);
    assert_urls(&fixture->answer, 2, 1);
    assert_true(fixture->answer.partial);
    assert_int_equal(ask(fixture, "hoop stave", 2, 5, behind, false), STATUS_OVERLOADED);
    assert_int_equal(ask(fixture, "hoop stave", 3, 2, NULL, false), STATUS_OVERLOADED);
    close_fixture(fixture);
}

static void without_any_shard_there_is_no_answer(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fixture->cluster->barrels[0].refusal = fixture->cluster->barrels[1].refusal = STATUS_CORRUPT;
    assert_int_equal(ask(fixture, "hoop", 1, 10, NULL, false), STATUS_UNAVAILABLE);
    fixture->cluster->barrels[0].refusal = STATUS_OVERLOADED;
    assert_int_equal(ask(fixture, "hoop", 1, 10, NULL, false), STATUS_OVERLOADED);
    close_fixture(fixture);
    fixture = open_fixture(0, 0);
    assert_int_equal(ask(fixture, "hoop", 1, 10, NULL, false), STATUS_UNAVAILABLE);
    close_fixture(fixture);
}

static void an_empty_query_asks_nobody(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    search(fixture, "  ");
    assert_int_equal(fixture->answer.result_count, 0);
    assert_int_equal(fixture->answer.total, 0);
    assert_false(fixture->answer.partial);
    assert_int_equal(fixture->cluster->barrels[0].searches, 0);
    close_fixture(fixture);
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    search(fixture, "hoop\xff\x01stave");
    assert_string_equal(fixture->answer.query, "hoop\xef\xbf\xbd stave");
    char huge[5000];
    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    search(fixture, huge);
    assert_int_equal(strlen(fixture->answer.query), QUERY_BYTES_MAX);
    close_fixture(fixture);
}

static void document_frequencies_are_asked_once_an_epoch(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    search(fixture, "hoop");
    search(fixture, "hoop");
    search(fixture, "hoop hoop");
    assert_int_equal(barrel->term_calls, 1);
    assert_int_equal(barrel->searches, 3);
    FAKE_TELL(fixture->cluster, {
        fixture->cluster->epoch = 2;
        barrel->document_frequency = 50;
    });
    search(fixture, "hoop");
    assert_int_equal(barrel->term_calls, 2);
    assert_int_equal(barrel->last_frequencies[0], 50 + 6);
    close_fixture(fixture);
}

static void a_words_alternatives_travel_together(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    search(fixture, "running");
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    assert_int_equal(barrel->last_kind, WIRE__NODE_KIND__NODE_TERM);
    assert_int_equal(barrel->last_node_terms, barrel->last_terms);
    assert_true(barrel->last_terms >= 2); /* "running" and "run" */
    close_fixture(fixture);
}

static void the_same_question_is_answered_from_the_cache(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    fill_two_shards(fixture);
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    search(fixture, "Hoop  stave");
    assert_false(fixture->answer.from_cache);
    struct search_answer first = fixture->answer;
    search_cached(fixture, "hoop stave");
    unsigned searches = barrel->searches;
    assert_string_equal(fixture->answer.query, "hoop stave");
    assert_urls(&fixture->answer, 0, 10);
    assert_int_equal(fixture->answer.total, first.total);
    assert_string_equal(fixture->answer.results[3].snippet, first.results[3].snippet);
    assert_int_equal(barrel->searches, searches);
    /* its cursor is as good as a fresh one's */
    assert_int_equal(ask(fixture, "hoop stave", 2, 10, fixture->answer.cursor, false), STATUS_OK);
    assert_urls(&fixture->answer, 10, 2);
    close_fixture(fixture);
}

static void what_differs_is_not_answered_from_the_cache(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    fill_two_shards(fixture);
    search(fixture, "hoop");
    assert_int_equal(ask(fixture, "hoop", 1, 10, NULL, true), STATUS_OK);
    assert_false(fixture->answer.from_cache);
    assert_true(fixture->cluster->barrels[0].last_private);
    assert_int_equal(ask(fixture, "hoop", 2, 10, NULL, false), STATUS_OK);
    assert_false(fixture->answer.from_cache);
    assert_int_equal(ask(fixture, "hoop", 1, 9, NULL, false), STATUS_OK);
    assert_false(fixture->answer.from_cache);
    search(fixture, "stave");
    assert_false(fixture->answer.from_cache);
    close_fixture(fixture);
}

static void a_new_position_of_any_shard_empties_the_cache(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    fill_two_shards(fixture);
    search(fixture, "hoop");
    pthread_mutex_lock(&fixture->cluster->mutex);
    fixture->cluster->barrels[1].position = 101;
    pthread_mutex_unlock(&fixture->cluster->mutex);
    search(fixture, "stave"); /* this reply tells */
    search(fixture, "hoop");
    assert_false(fixture->answer.from_cache);
    search_cached(fixture, "hoop");
    FAKE_TELL(fixture->cluster, fixture->cluster->epoch = 2);
    search(fixture, "hoop");
    assert_false(fixture->answer.from_cache);
    close_fixture(fixture);
}

static void set_unsettled(struct fixture *fixture, bool is_unsettled)
{
    pthread_mutex_lock(&fixture->cluster->mutex);
    fixture->cluster->barrels[1].is_unsettled = is_unsettled;
    pthread_mutex_unlock(&fixture->cluster->mutex);
}

static void while_a_barrel_is_unsettled_nothing_comes_from_the_cache(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    fill_two_shards(fixture);
    search_cached(fixture, "hoop");
    set_unsettled(fixture, true);
    search(fixture, "stave"); /* this reply tells */
    for (int i = 0; i < 10; i++) {
        search(fixture, "hoop");
        assert_false(fixture->answer.from_cache);
    }
    set_unsettled(fixture, false);
    search_cached(fixture, "hoop");
    /* The next page of a list tells, too, though it is never kept itself. */
    assert_int_equal(ask(fixture, "stave", 1, 10, NULL, false), STATUS_OK);
    const char *cursor = fixture->answer.cursor;
    set_unsettled(fixture, true);
    assert_int_equal(ask(fixture, "stave", 2, 10, cursor, false), STATUS_OK);
    set_unsettled(fixture, false);
    search(fixture, "hoop");
    assert_false(fixture->answer.from_cache);
    close_fixture(fixture);
}

static void a_page_that_went_away_is_left_out(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fake_add(&fixture->cluster->barrels[0], 1, 9, "http://a/", "A");
    fake_add(&fixture->cluster->barrels[0], 2, 8, "http://b/", "B");
    fake_add(&fixture->cluster->barrels[0], 3, 7, "http://c/", NULL);
    fixture->cluster->barrels[0].documents[1].gone = true;
    search(fixture, "hoop");
    assert_int_equal(fixture->answer.result_count, 2);
    assert_false(fixture->answer.partial);
    assert_string_equal(fixture->answer.results[1].url, "http://c/");
    assert_string_equal(fixture->answer.results[1].title, "http://c/"); /* the URL stands in */
    assert_int_equal(fixture->cluster->barrels[1].document_calls, 0);
    close_fixture(fixture);
}

static void what_one_that_is_filled_again_has_not_got_may_be_there(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 100);
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    struct explain_answer explained;
    fake_add(barrel, 1, 9, "http://a/", "A");
    fake_add(barrel, 2, 8, "http://b/", "B");
    FAKE_TELL(fixture->cluster, barrel->is_rebuilding_then = true);
    search(fixture, "stave"); /* it has all that was found */
    assert_false(fixture->answer.partial);
    FAKE_TELL(fixture->cluster, barrel->documents[1].gone = true);
    for (unsigned i = 0; i < 3; i++) {
        search(fixture, "hoop");
        assert_int_equal(fixture->answer.result_count, 1);
        assert_true(fixture->answer.partial);
        assert_false(fixture->answer.from_cache); /* it would be wrong for longer than need be */
    }
    FAKE_TELL(fixture->cluster, fixture->cluster->barrels[1].is_rebuilding_then = true);
    assert_int_equal(service_explain(fixture->service, "hoop", "http://a/", &fixture->arena,
                                     &explained, &fixture->err),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(fixture->err.text, "being made again"));
    FAKE_TELL(fixture->cluster, {
        for (unsigned i = 0; i < 2; i++)
            fixture->cluster->barrels[i].is_rebuilding_then = false;
    });
    search_cached(fixture, "hoop");
    assert_false(fixture->answer.partial);
    assert_int_equal(service_explain(fixture->service, "hoop", "http://a/", &fixture->arena,
                                     &explained, &fixture->err),
                     STATUS_OK);
    assert_false(explained.reply->found);
    close_fixture(fixture);
}

static void a_document_is_shown_for_its_own_hit_only(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    struct fake_barrel *barrel = &fixture->cluster->barrels[0];
    fake_add(barrel, 1, 9, "http://a/", "A");
    fake_add(barrel, 2, 8, "http://b/", "B");
    fake_add(barrel, 3, 7, "http://c/", "C");
    barrel->mixes_up = true;
    search(fixture, "hoop");
    assert_int_equal(fixture->answer.result_count, 1);
    assert_string_equal(fixture->answer.results[0].url, "http://b/"); /* the middle one */
    assert_true(fixture->answer.partial);
    close_fixture(fixture);
}

static void snippets_are_escaped_but_for_the_marks(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    fake_add(&fixture->cluster->barrels[0], 1, 9, "http://a/", "A");
    struct fake_document *document = &fixture->cluster->barrels[0].documents[0];
    document->snippet[0] = "<script>alert('x')</script> & \"";
    document->snippet[1] = "</mark><b>";
    search(fixture, "hoop");
    assert_string_equal(fixture->answer.results[0].snippet,
                        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;"
                        "<mark>&lt;/mark&gt;&lt;b&gt;</mark> and staves");
    close_fixture(fixture);
}

/* ---- suggestions ---- */

/* A shard knows another word; of CORRECT a candidate so many edits away. */
static void tell_word(struct fixture *fixture, unsigned shard, const char *term, const char *text,
                      uint64_t documents, uint32_t distance)
{
    pthread_mutex_lock(&fixture->cluster->mutex);
    struct fake_barrel *barrel = &fixture->cluster->barrels[shard];
    barrel->words[barrel->word_count++] = (struct fake_word){term, text, documents, 0, distance};
    pthread_mutex_unlock(&fixture->cluster->mutex);
}

static void tell_title(struct fixture *fixture, unsigned shard, const char *text, bool begins,
                       double score)
{
    pthread_mutex_lock(&fixture->cluster->mutex);
    struct fake_barrel *barrel = &fixture->cluster->barrels[shard];
    barrel->titles[barrel->title_count++] = (struct fake_title){text, begins, score};
    pthread_mutex_unlock(&fixture->cluster->mutex);
}

static void expect_suggestions(struct fixture *fixture, const char *typed, const char *expected)
{
    struct suggest_answer answer;
    char text[1000] = "";
    assert_int_equal(
        service_suggest(fixture->service, typed, false, &fixture->arena, &answer, NULL), STATUS_OK);
    for (unsigned i = 0; i < answer.count; i++) {
        strcat(text, answer.suggestions[i]);
        strcat(text, "|");
    }
    assert_string_equal(text, expected);
}

static void suggestions_of_all_shards_are_added_up(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    struct fake_barrel *barrels = fixture->cluster->barrels;
    tell_word(fixture, 0, "hoop", "hoop", 5, 0);
    tell_word(fixture, 0, "hoops", "hoops", 4, 0);
    tell_word(fixture, 0, "hotel", "hôtel", 2, 0);
    tell_word(fixture, 1, "hoops", "hoops", 4, 0);
    tell_word(fixture, 1, "hotel", "hotel", 1, 0);
    tell_word(fixture, 1, "ho", "Ho", 90, 0);
    tell_title(fixture, 0, "Of hoops", false, 9);
    tell_title(fixture, 0, "Hoops", true, 1);
    tell_title(fixture, 1, "How hoops\nare made", true, 2);
    /* What was typed is no suggestion; of what differs in case alone the title is. */
    expect_suggestions(fixture, "ho", "Hoops|hoop|hôtel|How hoops are made|Of hoops|");
    FAKE_TELL(fixture->cluster, { barrels[1].words[0].together = 1; });
    expect_suggestions(fixture, "ho", "Hoops|hoop|hôtel|How hoops are made|Of hoops|");
    FAKE_TELL(fixture->cluster, { barrels[1].words[1].together = 2; });
    expect_suggestions(fixture, "ho", "hôtel|Hoops|hoop|How hoops are made|Of hoops|");
    expect_suggestions(fixture, "", "");
    close_fixture(fixture);
}

static void suggestions_need_a_shard(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(0, 0);
    struct suggest_answer answer;
    assert_int_equal(service_suggest(fixture->service, "a", false, &fixture->arena, &answer, NULL),
                     STATUS_UNAVAILABLE);
    close_fixture(fixture);
}

/* ---- other spellings ---- */

/* Two shards without hits; both know "hoop", of which they count `counted` documents in all. */
static struct fixture *open_for_corrections(uint64_t counted, unsigned cache_entries)
{
    struct fixture *fixture = open_fixture(2, cache_entries);
    for (unsigned i = 0; i < 2; i++) {
        tell_word(fixture, i, "hoops", "hoops", 4, 2);
        tell_word(fixture, i, "hoop", "hoop", 3, 1);
        FAKE_TELL(fixture->cluster, {
            fixture->cluster->barrels[i].counted = i == 0 ? counted / 2 : counted - counted / 2;
        });
    }
    return fixture;
}

static void expect_instead(struct fixture *fixture, const char *typed, const char *expected)
{
    search(fixture, typed);
    if (expected == NULL)
        assert_null(fixture->answer.did_you_mean);
    else
        assert_string_equal(fixture->answer.did_you_mean, expected);
}

static void a_spelling_that_finds_more_is_proposed(void **state)
{
    (void)state;
    struct fixture *fixture = open_for_corrections(7, 0);
    expect_instead(fixture, "Hopo!", "hoop");
    assert_int_equal(fixture->answer.did_you_mean_total, 7);
    expect_instead(fixture, "Hopo, now", "hoop hoop");
    assert_string_equal(fixture->cluster->barrels[0].corrected, " hopo now");
    close_fixture(fixture);
}

static void a_spelling_that_does_not_find_clearly_more_is_not_proposed(void **state)
{
    (void)state;
    struct fixture *fixture = open_for_corrections(0, 0);
    expect_instead(fixture, "hopo", NULL);
    FAKE_TELL(fixture->cluster, {
        fixture->cluster->barrels[0].counted = 6;
        fixture->cluster->barrels[0].total = 2;
    });
    fake_add(&fixture->cluster->barrels[0], 1, 1, "http://a/", "a");
    expect_instead(fixture, "hopo", NULL);
    FAKE_TELL(fixture->cluster, { fixture->cluster->barrels[0].counted = 7; });
    expect_instead(fixture, "hopo hopo", "hoop hoop");
    /* What finds enough is left alone. */
    FAKE_TELL(fixture->cluster, {
        fixture->cluster->barrels[0].counted = 700;
        fixture->cluster->barrels[0].total = 5;
    });
    expect_instead(fixture, "hopo hopo hopo", NULL);
    close_fixture(fixture);
}

static void a_word_as_common_as_others_is_left_alone(void **state)
{
    (void)state;
    struct fixture *fixture = open_for_corrections(100, 0);
    FAKE_TELL(fixture->cluster, { fixture->cluster->barrels[1].word_documents = 1; });
    expect_instead(fixture, "hopo", NULL);
    FAKE_TELL(fixture->cluster, { fixture->cluster->barrels[1].words[1].documents = 30; });
    expect_instead(fixture, "hopo hopo", "hoop hoop");
    close_fixture(fixture);
}

static void what_is_quoted_excluded_or_behind_a_colon_is_never_corrected(void **state)
{
    (void)state;
    static const char *const queries[] = {"\"hopo\"",   "\"hopo fast\"", "“hopo”", "site:hopo",
                                          "title:hopo", "-hopo",         "だだ"};
    struct fixture *fixture = open_for_corrections(100, 0);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++)
        expect_instead(fixture, queries[i], NULL);
    expect_instead(fixture, "hopo -iron", "hoop -iron");
    expect_instead(fixture, "hopo \"of iron\"", NULL);
    expect_instead(fixture, "hopo -hopo", NULL);
    close_fixture(fixture);
}

static void other_spellings_come_from_the_cache_and_on_the_first_page_alone(void **state)
{
    (void)state;
    struct fixture *fixture = open_for_corrections(7, 100);
    expect_instead(fixture, "hopo", "hoop");
    search_cached(fixture, "hopo");
    assert_string_equal(fixture->answer.did_you_mean, "hoop");
    assert_int_equal(fixture->answer.did_you_mean_total, 7);
    unsigned calls = fixture->cluster->barrels[0].correct_calls;
    assert_int_equal(ask(fixture, "hopo", 2, 10, NULL, false), STATUS_OK);
    assert_null(fixture->answer.did_you_mean);
    assert_int_equal(fixture->cluster->barrels[0].correct_calls, calls);
    close_fixture(fixture);
}

static void without_every_shard_no_other_spelling_is_proposed(void **state)
{
    (void)state;
    struct fixture *fixture = open_for_corrections(7, 0);
    FAKE_TELL(fixture->cluster, { fixture->cluster->barrels[1].refusal = STATUS_INVALID; });
    search(fixture, "hopo");
    assert_true(fixture->answer.partial);
    assert_null(fixture->answer.did_you_mean);
    close_fixture(fixture);
}

static void by_a_part_of_the_pages_no_other_spelling_is_proposed(void **state)
{
    (void)state;
    struct fixture *fixture = open_for_corrections(7, 0);
    search(fixture, "hopo");
    assert_non_null(fixture->answer.did_you_mean);
    FAKE_TELL(fixture->cluster, fixture->cluster->barrels[1].is_rebuilding_then = true);
    search(fixture, "hopo");
    assert_false(fixture->answer.partial);
    assert_null(fixture->answer.did_you_mean);
    close_fixture(fixture);
}

static void backlinks_come_from_the_shard_of_the_page(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    const char *source = "http://a.example/";
    uint64_t hash = url_hash(source, strlen(source));
    fake_add(&fixture->cluster->barrels[url_hash_slot(hash) / 128], hash, 1, source, "Title of A");
    struct backlinks_answer answer;
    assert_int_equal(service_backlinks(fixture->service, " HTTP://Example.ORG:80/x/../y ", 1, 10,
                                       false, &fixture->arena, &answer, &fixture->err),
                     STATUS_OK);
    assert_string_equal(answer.url, "http://example.org/y");
    unsigned shard = url_hash_slot(url_hash(answer.url, strlen(answer.url))) / 128;
    assert_int_equal(fixture->cluster->barrels[shard].backlink_calls, 1);
    assert_int_equal(fixture->cluster->barrels[1 - shard].backlink_calls, 0);
    assert_string_equal(fixture->cluster->barrels[shard].last_backlinks_url, answer.url);
    assert_int_equal(answer.total, 2);
    assert_false(answer.partial);
    assert_int_equal(answer.link_count, 2);
    assert_string_equal(answer.links[0].title, "Title of A");
    assert_string_equal(answer.links[0].anchor, "see here");
    assert_string_equal(answer.links[1].title, "");
    const char *other = "http://nowhere.example/"; /* its hash belongs to another page */
    hash = url_hash(other, strlen(other));
    fake_add(&fixture->cluster->barrels[url_hash_slot(hash) / 128], hash, 1, "http://x/", "X");
    assert_int_equal(service_backlinks(fixture->service, answer.url, 1, 10, false, &fixture->arena,
                                       &answer, &fixture->err),
                     STATUS_OK);
    assert_string_equal(answer.links[0].title, "Title of A");
    assert_string_equal(answer.links[1].title, "");
    FAKE_TELL(fixture->cluster, fixture->cluster->barrels[shard].is_rebuilding_then = true);
    assert_int_equal(service_backlinks(fixture->service, answer.url, 1, 10, false, &fixture->arena,
                                       &answer, &fixture->err),
                     STATUS_OK);
    assert_true(answer.partial);
    assert_int_equal(service_backlinks(fixture->service, "mailto:x@example.org", 1, 10, false,
                                       &fixture->arena, &answer, &fixture->err),
                     STATUS_INVALID);
    assert_int_equal(service_backlinks(fixture->service, "http://x/", 101, 10, false,
                                       &fixture->arena, &answer, &fixture->err),
                     STATUS_INVALID);
    close_fixture(fixture);
}

static void urls_are_submitted_as_they_are(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    const char *const given[] = {"http://a/", "gopher://b/", "https://c/"};
    Wire__SubmitReply *reply;
    assert_int_equal(service_add_urls(fixture->service, given, 3, &fixture->arena, &reply, NULL),
                     STATUS_OK);
    assert_int_equal(reply->accepted, 2);
    assert_string_equal(reply->rejected[0]->url, "gopher://b/");
    assert_int_equal(service_add_urls(fixture->service, given, 0, &fixture->arena, &reply, NULL),
                     STATUS_INVALID);
    assert_int_equal(
        service_add_urls(fixture->service, given, ADD_URLS_MAX + 1, &fixture->arena, &reply, NULL),
        STATUS_INVALID);
    close_fixture(fixture);
}

static void *start_indexserver_again(void *context)
{
    struct timespec pause = {.tv_nsec = 200000000};
    nanosleep(&pause, NULL); /* the outage that is tested */
    fake_start_indexserver(context);
    return NULL;
}

static void an_indexserver_that_is_restarted_is_waited_for(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    const char *const given[] = {"http://a/"};
    Wire__SubmitReply *reply;
    assert_int_equal(service_add_urls(fixture->service, given, 1, &fixture->arena, &reply, NULL),
                     STATUS_OK);
    rpc_server_close(fixture->cluster->indexserver, 1000);
    pthread_t thread;
    pthread_create(&thread, NULL, start_indexserver_again, fixture->cluster);
    assert_int_equal(service_add_urls(fixture->service, given, 1, &fixture->arena, &reply, NULL),
                     STATUS_OK);
    pthread_join(thread, NULL);
    FAKE_TELL(fixture->cluster, fixture->cluster->forgets_indexserver = true);
    int64_t start_ms = clock_boot_ms();
    assert_int_equal(
        service_add_urls(fixture->service, given, 1, &fixture->arena, &reply, &fixture->err),
        STATUS_UNAVAILABLE);
    assert_true(clock_boot_ms() - start_ms < 10000);
    close_fixture(fixture);
}

static void the_rest_is_passed_on(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    Wire__LookupReply *lookup;
    Wire__RemoveReply *removed;
    Wire__Stats *stats;
    assert_int_equal(service_why(fixture->service, "x", &fixture->arena, &lookup, NULL), STATUS_OK);
    assert_string_equal(lookup->stages[0]->name, "fetch");
    assert_int_equal(service_remove(fixture->service, LOG__REMOVE_SCOPE__REMOVE_SITE, "x",
                                    &fixture->arena, &removed, NULL),
                     STATUS_OK);
    assert_int_equal(removed->removed, 3);
    assert_int_equal(service_remove(fixture->service, LOG__REMOVE_SCOPE__REMOVE_SITE, "",
                                    &fixture->arena, &removed, NULL),
                     STATUS_INVALID);
    assert_int_equal(service_control(fixture->service, LOG__ACTION__ACTION_PAUSE, "", NULL),
                     STATUS_OK);
    assert_int_equal(service_stats(fixture->service, &fixture->arena, &stats, NULL), STATUS_OK);
    assert_int_equal(stats->searches, 5);
    assert_int_equal(service_login(fixture->service, "right", NULL), STATUS_OK);
    assert_int_equal(service_login(fixture->service, "wrong", NULL), STATUS_DENIED);
    close_fixture(fixture);
}

static void readiness_names_what_is_missing(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    assert_int_equal(service_ready(fixture->service, &fixture->err), STATUS_OK);
    fake_barrel_stop(&fixture->cluster->barrels[1]);
    assert_int_equal(service_ready(fixture->service, &fixture->err), STATUS_UNAVAILABLE);
    assert_non_null(strstr(fixture->err.text, "shard 1"));
    close_fixture(fixture);
}

static void the_token_and_its_cookie_let_in_and_nothing_else_does(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    char cookie[ADMIN_COOKIE_BYTES], wrong[65];
    memcpy(wrong, fake_token, 65);
    wrong[63] = '0';
    assert_true(gateway_token_is_valid(fixture->gateway, fake_token));
    assert_false(gateway_token_is_valid(fixture->gateway, wrong));
    assert_false(gateway_token_is_valid(fixture->gateway, ""));
    assert_false(gateway_token_is_valid(fixture->gateway, NULL));
    gateway_cookie_value(fixture->gateway, cookie);
    assert_int_equal(strlen(cookie), 64);
    assert_true(gateway_cookie_is_valid(fixture->gateway, cookie));
    cookie[0] = cookie[0] == '0' ? '1' : '0';
    assert_false(gateway_cookie_is_valid(fixture->gateway, cookie));
    assert_false(gateway_cookie_is_valid(fixture->gateway, fake_token));
    assert_false(gateway_cookie_is_valid(fixture->gateway, ""));
    close_fixture(fixture);
}

static void what_happened_is_told_to_the_orchestrator_once(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    fill_two_shards(fixture);
    search(fixture, "hoop");
    search(fixture, "hoop");
    ask(fixture, "hoop", 2, 10, NULL, false);
    gateway_count_request(fixture->gateway);
    FAKE_AWAIT(fixture->cluster, fixture->cluster->heard_requests == 1);
    unsigned heartbeats = fixture->cluster->heartbeats;
    FAKE_AWAIT(fixture->cluster, fixture->cluster->heartbeats > heartbeats + 3);
    pthread_mutex_lock(&fixture->cluster->mutex);
    assert_int_equal(fixture->cluster->heard_searches, 2); /* first pages */
    assert_int_equal(fixture->cluster->heard_hits, 0);
    assert_string_equal(fixture->cluster->heard_query, "hoop");
    assert_int_equal(fixture->cluster->heard_query_count, 2);
    assert_int_equal(fixture->cluster->heard_barrel_calls, 6); /* three searches, two shards */
    pthread_mutex_unlock(&fixture->cluster->mutex);
    struct gateway_totals totals;
    gateway_totals(fixture->gateway, &totals);
    assert_int_equal(totals.searches, 2);
    close_fixture(fixture);
}

static void limits_follow_the_settings(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(gateway_take_allowance(fixture->gateway, "192.0.2.1", 1), 0);
    FAKE_TELL(fixture->cluster, {
        fixture->cluster->settings_version = 2;
        fixture->cluster->requests_per_minute = 1;
        fixture->cluster->burst = 2;
    });
    assert_int_equal(gateway_take_allowance(fixture->gateway, "192.0.2.1", 1), 0);
    assert_int_equal(gateway_take_allowance(fixture->gateway, "192.0.2.1", 1), 0);
    unsigned wait_s = gateway_take_allowance(fixture->gateway, "192.0.2.1", 1);
    assert_true(wait_s > 50 && wait_s <= 60);
    FAKE_AWAIT(fixture->cluster, fixture->cluster->heard_limited == 1);
    close_fixture(fixture);
}

static void a_deadline_cuts_the_search_short(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(1, 0);
    fake_barrel_stop(&fixture->cluster->barrels[0]);
    int64_t start_ms = clock_boot_ms();
    service_set_deadline(fixture->service, start_ms + 100);
    assert_int_equal(ask(fixture, "hoop", 1, 10, NULL, false), STATUS_UNAVAILABLE);
    assert_true(clock_boot_ms() - start_ms < 900); /* the wait for a restart */
    close_fixture(fixture);
}

static void what_nobody_waits_for_is_given_up(void **state)
{
    (void)state;
    struct fixture *fixture = open_fixture(2, 0);
    struct backlinks_answer links;
    int pair[2];
    fill_two_shards(fixture);
    search(fixture, "hoop");
    fake_barrel_stop(&fixture->cluster->barrels[0]); /* which would be waited for */
    fake_barrel_stop(&fixture->cluster->barrels[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    close(pair[1]);
    int64_t start_ms = clock_boot_ms();
    service_set_asker(fixture->service, &(struct rpc_watch){.fd = pair[0]});
    assert_int_equal(ask(fixture, "hoop", 1, 10, NULL, false), STATUS_CANCELLED);
    service_set_asker(fixture->service, &(struct rpc_watch){.fd = pair[0]});
    assert_int_equal(service_backlinks(fixture->service, "http://d0/", 1, 10, false,
                                       &fixture->arena, &links, &fixture->err),
                     STATUS_CANCELLED);
    assert_true(clock_boot_ms() - start_ms < 800);
    service_set_asker(fixture->service, NULL);
    assert_int_equal(ask(fixture, "hoop", 1, 10, NULL, false), STATUS_UNAVAILABLE);
    close(pair[0]);
    close_fixture(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_all_shards_are_merged_by_score_then_hash),
        cmocka_unit_test(pages_continue_each_other),
        cmocka_unit_test(a_cursor_continues_with_the_statistics_of_the_first_page),
        cmocka_unit_test(the_window_is_that_of_all_shards),
        cmocka_unit_test(pages_with_one_text_are_one_result_on_all_pages),
        cmocka_unit_test(all_pages_are_results_where_that_is_asked_for),
        cmocka_unit_test(folding_is_said),
        cmocka_unit_test(of_equals_the_one_to_be_preferred_is_shown),
        cmocka_unit_test(texts_without_a_fingerprint_are_all_different),
        cmocka_unit_test(a_duplicate_that_went_away_is_not_listed),
        cmocka_unit_test(pages_with_any_word_follow_the_few_with_all),
        cmocka_unit_test(a_compound_is_looked_for_in_parts_on_every_page),
        cmocka_unit_test(a_compound_is_asked_for_whole_where_enough_pages_have_it),
        cmocka_unit_test(what_cannot_ask_for_more_or_finds_enough_is_asked_once),
        cmocka_unit_test(a_cursor_of_another_query_or_of_nobody_is_refused),
        cmocka_unit_test(nobody_sees_more_than_a_thousand_results),
        cmocka_unit_test(totals_say_when_they_are_a_lower_bound),
        cmocka_unit_test(a_dead_shard_makes_a_partial_answer_with_the_same_scores),
        cmocka_unit_test(a_shard_that_is_filled_again_makes_a_partial_answer_with_the_same_scores),
        cmocka_unit_test(a_silent_shard_leaves_what_the_others_have_found),
        cmocka_unit_test(where_more_cannot_be_had_what_matches_is_the_answer),
        cmocka_unit_test(a_page_behind_what_matches_cannot_do_without_more),
        cmocka_unit_test(without_any_shard_there_is_no_answer),
        cmocka_unit_test(an_empty_query_asks_nobody),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(document_frequencies_are_asked_once_an_epoch),
        cmocka_unit_test(a_words_alternatives_travel_together),
        cmocka_unit_test(the_same_question_is_answered_from_the_cache),
        cmocka_unit_test(what_differs_is_not_answered_from_the_cache),
        cmocka_unit_test(a_new_position_of_any_shard_empties_the_cache),
        cmocka_unit_test(while_a_barrel_is_unsettled_nothing_comes_from_the_cache),
        cmocka_unit_test(a_page_that_went_away_is_left_out),
        cmocka_unit_test(what_one_that_is_filled_again_has_not_got_may_be_there),
        cmocka_unit_test(a_document_is_shown_for_its_own_hit_only),
        cmocka_unit_test(snippets_are_escaped_but_for_the_marks),
        cmocka_unit_test(suggestions_of_all_shards_are_added_up),
        cmocka_unit_test(suggestions_need_a_shard),
        cmocka_unit_test(a_spelling_that_finds_more_is_proposed),
        cmocka_unit_test(a_spelling_that_does_not_find_clearly_more_is_not_proposed),
        cmocka_unit_test(a_word_as_common_as_others_is_left_alone),
        cmocka_unit_test(what_is_quoted_excluded_or_behind_a_colon_is_never_corrected),
        cmocka_unit_test(other_spellings_come_from_the_cache_and_on_the_first_page_alone),
        cmocka_unit_test(without_every_shard_no_other_spelling_is_proposed),
        cmocka_unit_test(by_a_part_of_the_pages_no_other_spelling_is_proposed),
        cmocka_unit_test(backlinks_come_from_the_shard_of_the_page),
        cmocka_unit_test(urls_are_submitted_as_they_are),
        cmocka_unit_test(an_indexserver_that_is_restarted_is_waited_for),
        cmocka_unit_test(the_rest_is_passed_on),
        cmocka_unit_test(readiness_names_what_is_missing),
        cmocka_unit_test(the_token_and_its_cookie_let_in_and_nothing_else_does),
        cmocka_unit_test(what_happened_is_told_to_the_orchestrator_once),
        cmocka_unit_test(limits_follow_the_settings),
        cmocka_unit_test(a_deadline_cuts_the_search_short),
        cmocka_unit_test(what_nobody_waits_for_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
