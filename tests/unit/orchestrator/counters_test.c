#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "orchestrator/counters.h"
#include "orchestrator/latency.h"
#include "support.h"

static void assert_top(const struct counters *counters, unsigned index, const char *query,
                       uint64_t count)
{
    struct arena arena = {0};
    size_t found;
    Wire__QueryCount **top = counters_top(counters, COUNTERS_TOP, &arena, &found);
    assert_in_range(index, 0, found - 1);
    assert_string_equal(top[index]->query, query);
    assert_int_equal(top[index]->count, count);
    arena_release(&arena);
}

static size_t top_count(const struct counters *counters)
{
    struct arena arena = {0};
    size_t found;
    counters_top(counters, COUNTERS_TOP, &arena, &found);
    arena_release(&arena);
    return found;
}

static void the_most_frequent_searches_come_first(void **state)
{
    (void)state;
    struct counters *counters = counters_new();
    assert_int_equal(top_count(counters), 0);
    counters_add_search(counters, "barrel", 2);
    counters_add_search(counters, "cask", 5);
    counters_add_search(counters, "barrel", 4);
    counters_add_search(counters, "tun", 1);
    counters_add_search(counters, "", 100);
    assert_int_equal(top_count(counters), 3);
    assert_top(counters, 0, "barrel", 6);
    assert_top(counters, 1, "cask", 5);
    assert_top(counters, 2, "tun", 1);
    counters_free(counters);
}

static void a_report_adds_to_the_totals(void **state)
{
    (void)state;
    struct counters *counters = counters_new();
    Wire__GatewayReport report = WIRE__GATEWAY_REPORT__INIT;
    Wire__QueryCount query = WIRE__QUERY_COUNT__INIT;
    query.query = (char *)"cask";
    query.count = 3;
    Wire__QueryCount *queries[] = {&query};
    report.requests = 10;
    report.searches = 3;
    report.limited = 1;
    report.queries = queries;
    report.n_queries = 1;
    counters_add(counters, &report);
    counters_add(counters, &report);
    assert_int_equal(counters_totals(counters).requests, 20);
    assert_int_equal(counters_totals(counters).searches, 6);
    assert_int_equal(counters_totals(counters).limited, 2);
    assert_top(counters, 0, "cask", 6);
    counters_free(counters);
}

/* Against a plain count of everything: what is frequent is found, and overcounted by a bounded
 * amount only. */
static void frequent_searches_survive_a_flood_of_rare_ones(void **state)
{
    (void)state;
    struct counters *counters = counters_new();
    char query[64];
    for (unsigned i = 0; i < 200000; i++) {
        snprintf(query, sizeof(query), "rare %u", i);
        counters_add_search(counters, query, 1);
        if (i % 200 == 0)
            counters_add_search(counters, "frequent", 1);
        if (i >= 20000 && i % 1000 == 0) /* from when there is no room left */
            counters_add_search(counters, "now and then", 1);
    }
    struct arena arena = {0};
    size_t found;
    Wire__QueryCount **top = counters_top(counters, COUNTERS_TOP, &arena, &found);
    assert_int_equal(found, COUNTERS_TOP);
    assert_string_equal(top[0]->query, "frequent");
    assert_in_range(top[0]->count, 1000, 1000 + 201180 / COUNTERS_SEARCHES);
    assert_string_equal(top[1]->query, "now and then");
    assert_in_range(top[1]->count, 180, 180 + 201180 / COUNTERS_SEARCHES);
    arena_release(&arena);
    counters_free(counters);
}

/* Every search is still found under its own count, after many gave way: the table and the heap
 * agree. */
static void counts_are_exact_while_there_is_room(void **state)
{
    (void)state;
    struct counters *counters = counters_new();
    char query[64];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNTERS_SEARCHES; i++) {
            snprintf(query, sizeof(query), "q%u", i * 7919 % COUNTERS_SEARCHES);
            counters_add_search(counters, query, 1 + i % 5);
        }
    }
    struct arena arena = {0};
    size_t found;
    Wire__QueryCount **all = counters_top(counters, COUNTERS_SEARCHES, &arena, &found);
    assert_int_equal(found, COUNTERS_SEARCHES);
    uint64_t sum = 0;
    for (size_t i = 0; i < found; i++)
        sum += all[i]->count;
    assert_int_equal(sum, 3 * COUNTERS_SEARCHES * 3);
    assert_int_equal(all[0]->count, 15);
    assert_int_equal(all[found - 1]->count, 3);
    arena_release(&arena);
    counters_free(counters);
}

