/*
 * The admin page. Every figure is written twice: here, for the first look and for browsers without
 * JavaScript, and by proxy/static/admin.js from the live statistics. So that both agree, each place
 * names the JSON member that it shows (data-v: a path; data-f: a member of the row's object) and
 * how (data-as), and the row that the script copies is written by the same function as the others.
 */
#include <string.h>

#include "cluster/names.h"
#include "gateway/pages.h"

/* ---- figures ---- */
#define tile_open(html, title, path, as)                                                           \
    html_markup((html), "<div><dt>" title "</dt><dd data-v=\"" path "\" data-as=\"" as "\">")
#define tile_close(html) html_markup((html), "</dd></div>\n")

#define tile_number(html, title, path, number)                                                     \
    (tile_open(html, title, path, "n"), html_grouped_number((html), (number)), tile_close(html))
#define tile_size(html, title, path, bytes)                                                        \
    (tile_open(html, title, path, "size"), html_size((html), (bytes)), tile_close(html))

#define cell_text(html, field, text)                                                               \
    (html_markup((html), "<td data-f=\"" field "\">"), html_text((html), (text)),                  \
     html_markup((html), "</td>"))
#define cell_words(html, field, text)                                                              \
    (html_markup((html), "<td class=\"words\" data-f=\"" field "\">"), html_text((html), (text)),  \
     html_markup((html), "</td>"))
#define cell_url(html, field, text)                                                                \
    (html_markup((html), "<td class=\"url\" data-f=\"" field "\">"), html_text((html), (text)),    \
     html_markup((html), "</td>"))
#define cell_number(html, field, number)                                                           \
    (html_markup((html), "<td class=\"n\" data-f=\"" field "\" data-as=\"n\">"),                   \
     html_grouped_number((html), (number)), html_markup((html), "</td>"))
#define cell_plain(html, field, number)                                                            \
    (html_markup((html), "<td class=\"n\" data-f=\"" field "\">"), html_number((html), (number)),  \
     html_markup((html), "</td>"))
#define cell_size(html, field, bytes)                                                              \
    (html_markup((html), "<td class=\"n\" data-f=\"" field "\" data-as=\"size\">"),                \
     html_size((html), (bytes)), html_markup((html), "</td>"))

/* A table whose rows the script keeps: `rows` is the path of the JSON array. */
#define table_open(html, rows, heads)                                                              \
    html_markup((html), "<div class=\"scroll\"><table><thead><tr>" heads                           \
                        "</tr></thead><tbody data-rows=\"" rows "\"><template>")
#define table_close(html) html_markup((html), "</tbody></table></div>\n")

/* What a table says while it is empty. */
static void open_empty(struct html *html, bool is_empty)
{
    if (is_empty)
        html_markup(html, "<p class=\"quiet\"");
    else
        html_markup(html, "<p class=\"quiet\" hidden");
}

/* ---- banners ---- */
/* A banner that shows while the member at `path` is not "". */
#define banner(html, path, title, text)                                                            \
    (open_banner((html), (text)[0] == '\0'),                                                       \
     html_markup((html), "><b>" title "</b> <span data-v=\"" path "\">"),                          \
     html_text((html), (text)), html_markup((html), "</span></div>\n"))

static void open_banner(struct html *html, bool is_hidden)
{
    html_markup(html, "<div class=\"notice\" role=\"alert\"");
    if (is_hidden)
        html_markup(html, " hidden");
}

static void write_banners(struct html *html, const Wire__Stats *stats)
{
    const char *paused = stats->indexserver == NULL ? "" : stats->indexserver->paused;
    banner(html, "config.error",
           "config.yaml was not taken up, the earlier settings are in force:", stats->config_error);
    banner(html, "frontier.paused", "The crawl stands still:", paused);
    if (stats->indexserver == NULL)
        html_markup(html, "<div class=\"notice\" role=\"alert\">The indexserver has not reported "
                          "yet: nothing is crawled or indexed until it does.</div>\n");
}

