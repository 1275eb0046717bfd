/* The search page, results and backlinks. */
#include <string.h>
#include <strings.h>

#include "gateway/pages.h"

/* What to do where nothing is indexed: said in one place, for everyone. */
static void write_how_to_add(struct html *html)
{
    html_markup(html, "<p>Nothing is indexed yet. Whoever runs this installation can add a site "
                      "with <code>tierce crawl https://example.org/</code>, on the "
                      "<a href=\"/admin\">admin page</a>, or as a source in "
                      "<code>config.yaml</code>; its pages are found here seconds after they were "
                      "fetched.</p>\n");
}

void page_home(struct html *html, const struct page_frame *frame, uint64_t documents)
{
    page_open(html, frame, &(struct page_head){.title = "", .body_class = "home"});
    html_markup(html, "<h1><img src=\"/static/icon.svg?v=" PAGE_STATIC_TAG
                      "\" width=\"72\" height=\"72\" alt=\"\">");
    html_text(html, frame->instance_name);
    html_markup(html, "</h1>\n");
    page_search_form(html, "", true);
    if (documents > 0) {
        html_markup(html, "<p class=\"quiet\">");
        page_count(html, documents, "page to search", "pages to search");
        html_markup(html, "</p>\n");
    } else {
        html_markup(html, "<div class=\"quiet\">");
        write_how_to_add(html);
        html_markup(html, "</div>\n");
    }
    page_close(html);
}

static void write_result_facts(struct html *html, const struct found_page *result)
{
    if (result->fetched_us <= 0 && result->language[0] == '\0' && result->inlinks == 0)
        return;
    html_markup(html, "<p class=\"facts\">");
    if (result->fetched_us > 0) {
        html_markup(html, "<time>");
        html_date(html, result->fetched_us);
        html_markup(html, "</time>");
    }
    if (result->language[0] != '\0') {
        html_markup(html, "<span>");
        html_text(html, result->language);
        html_markup(html, "</span>");
    }
    if (result->inlinks > 0) {
        html_markup(html, "<a href=\"/backlinks?url=");
        html_parameter(html, result->url);
        html_markup(html, "\">");
        page_count(html, result->inlinks, "link here", "links here");
        html_markup(html, "</a>");
    }
    html_markup(html, "</p>");
}

/* Pages with the same text. */
static void write_duplicates(struct html *html, const struct found_page *result)
{
    if (result->duplicate_count == 0)
        return;
    html_markup(html, "<p class=\"same\">Also at ");
    for (unsigned i = 0; i < result->duplicate_count; i++) {
        if (i > 0)
            html_markup(html, ", ");
        html_markup(html, "<a rel=\"noreferrer\"");
        html_link_attribute(html, result->duplicates[i]);
        html_markup(html, ">");
        html_text(html, result->duplicates[i]);
        html_markup(html, "</a>");
    }
    if (result->duplicate_total > result->duplicate_count) {
        html_markup(html, " and ");
        page_count(html, result->duplicate_total - result->duplicate_count, "more page",
                   "more pages");
    }
    html_markup(html, "</p>");
}

static void write_result(struct html *html, const struct found_page *result)
{
    html_markup(html, "<li><h2 dir=\"auto\"><a rel=\"noreferrer\"");
    html_link_attribute(html, result->url);
    html_markup(html, ">");
    html_text(html, result->title);
    html_markup(html, "</a></h2><p class=\"where\">");
    html_breadcrumb(html, result->url);
    html_markup(html, "</p>");
    if (result->snippet[0] != '\0') {
        html_markup(html, "<p class=\"snippet\" dir=\"auto\"");
        if (result->language[0] != '\0')
            html_attribute(html, "lang", result->language);
        html_markup(html, ">");
        html_snippet(html, result->snippet);
        html_markup(html, "</p>");
    }
    write_duplicates(html, result);
    write_result_facts(html, result);
    html_markup(html, "</li>\n");
}

