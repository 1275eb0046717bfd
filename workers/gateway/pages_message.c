/* Short pages: a problem, logging in. */
#include "gateway/pages.h"

static void open_message(struct html *html, const struct page_frame *frame, const char *title)
{
    page_open(html, frame,
              &(struct page_head){.title = title, .query = "", .body_class = "message"});
    html_markup(html, "<h1>");
    html_text(html, title);
    html_markup(html, "</h1>\n");
}

void page_problem(struct html *html, const struct page_frame *frame, const char *title,
                  const char *detail)
{
    open_message(html, frame, title);
    html_markup(html, "<p>");
    html_text(html, detail);
    html_markup(html, "</p>\n");
    page_close(html);
}

void page_login_needed(struct html *html, const struct page_frame *frame)
{
    open_message(html, frame, "Please log in");
    html_markup(html,
                "<p>This page is for whoever runs this installation. On its machine, run</p>\n"
                "<pre><code>tierce login</code></pre>\n"
                "<p>and open the link that it prints in this browser: it is good for one use. "
                "There is no password.</p>\n"
                "<p>Programs send the admin token instead: "
                "<code>Authorization: Bearer TOKEN</code>.</p>\n");
    page_close(html);
}

void page_login_done(struct html *html, const struct page_frame *frame)
{
    page_open(
        html, frame,
        &(struct page_head){
            .title = "Logged in", .query = "", .body_class = "message", .goes_to_admin = true});
    html_markup(html, "<h1>You are logged in</h1>\n"
                      "<p><a href=\"/admin\">Go on to the admin page.</a></p>\n");
    page_close(html);
}