/* ---- the sections ---- */
static void write_overview(struct html *html, const Wire__Stats *stats)
{
    const Wire__Memory *memory = stats->memory;
    uint64_t resident = memory == NULL ? 0 : memory->anonymous + memory->shared;
    const Wire__IndexserverStatus *crawl = stats->indexserver;
    html_markup(html, "<dl class=\"tiles\">\n");
    tile_number(html, "Pages indexed", "documents",
                stats->corpus == NULL ? 0 : stats->corpus->documents);
    tile_number(html, "Waiting to be fetched", "frontier.queued",
                crawl == NULL ? 0 : crawl->urls_queued);
    tile_number(html, "Searches", "searches", stats->searches);
    tile_number(html, "Requests", "requests", stats->requests);
    tile_size(html, "On disk", "log.bytes", crawl == NULL ? 0 : crawl->bytes);
    tile_size(html, "Memory", "memory.resident", resident);
    html_markup(html, "</dl>\n");
}

static void write_actions(struct html *html)
{
    html_markup(
        html,
        "<section><h2>Add pages</h2>\n"
        "<form class=\"act\" data-do=\"add\"><label for=\"add\">Addresses, one per line. Each is "
        "crawled within its own host, up to the limits in <code>config.yaml</code>.</label>"
        "<textarea id=\"add\" name=\"urls\" rows=\"3\" required spellcheck=\"false\" "
        "placeholder=\"https://example.org/\"></textarea>"
        "<button disabled>Add</button> <output></output></form>\n"
        "<details><summary>Remove pages</summary>"
        "<form class=\"act\" data-do=\"remove\"><label for=\"remove\">They are gone from every "
        "answer within a second.</label>"
        "<select name=\"scope\" aria-label=\"What to remove\"><option value=\"url\">One "
        "page</option><option value=\"prefix\">Everything that begins with</option>"
        "<option value=\"site\">A whole site</option></select>"
        "<input id=\"remove\" name=\"value\" required placeholder=\"https://example.org/page\" "
        "spellcheck=\"false\"><button disabled>Remove</button> <output></output></form></details>\n"
        "<noscript><p class=\"quiet\">This form needs JavaScript. Without it, run "
        "<code>tierce crawl URL</code> on the machine, or send a POST to "
        "<code>/api/v1/urls</code>. The figures on this page are renewed every five "
        "seconds.</p></noscript></section>\n");
}

static void write_why(struct html *html, const Wire__LookupReply *why, const char *problem)
{
    html_markup(html, "<section id=\"why\"><h2>Why is a page found, or not?</h2>\n");
    page_why_form(html, why == NULL ? "" : why->url);
    if (problem != NULL) {
        html_markup(html, "<p class=\"notice\">");
        html_text(html, problem);
        html_markup(html, "</p>\n");
    }
    if (why != NULL)
        page_stages(html, why);
    html_markup(html, "</section>\n");
}

static void write_search_row(struct html *html, const Wire__QueryCount *search)
{
    html_markup(html, "<tr>");
    cell_words(html, "query", search->query);
    cell_number(html, "count", search->count);
    html_markup(html, "</tr>\n");
}

static void write_searches(struct html *html, const Wire__Stats *stats)
{
    static const Wire__QueryCount none = WIRE__QUERY_COUNT__INIT;
    html_markup(html, "<section><h2>Top searches</h2>\n");
    table_open(html, "top_searches", "<th>Search<th class=\"n\">Times");
    write_search_row(html, &none);
    html_markup(html, "</template>");
    for (size_t i = 0; i < stats->n_top_queries; i++)
        write_search_row(html, stats->top_queries[i]);
    table_close(html);
    open_empty(html, stats->n_top_queries == 0);
    html_markup(html, " data-empty=\"top_searches\">Nobody has searched yet. Searches are counted, "
                      "never kept with who asked.</p></section>\n");
}

static void write_barrel_row(struct html *html, const Wire__MemberStatus *member,
                             const Wire__BarrelStatus *barrel)
{
    html_markup(html, "<tr>");
    cell_text(html, "name", member->name);
    cell_plain(html, "shard", barrel->shard);
    cell_plain(html, "replica", barrel->replica);
    cell_text(html, "state", state_name(member->state));
    cell_number(html, "documents", barrel->documents);
    cell_size(html, "bytes", barrel->bytes);
    cell_plain(html, "position", barrel->position);
    html_markup(html, "<td class=\"n\" data-f=\"mean_response_ms\" data-as=\"ms\">");
    html_tenths(html, member->mean_response_us);
    html_markup(html, "</td>");
    cell_words(html, "stopped", barrel->stopped);
    html_markup(html, "</tr>\n");
}