/* "Results 11–20 of 1,234 in 5.6 ms" */
static void write_result_count(struct html *html, const struct search_answer *answer)
{
    html_markup(html, "<p class=\"summary\">");
    uint64_t first = (uint64_t)(answer->page - 1) * answer->size;
    if (answer->result_count > 0 && answer->total > answer->size) {
        html_grouped_number(html, first + 1);
        html_markup(html, "–");
        html_grouped_number(html, first + answer->result_count);
        html_markup(html, " of ");
    }
    if (answer->total_is_lower_bound)
        html_markup(html, "at least ");
    page_count(html, answer->total, "result", "results");
    html_markup(html, " in ");
    html_tenths(html, answer->took_us < 0 ? 0 : (uint64_t)answer->took_us);
    html_markup(html, " ms</p>\n");
}

static void write_reading(struct html *html, const struct search_answer *answer)
{
    bool reads_differently =
        answer->read_as[0] != '\0' && strcasecmp(answer->read_as, answer->query) != 0;
    if (!reads_differently && answer->note_count == 0)
        return;
    html_markup(html, "<ul class=\"notes\">");
    if (reads_differently) {
        html_markup(html, "<li>Read as <b>");
        html_text(html, answer->read_as);
        html_markup(html, "</b></li>");
    }
    for (unsigned i = 0; i < answer->note_count; i++) {
        html_markup(html, "<li>");
        html_text(html, answer->notes[i]);
        html_markup(html, "</li>");
    }
    html_markup(html, "</ul>\n");
}

static void write_did_you_mean(struct html *html, const struct search_answer *answer)
{
    html_markup(html, "<p class=\"instead\">Did you mean <a href=\"/search?q=");
    html_parameter(html, answer->did_you_mean);
    html_markup(html, "\">");
    html_text(html, answer->did_you_mean);
    html_markup(html, "</a>? <span class=\"quiet\">");
    page_count(html, answer->did_you_mean_total, "result", "results");
    html_markup(html, "</span></p>\n");
}

static void write_partial_notice(struct html *html, const struct search_answer *answer)
{
    if (answer->shards_answered == answer->shards_asked) {
        html_markup(html, "<p class=\"notice\" role=\"status\">Incomplete: a part of the index "
                          "is being made again, or did not answer in time.</p>\n");
        return;
    }
    html_markup(html, "<p class=\"notice\" role=\"status\">Incomplete: ");
    html_number(html, answer->shards_answered);
    html_markup(html, " of ");
    page_count(html, answer->shards_asked, "part", "parts");
    html_markup(html,
                " of the index answered in time. Search again in a moment for the rest.</p>\n");
}

static void write_no_results(struct html *html, const struct search_answer *answer,
                             uint64_t documents)
{
    html_markup(html, "<section class=\"empty\">\n");
    if (answer->total > 0) {
        html_markup(html, "<h1>There are no results this far down</h1>\n<p><a href=\"/search?q=");
        html_parameter(html, answer->query);
        html_markup(html, "\">Go to the first page.</a></p>\n");
    } else if (documents == 0) {
        html_markup(html, "<h1>Nothing to search yet</h1>\n");
        write_how_to_add(html);
    } else {
        html_markup(html, "<h1>No page has all of these words</h1>\n<ul>"
                          "<li>Try fewer or other words: every one of them must occur.</li>"
                          "<li>Words in \"quotes\" must stand side by side.</li><li>");
        page_count(html, documents, "page is", "pages are");
        html_markup(html, " indexed. Whoever runs this installation can "
                          "<a href=\"/admin\">add a site</a>.</li></ul>\n");
    }
    html_markup(html, "</section>\n");
}

/* To one result for each text, or to one for each page. */
static void write_folding_link(struct html *html, const struct search_answer *answer)
{
    if (answer->folded_count == 0 && !answer->shows_duplicates)
        return;
    html_markup(html, "<p class=\"quiet\"><a href=\"/search?q=");
    html_parameter(html, answer->query);
    if (answer->shows_duplicates)
        html_markup(html, "\">List pages with the same text as one</a></p>\n");
    else
        html_markup(html, "&amp;duplicates=show\">Show pages with the same text, too</a></p>\n");
}

static unsigned last_page_of(uint64_t total, unsigned size)
{
    uint64_t shown = total < SEARCH_DEPTH_MAX ? total : SEARCH_DEPTH_MAX;
    return size == 0 ? 1 : (unsigned)((shown + size - 1) / size);
}

