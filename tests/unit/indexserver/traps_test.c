/* Sites that never end, and large ones that do. */
#include "tests/unit/indexserver/harness.h"

#include "indexserver/traps.h"

#define ROOT "http://127.0.0.1:7071/"

/* A downloader's answer, made for whatever URL was leased: `make` fills in the page. */
typedef void make_page_of(struct indexserver *ix, const char *url, Page__Page *page);

static void add_link(struct indexserver *ix, Page__Page *page, const char *url)
{
    Page__Link *link = arena_alloc(&ix->arena, sizeof(*link));
    page__link__init(link);
    link->url = (char *)url;
    page->links[page->n_links++] = link;
}

static Wire__Fetched *answer(struct indexserver *ix, const Wire__HostLease *lease,
                             const Wire__LeasedUrl *leased, make_page_of *make)
{
    Wire__Fetched *fetched = arena_alloc(&ix->arena, sizeof(*fetched));
    struct site_page site = {.url = leased->url};
    wire__fetched__init(fetched);
    fetched->lease = lease->lease;
    fetched->url = leased->url;
    if (leased->kind == WIRE__FETCH_KIND__FETCH_ROBOTS) {
        fetch_robots(ix, lease, fetched);
        return fetched;
    }
    fetched->result_case = WIRE__FETCHED__RESULT_CONTENT;
    fetched->content = make_content(ix, &site);
    fetched->page = make_page(ix, &site);
    fetched->page->links = arena_alloc(&ix->arena, 8 * sizeof(*fetched->page->links));
    make(ix, leased->url, fetched->page);
    ix->fetches++;
    return fetched;
}

/* Crawls until nothing is due, or so many pages were fetched. */
static void crawl_site(struct indexserver *ix, make_page_of *make, unsigned fetches_max)
{
    const Wire__LeaseReply *reply;
    while (ix->fetches < fetches_max && (reply = lease(ix, 8, 100))->n_leases > 0) {
        for (size_t i = 0; i < reply->n_leases; i++) {
            Wire__Fetched *fetched[256];
            size_t count = 0;
            for (size_t k = 0; k < reply->leases[i]->n_urls && count < 256; k++)
                fetched[count++] = answer(ix, reply->leases[i], reply->leases[i]->urls[k], make);
            report(ix, fetched, count, &reply->leases[i]->lease, 1);
        }
    }
}

static unsigned number_of(const char *url)
{
    return (unsigned)strtoul(url + strcspn(url + sizeof(ROOT) - 1, "0123456789") + sizeof(ROOT) - 1,
                             NULL, 10);
}

/* Each day leads to the next, and has nothing. */
static void make_calendar(struct indexserver *ix, const char *url, Page__Page *page)
{
    unsigned day = number_of(url);
    page->title = (char *)"Calendar";
    page->text = arena_format(&ix->arena, "No events on day %u", day);
    add_link(ix, page, arena_format(&ix->arena, ROOT "day/%u", day + 1));
    if (strcmp(url, ROOT) == 0)
        add_link(ix, page, ROOT "about");
}

static void a_calendar_without_end_costs_a_bounded_number_of_fetches(void **state)
{
    struct indexserver *ix = indexserver_new();
    (void)state;
    start_with_settings(ix);
    submit(ix, ROOT);
    crawl_site(ix, make_calendar, 2000);
    assert_in_range(ix->fetches, 20, 2 * TRAP_PAGES_FREE);
    assert_non_null(strstr(lookup(ix, ROOT "about", "fetch"), "ok"));
    assert_non_null(strstr(lookup(ix, ROOT "day/999999", "scope"), "/day/0"));
    indexserver_free(ix);
}

enum { ARTICLES = 600 };

/* Each leads to the next, too, and has a text of its own. */
static void make_articles(struct indexserver *ix, const char *url, Page__Page *page)
{
    static const char *const words[] = {"ash", "birch", "cedar", "dogwood", "elm",
                                        "fir", "gorse", "hazel", "ivy",     "juniper"};
    unsigned number = number_of(url), rest = number;
    struct buffer text = {0};
    for (int i = 0; i < 4; i++, rest /= 10)
        buffer_append_format(&text, "%s ", words[rest % 10]);
    page->title = (char *)"Article";
    page->text = arena_string(&ix->arena, buffer_string(&text));
    buffer_release(&text);
    if (number < ARTICLES)
        add_link(ix, page, arena_format(&ix->arena, ROOT "article/%u", number + 1));
}

static void numbered_articles_are_fetched_to_the_last(void **state)
{
    struct indexserver *ix = indexserver_new();
    (void)state;
    start_with_settings(ix);
    submit(ix, ROOT);
    crawl_site(ix, make_articles, 2000);
    assert_int_equal(ix->fetches, ARTICLES + 1);
    indexserver_free(ix);
}

/* A relative link that goes round. */
static void make_round(struct indexserver *ix, const char *url, Page__Page *page)
{
    add_link(ix, page, arena_format(&ix->arena, "%ssub/", url));
}

static void a_link_that_goes_round_ends(void **state)
{
    struct indexserver *ix = indexserver_new();
    (void)state;
    start_with_settings(ix);
    submit(ix, ROOT);
    crawl_site(ix, make_round, 100);
    assert_int_equal(ix->fetches, 3);
    assert_non_null(strstr(lookup(ix, ROOT "sub/sub/sub/", "scope"), "repeats itself"));
    indexserver_free(ix);
}

static void what_the_owner_names_is_fetched_whatever_it_looks_like(void **state)
{
    struct indexserver *ix = indexserver_new();
    (void)state;
    start_with_settings(ix);
    submit(ix, ROOT "sub/sub/sub/sub/");
    crawl_site(ix, make_round, 100);
    assert_int_equal(ix->fetches, 1);
    indexserver_free(ix);
}

static void after_a_restart_the_counts_are_the_same(void **state)
{
    struct indexserver *ix = indexserver_new();
    (void)state;
    start_with_settings(ix);
    submit(ix, ROOT);
    crawl_site(ix, make_calendar, 2000);
    unsigned fetches = ix->fetches;
    restart(ix);
    submit(ix, ROOT "day/5000");
    crawl_site(ix, make_calendar, 2000);
    assert_int_equal(ix->fetches, fetches + 1);
    indexserver_free(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_calendar_without_end_costs_a_bounded_number_of_fetches),
        cmocka_unit_test(numbered_articles_are_fetched_to_the_last),
        cmocka_unit_test(a_link_that_goes_round_ends),
        cmocka_unit_test(what_the_owner_names_is_fetched_whatever_it_looks_like),
        cmocka_unit_test(after_a_restart_the_counts_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