static void a_long_search_is_cut_between_characters(void **state)
{
    (void)state;
    struct counters *counters = counters_new();
    char query[400];
    memset(query, 'a', 255);
    memcpy(query + 255, "\xc3\xbc tail", 8);
    counters_add_search(counters, query, 1);
    query[255] = '\0';
    assert_top(counters, 0, query, 1);
    counters_add_search(counters, "two\nlines", 9);
    assert_top(counters, 0, "two lines", 9);
    counters_free(counters);
}

static void counters_outlive_a_restart(void **state)
{
    (void)state;
    char folder[PATH_MAX], path[PATH_MAX];
    temporary_folder(folder);
    path_in(folder, "counters", path);
    struct counters *counters = counters_new();
    assert_int_equal(counters_load(counters, path, NULL), STATUS_NOT_FOUND);
    Wire__GatewayReport report = WIRE__GATEWAY_REPORT__INIT;
    report.requests = 7;
    report.partial = 2;
    counters_add(counters, &report);
    counters_add_search(counters, "old barrels of 42 gallons", 3);
    counters_add_search(counters, "t\xc3\xa9tine", 1);
    assert_int_equal(counters_save(counters, path, NULL), STATUS_OK);
    counters_free(counters);

    counters = counters_new();
    assert_int_equal(counters_load(counters, path, NULL), STATUS_OK);
    assert_top(counters, 0, "old barrels of 42 gallons", 3);
    assert_top(counters, 1, "t\xc3\xa9tine", 1);
    assert_int_equal(counters_totals(counters).requests, 7);
    assert_int_equal(counters_totals(counters).partial, 2);
    counters_free(counters);
    remove_folder(folder);
}

static void a_file_that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
    } files[] = {{"", STATUS_CORRUPT},
                 {"nonsense", STATUS_CORRUPT},
                 {"tierce counters 1\n", STATUS_CORRUPT},
                 {"tierce counters 1\n1 2 3\n", STATUS_CORRUPT},
                 {"tierce counters 1\n1 2 3 4 5 6\nx y\n", STATUS_CORRUPT},
                 {"tierce counters 2\n1 2 3 4 5 6\n", STATUS_UNSUPPORTED},
                 {"tierce counters 1\n1 2 3 4 5 6\n3 cask\n", STATUS_OK}};
    char folder[PATH_MAX], path[PATH_MAX];
    temporary_folder(folder);
    path_in(folder, "counters", path);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct counters *counters = counters_new();
        write_text(path, files[i].text);
        assert_int_equal(counters_load(counters, path, NULL), files[i].status);
        counters_free(counters);
    }
    remove_folder(folder);
}

static void latencies_are_of_the_last_minute(void **state)
{
    (void)state;
    struct latency latency = {0};
    assert_int_equal(latency_mean_us(&latency, 1000000), 0);
    latency_add(&latency, 1000000, 2, 300);
    latency_add(&latency, 1004000, 1, 600);
    assert_int_equal(latency_mean_us(&latency, 1004000), 300);
    latency_add(&latency, 1050000, 1, 100);
    assert_int_equal(latency_mean_us(&latency, 1050000), 250);
    assert_int_equal(latency_mean_us(&latency, 1062000), 100);
    assert_int_equal(latency_mean_us(&latency, 1200000), 0);
    assert_int_equal(latency.calls, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_frequent_searches_come_first),
        cmocka_unit_test(a_report_adds_to_the_totals),
        cmocka_unit_test(frequent_searches_survive_a_flood_of_rare_ones),
        cmocka_unit_test(counts_are_exact_while_there_is_room),
        cmocka_unit_test(a_long_search_is_cut_between_characters),
        cmocka_unit_test(counters_outlive_a_restart),
        cmocka_unit_test(a_file_that_is_none_is_refused),
        cmocka_unit_test(latencies_are_of_the_last_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