/* Where pages are folded, how many there will be is known at the last one only. */
static unsigned last_results_page(const struct search_answer *answer)
{
    bool is_last = answer->cursor[0] == '\0';
    return is_last ? answer->page : last_page_of(answer->total, answer->size);
}

void page_results(struct html *html, const struct page_frame *frame,
                  const struct search_answer *answer, uint64_t documents)
{
    page_open(html, frame,
              &(struct page_head){
                  .title = answer->query, .query = answer->query, .body_class = "results"});
    if (answer->partial)
        write_partial_notice(html, answer);
    if (answer->result_count > 0 || answer->total > 0)
        write_result_count(html, answer);
    write_reading(html, answer);
    if (answer->did_you_mean != NULL)
        write_did_you_mean(html, answer);
    if (answer->result_count > 0) {
        html_markup(html, "<ol class=\"hits\">\n");
        for (unsigned i = 0; i < answer->result_count; i++)
            write_result(html, &answer->results[i]);
        html_markup(html, "</ol>\n");
        write_folding_link(html, answer);
        page_pagination(html, answer->shows_duplicates ? PAGE_LIST_ALL_RESULTS : PAGE_LIST_RESULTS,
                        answer->query, answer->page, last_results_page(answer));
    } else {
        write_no_results(html, answer, documents);
    }
    page_close(html);
}

static void write_backlink(struct html *html, const struct linking_page *link)
{
    html_markup(html, "<li><h2 dir=\"auto\"><a rel=\"noreferrer\"");
    html_link_attribute(html, link->url);
    html_markup(html, ">");
    html_text(html, link->title[0] != '\0' ? link->title : link->url);
    html_markup(html, "</a></h2><p class=\"where\">");
    html_breadcrumb(html, link->url);
    html_markup(html, "</p>");
    if (link->anchor[0] != '\0') {
        html_markup(html, "<p class=\"snippet\">says <q dir=\"auto\">");
        html_text(html, link->anchor);
        html_markup(html, "</q></p>");
    }
    html_markup(html, "</li>\n");
}

static void write_backlinks(struct html *html, const struct backlinks_answer *answer, unsigned page,
                            unsigned size)
{
    if (answer->partial)
        html_markup(html, "<p class=\"notice\" role=\"status\">Incomplete: a part of the index "
                          "is being made again.</p>\n");
    html_markup(html, "<p class=\"summary\">");
    page_count(html, answer->total, "page links to", "pages link to");
    html_markup(html, " <a rel=\"noreferrer\"");
    html_link_attribute(html, answer->url);
    html_markup(html, ">");
    html_breadcrumb(html, answer->url);
    html_markup(html, "</a></p>\n");
    if (answer->link_count == 0) {
        html_markup(html, "<section class=\"empty\"><p>No page that was crawled links to this "
                          "address. It counts as soon as one does, whether the address itself is "
                          "indexed or not.</p></section>\n");
        return;
    }
    html_markup(html, "<ol class=\"hits\">\n");
    for (unsigned i = 0; i < answer->link_count; i++)
        write_backlink(html, &answer->links[i]);
    html_markup(html, "</ol>\n");
    page_pagination(html, PAGE_LIST_BACKLINKS, answer->url, page,
                    (unsigned)((answer->total + size - 1) / size));
}

void page_backlinks(struct html *html, const struct page_frame *frame,
                    const struct backlinks_answer *answer, unsigned page, unsigned size)
{
    page_open(html, frame,
              &(struct page_head){.title = "Backlinks", .query = "", .body_class = "results"});
    html_markup(html,
                "<h1>Who links there?</h1>\n"
                "<form class=\"search\" action=\"/backlinks\"><input type=\"url\" name=\"url\" "
                "required placeholder=\"https://example.org/page\" "
                "aria-label=\"Address of a page\" maxlength=\"2048\"");
    html_attribute(html, "value", answer == NULL ? "" : answer->url);
    html_markup(html, "><button>Show links</button></form>\n");
    if (answer != NULL)
        write_backlinks(html, answer, page, size);
    page_close(html);
}
