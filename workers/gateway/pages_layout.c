/* What pages have in common: head, header, footer, the search form, pagination. */
#include "gateway/pages.h"

#include <string.h>

struct page_frame page_frame_of(const Wire__GatewaySettings *settings, bool is_admin)
{
    bool is_named =
        settings != NULL && settings->instance_name != NULL && settings->instance_name[0] != '\0';
    return (struct page_frame){
        .instance_name = is_named ? settings->instance_name : "Tierce",
        .is_admin = is_admin,
    };
}

void page_begin_response(struct http_response *response)
{
    response->content_type = "text/html; charset=utf-8";
    http_response_header(response, "Content-Security-Policy",
                         "default-src 'none'; style-src 'self'; script-src 'self'; "
                         "img-src 'self'; connect-src 'self'; form-action 'self'; "
                         "base-uri 'none'; frame-ancestors 'none'");
}

static void write_head(struct html *html, const struct page_frame *frame,
                       const struct page_head *head)
{
    html_markup(html, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    if (head->title[0] != '\0') {
        html_text(html, head->title);
        html_markup(html, " – ");
    }
    html_text(html, frame->instance_name);
    html_markup(html,
                "</title>\n"
                "<link rel=\"stylesheet\" href=\"/static/tierce.css?v=" PAGE_STATIC_TAG "\">\n"
                "<link rel=\"icon\" href=\"/static/icon.svg?v=" PAGE_STATIC_TAG "\">\n"
                "<link rel=\"search\" type=\"application/opensearchdescription+xml\" "
                "href=\"/opensearch.xml\"");
    html_attribute(html, "title", frame->instance_name);
    html_markup(html,
                ">\n<script src=\"/static/tierce.js?v=" PAGE_STATIC_TAG "\" defer></script>\n");
    if (head->is_live)
        html_markup(html,
                    "<link rel=\"stylesheet\" href=\"/static/admin.css?v=" PAGE_STATIC_TAG
                    "\">\n<script src=\"/static/admin.js?v=" PAGE_STATIC_TAG "\" defer></script>\n"
                    "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n");
    if (head->goes_to_admin)
        html_markup(html, "<meta http-equiv=\"refresh\" content=\"0; url=/admin\">\n");
    html_markup(html, "</head>\n");
}

static void write_brand(struct html *html, const struct page_frame *frame)
{
    html_markup(html, "<a class=\"brand\" href=\"/\"><img src=\"/static/icon.svg?v=" PAGE_STATIC_TAG
                      "\" width=\"28\" height=\"28\" alt=\"\"><span>");
    html_text(html, frame->instance_name);
    html_markup(html, "</span></a>\n");
}

void page_open(struct html *html, const struct page_frame *frame, const struct page_head *head)
{
    write_head(html, frame, head);
    html_markup(html, "<body");
    html_attribute(html, "class", head->body_class);
    html_markup(html, ">\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n");
    if (head->query != NULL) {
        html_markup(html, "<header>\n");
        write_brand(html, frame);
        page_search_form(html, head->query, false);
        html_markup(html, "</header>\n");
    }
    html_markup(html, "<main id=\"main\">\n");
}

void page_close(struct html *html)
{
    html_markup(html, "</main>\n<footer><nav aria-label=\"About this installation\">"
                      "<a href=\"/handbook/\">Handbook</a> "
                      "<a href=\"/backlinks\">Backlinks</a> "
                      "<a href=\"/api/v1/openapi.json\">API</a> "
                      "<a href=\"/admin\">Admin</a></nav></footer>\n</body>\n</html>\n");
}

void page_search_form(struct html *html, const char *query, bool has_focus)
{
    html_markup(html, "<form class=\"search\" role=\"search\" action=\"/search\">"
                      "<input type=\"search\" name=\"q\" aria-label=\"Search\" "
                      "placeholder=\"Search\" autocomplete=\"off\" autocapitalize=\"none\" "
                      "enterkeyhint=\"search\" maxlength=\"2048\"");
    html_attribute(html, "value", query);
    if (has_focus)
        html_markup(html, " autofocus");
    html_markup(html, "><button>Search</button></form>\n");
}

static void write_page_link(struct html *html, enum page_list list, const char *value,
                            unsigned page)
{
    if (list == PAGE_LIST_BACKLINKS)
        html_markup(html, " href=\"/backlinks?url=");
    else
        html_markup(html, " href=\"/search?q=");
    html_parameter(html, value);
    if (list == PAGE_LIST_ALL_RESULTS)
        html_markup(html, "&amp;duplicates=show");
    if (page > 1) {
        html_markup(html, "&amp;page=");
        html_number(html, page);
    }
    html_markup(html, "\">");
}

static void write_numbered_link(struct html *html, enum page_list list, const char *value,
                                unsigned number, unsigned page)
{
    if (number == page)
        html_markup(html, "<li><a aria-current=\"page\"");
    else
        html_markup(html, "<li><a");
    write_page_link(html, list, value, number);
    html_number(html, number);
    html_markup(html, "</a></li>");
}

void page_pagination(struct html *html, enum page_list list, const char *value, unsigned page,
                     unsigned last_page)
{
    enum { NEIGHBOURS = 2 };
    if (last_page <= 1)
        return;
    unsigned first = page > NEIGHBOURS + 1 ? page - NEIGHBOURS : 1;
    unsigned last = first + 2 * NEIGHBOURS < last_page ? first + 2 * NEIGHBOURS : last_page;
    html_markup(html, "<nav class=\"pages\" aria-label=\"Pages\"><ul>");
    if (page > 1) {
        html_markup(html, "<li><a rel=\"prev\"");
        write_page_link(html, list, value, page - 1);
        html_markup(html, "← Back</a></li>");
    }
    for (unsigned number = first; number <= last; number++)
        write_numbered_link(html, list, value, number, page);
    if (page < last_page) {
        html_markup(html, "<li><a rel=\"next\"");
        write_page_link(html, list, value, page + 1);
        html_markup(html, "Next →</a></li>");
    }
    html_markup(html, "</ul></nav>\n");
}
