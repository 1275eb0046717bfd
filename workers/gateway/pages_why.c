/* Why a page is found, or not: every stage that it went through, and what the stages go by. */
#include "cluster/names.h"
#include "gateway/pages.h"

void page_why_form(struct html *html, const char *url)
{
    html_markup(html, "<form class=\"act line\" action=\"/admin/why\"><input name=\"url\" "
                      "required aria-label=\"Address of a page\" spellcheck=\"false\" "
                      "placeholder=\"https://example.org/page\"");
    html_attribute(html, "value", url);
    html_markup(html, "><button>Ask</button></form>\n");
}

static void write_facts(struct html *html, const Wire__Stage *stage)
{
    if (stage->n_facts == 0)
        return;
    html_markup(html, "<details><summary>What this goes by</summary><dl>");
    for (size_t i = 0; i < stage->n_facts; i++) {
        html_markup(html, "<dt>");
        html_text(html, stage->facts[i]->name);
        html_markup(html, "</dt><dd>");
        html_text(html, stage->facts[i]->value);
        html_markup(html, "</dd>");
    }
    html_markup(html, "</dl></details>");
}

static void write_stage(struct html *html, const Wire__Stage *stage)
{
    html_markup(html, "<li");
    html_attribute(html, "class", stage->verdict);
    html_markup(html, "><b>");
    html_text(html, stage->name);
    html_markup(html, "</b> <i>");
    html_text(html, stage->verdict);
    html_markup(html, "</i> ");
    html_text(html, stage->words);
    html_markup(html, " <time>");
    html_time(html, stage->time_us);
    html_markup(html, "</time>");
    if (stage->cure[0] != '\0') {
        html_markup(html, "<p class=\"quiet\">What would change it: ");
        html_text(html, stage->cure);
        html_markup(html, "</p>");
    }
    write_facts(html, stage);
    html_markup(html, "</li>\n");
}

void page_stages(struct html *html, const Wire__LookupReply *why)
{
    html_markup(html, "<p class=\"url\">");
    html_text(html, why->url);
    if (!why->known)
        html_markup(html, "</p><p>This address has never been heard of: no source names it and no "
                          "crawled page links to it.");
    html_markup(html, "</p>\n<ol class=\"stages\">");
    for (size_t i = 0; i < why->n_stages; i++)
        write_stage(html, why->stages[i]);
    html_markup(html, "</ol>\n");
}

static void write_fetches(struct html *html, const Wire__LookupReply *why)
{
    if (why->n_fetches == 0)
        return;
    html_markup(html, "<h2>Its fetches</h2><div class=\"scroll\"><table><thead><tr><th>Time (UTC)"
                      "<th class=\"n\">Status<th>Result<th class=\"n\">ms<th></tr></thead>"
                      "<tbody>");
    for (size_t i = 0; i < why->n_fetches; i++) {
        const Wire__PastFetch *fetch = why->fetches[i];
        html_markup(html, "<tr><td>");
        html_time(html, fetch->time_us);
        html_markup(html, "</td><td class=\"n\">");
        html_number(html, fetch->status);
        html_markup(html, "</td><td>");
        html_text(html, fetch_result_name(fetch->reason));
        html_markup(html, "</td><td class=\"n\">");
        html_number(html, fetch->fetch_ms);
        html_markup(html, "</td><td class=\"words\">");
        html_text(html, fetch->words);
        html_markup(html, "</td></tr>\n");
    }
    html_markup(html, "</tbody></table></div>\n");
}

void page_why(struct html *html, const struct page_frame *frame, const char *asked,
              const Wire__LookupReply *why, const char *why_problem)
{
    page_open(html, frame, &(struct page_head){.title = "Why", .query = "", .body_class = "admin"});
    html_markup(html, "<h1>Why is a page found, or not?</h1>\n<section id=\"why\">");
    page_why_form(html, asked);
    if (why_problem != NULL) {
        html_markup(html, "<p class=\"notice\">");
        html_text(html, why_problem);
        html_markup(html, "</p>\n");
    }
    if (why != NULL) {
        page_stages(html, why);
        write_fetches(html, why);
    }
    html_markup(html, "</section>\n<p><a href=\"/admin\">Admin</a></p>\n");
    page_close(html);
}