static size_t count_role(const Wire__Stats *stats, Wire__Role role)
{
    size_t count = 0;
    for (size_t i = 0; i < stats->n_members; i++)
        count += stats->members[i]->role == role;
    return count;
}

static void write_barrels(struct html *html, const Wire__Stats *stats)
{
    static const Wire__MemberStatus no_member = WIRE__MEMBER_STATUS__INIT;
    static const Wire__BarrelStatus no_barrel = WIRE__BARREL_STATUS__INIT;
    html_markup(html, "<section><h2>Barrels</h2>\n");
    table_open(html, "barrels",
               "<th>Name<th class=\"n\">Shard<th class=\"n\">Replica<th>State<th "
               "class=\"n\">Documents<th class=\"n\">Index<th class=\"n\">Log position<th "
               "class=\"n\">Mean response, ms<th>");
    write_barrel_row(html, &no_member, &no_barrel);
    html_markup(html, "</template>");
    for (size_t i = 0; i < stats->n_members; i++)
        if (stats->members[i]->role == WIRE__ROLE__ROLE_BARREL && stats->members[i]->barrel != NULL)
            write_barrel_row(html, stats->members[i], stats->members[i]->barrel);
    table_close(html);
    open_empty(html, count_role(stats, WIRE__ROLE__ROLE_BARREL) == 0);
    html_markup(html, " data-empty=\"barrels\">No barrel is running: nothing can be found. "
                      "<code>tierce doctor</code> says why.</p></section>\n");
}

static void write_source_row(struct html *html, const Wire__SourceStatus *source)
{
    html_markup(html, "<tr>");
    cell_url(html, "url", source->url);
    cell_words(html, "state", source->state);
    cell_number(html, "fetched", source->fetched);
    cell_number(html, "queued", source->queued);
    cell_number(html, "failed", source->failed);
    cell_size(html, "bytes", source->bytes);
    html_markup(html, "<td><button type=\"button\" class=\"small\" data-f=\"state\" "
                      "data-as=\"toggle\" hidden></button></td></tr>\n");
}

static void write_frontier(struct html *html, const Wire__IndexserverStatus *crawl)
{
    html_markup(html, "<dl class=\"tiles small\">\n");
    tile_number(html, "URLs known", "frontier.known", crawl->urls_known);
    tile_number(html, "Queued", "frontier.queued", crawl->urls_queued);
    tile_number(html, "Being fetched", "frontier.leased", crawl->urls_leased);
    tile_number(html, "Fetched", "frontier.fetched", crawl->urls_fetched);
    tile_number(html, "Hosts", "frontier.hosts", crawl->hosts);
    tile_number(html, "Hosts waiting", "frontier.hosts_waiting", crawl->hosts_waiting);
    tile_number(html, "Log position", "log.position", crawl->head);
    html_markup(html, "</dl>\n");
}

static void write_crawl(struct html *html, const Wire__IndexserverStatus *crawl)
{
    static const Wire__IndexserverStatus no_crawl = WIRE__INDEXSERVER_STATUS__INIT;
    static const Wire__SourceStatus no_source = WIRE__SOURCE_STATUS__INIT;
    if (crawl == NULL)
        crawl = &no_crawl;
    html_markup(html, "<section><h2>Crawl <button type=\"button\" class=\"small\" "
                      "data-v=\"frontier.paused\" data-as=\"toggle-all\" hidden></button></h2>\n");
    write_frontier(html, crawl);
    table_open(html, "sources",
               "<th>Source<th>State<th class=\"n\">Pages<th class=\"n\">Queued<th "
               "class=\"n\">Failed<th class=\"n\">Size<th>");
    write_source_row(html, &no_source);
    html_markup(html, "</template>");
    for (size_t i = 0; i < crawl->n_sources; i++)
        write_source_row(html, crawl->sources[i]);
    table_close(html);
    open_empty(html, crawl->n_sources == 0);
    html_markup(html, " data-empty=\"sources\">No sources yet: add an address above, or list "
                      "sites under <code>crawl.sources</code> in <code>config.yaml</code>."
                      "</p></section>\n");
}

static void write_downloader_row(struct html *html, const char *name,
                                 const Wire__DownloaderStatus *downloader)
{
    html_markup(html, "<tr>");
    cell_text(html, "name", name);
    cell_number(html, "pages", downloader->pages);
    cell_size(html, "bytes", downloader->bytes);
    cell_number(html, "errors", downloader->errors);
    cell_number(html, "fetching", downloader->fetching);
    html_markup(html, "</tr>\n");
}

static void write_downloaders(struct html *html, const Wire__Stats *stats)
{
    static const Wire__DownloaderStatus none = WIRE__DOWNLOADER_STATUS__INIT;
    html_markup(html, "<section><h2>Downloaders</h2>\n");
    table_open(html, "downloaders",
               "<th>Name<th class=\"n\">Pages<th class=\"n\">Bytes<th class=\"n\">Errors<th "
               "class=\"n\">Fetching");
    write_downloader_row(html, "", &none);
    html_markup(html, "</template>");
    for (size_t i = 0; i < stats->n_members; i++)
        if (stats->members[i]->role == WIRE__ROLE__ROLE_DOWNLOADER &&
            stats->members[i]->downloader != NULL)
            write_downloader_row(html, stats->members[i]->name, stats->members[i]->downloader);
    table_close(html);
    open_empty(html, count_role(stats, WIRE__ROLE__ROLE_DOWNLOADER) == 0);
    html_markup(html, " data-empty=\"downloaders\">No downloader is running: nothing new is "
                      "fetched.</p></section>\n");
}

static void write_process_row(struct html *html, const Wire__MemberStatus *member)
{
    const Wire__Memory *memory = member->memory;
    html_markup(html, "<tr>");
    cell_text(html, "name", member->name);
    cell_text(html, "role", role_name(member->role));
    cell_text(html, "state", state_name(member->state));
    cell_plain(html, "pid", member->pid);
    cell_size(html, "anonymous", memory == NULL ? 0 : memory->anonymous);
    cell_size(html, "shared", memory == NULL ? 0 : memory->shared);
    cell_size(html, "mapped", memory == NULL ? 0 : memory->mapped);
    cell_number(html, "restarts", member->restarts);
    cell_words(html, "trouble", member->trouble);
    html_markup(html, "</tr>\n");
}

static void write_processes(struct html *html, const Wire__Stats *stats)
{
    static const Wire__MemberStatus none = WIRE__MEMBER_STATUS__INIT;
    html_markup(html, "<section><h2>Processes</h2>\n");
    table_open(html, "processes",
               "<th>Name<th>Role<th>State<th class=\"n\">PID<th class=\"n\">Memory<th "
               "class=\"n\">Shared<th class=\"n\">Mapped files<th class=\"n\">Restarts<th>");
    write_process_row(html, &none);
    html_markup(html, "</template>");
    for (size_t i = 0; i < stats->n_members; i++)
        write_process_row(html, stats->members[i]);
    table_close(html);
    html_markup(html, "<p class=\"quiet\">Memory limit of the installation: "
                      "<span data-v=\"memory.limit\" data-as=\"size\">");
    html_size(html, stats->memory_limit);
    html_markup(html, "</span>. Mapped files are the kernel's to take back, and do not count. "
                      "Version ");
    html_text(html, stats->version);
    html_markup(html, ".</p></section>\n");
}

void page_admin(struct html *html, const struct page_frame *frame, const Wire__Stats *stats,
                const Wire__LookupReply *why, const char *why_problem)
{
    page_open(
        html, frame,
        &(struct page_head){.title = "Admin", .query = "", .body_class = "admin", .is_live = true});
    html_markup(html,
                "<h1>Admin <span id=\"live\" role=\"status\"></span>"
                "<button type=\"button\" class=\"small\" id=\"logout\" hidden>Log out</button>"
                "</h1>\n");
    write_banners(html, stats);
    write_overview(html, stats);
    write_actions(html);
    write_crawl(html, stats->indexserver);
    write_searches(html, stats);
    write_barrels(html, stats);
    write_downloaders(html, stats);
    write_processes(html, stats);
    write_why(html, why, why_problem);
    page_close(html);
}
