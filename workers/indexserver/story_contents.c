/* What is in the page, who may see it, and whether the barrels were told. */
#include <string.h>

#include "base/bytes.h"
#include "indexserver/feed.h"
#include "indexserver/pages.h"
#include "indexserver/story.h"
#include "indexserver/urls.h"

/* ---- content -----------------------------------------------------------------------------------
 */

static uint64_t count_words(const char *text)
{
    uint64_t words = 0;
    bool within = false;
    for (; *text != '\0'; text++) {
        bool blank = *text == ' ' || *text == '\n' || *text == '\t';
        words += !blank && !within;
        within = !blank;
    }
    return words;
}

static void add_directive(struct story *story, Wire__Stage *stage, bool asked, const char *name,
                          const char *by)
{
    if (asked)
        story_fact(story, stage, name, by[0] != '\0' ? by : "the page or its headers");
}

static void add_page_facts(struct story *story, Wire__Stage *stage)
{
    const Page__Page *page = story->page;
    story_fact_number(story, stage, "bytes", story->state.bytes);
    story_fact(story, stage, "type", page->content_type);
    story_fact(story, stage, "charset", page->charset);
    story_fact(story, stage, "language", page->language);
    story_fact(story, stage, "title", page->title);
    story_fact(story, stage, "description", page->description);
    story_fact_number(story, stage, "words", count_words(page->text));
    if (page->text_cut)
        story_fact(story, stage, "text cut", "only its beginning is indexed");
    story_fact_number(story, stage, "links", page->n_links);
    if (page->links_cut)
        story_fact(story, stage, "links cut", "those behind the limit are left out");
    story_fact_time(story, stage, "published", page->published_us);
    story_fact_time(story, stage, "modified", page->modified_us);
    add_directive(story, stage, page->noindex, "noindex asked by", page->noindex_by);
    add_directive(story, stage, page->nofollow, "nofollow asked by", page->nofollow_by);
    add_directive(story, stage, page->nosnippet, "nosnippet asked by", "");
    story_fact_time(story, stage, "unavailable after", page->unavailable_after_us);
    story_fact(story, stage, "sends on to", page->refresh);
    if (page->fingerprint != 0)
        story_fact(story, stage, "fingerprint", STORY_WORDS(story, "%016lx", page->fingerprint));
    story_fact_number(story, stage, "parser", page->parser_version);
}

static bool names_other_canonical(const struct story *story)
{
    return story->page != NULL && story->page->canonical[0] != '\0' &&
           strcmp(story->page->canonical, story->url.text) != 0;
}

static void tell_content(struct story *story)
{
    const Page__Page *page = story->page;
    Wire__Stage *stage;
    if (story->state.content == 0) {
        story_add(story, "content", "unknown", "none is held", 0);
        return;
    }
    if (page == NULL) {
        story_add(story, "content", "waiting",
                  STORY_WORDS(story, "%u bytes, to be parsed", story->state.bytes), 0);
        return;
    }
    if (page->problem != PAGE__PROBLEM__PROBLEM_NONE) {
        stage = story_add(story, "content", "stopped", page->problem_words, 0);
    } else if (page->noindex) {
        stage =
            story_add(story, "content", "stopped", "the page asks not to be indexed (noindex)", 0);
        stage->cure =
            (char *)"whoever writes the page or its server's headers may take noindex out";
    } else {
        stage = story_add(
            story, "content", "ok",
            STORY_WORDS(story, "%u bytes, \"%s\"%s", story->state.bytes, page->title,
                        names_other_canonical(story) ? ", names another URL as canonical" : ""),
            0);
    }
    add_page_facts(story, stage);
}

static void tell_canonical(struct story *story)
{
    struct url_state state = {0};
    if (!names_other_canonical(story))
        return;
    const char *canonical = story->page->canonical;
    bool held = urls_get(story->views, canonical, &state, NULL) == STATUS_OK && state.content != 0;
    Wire__Stage *stage =
        story_add(story, "canonical", "ok",
                  STORY_WORDS(story, "names %s, %s", canonical,
                              held                        ? "which is held"
                              : state.kind == URL_UNKNOWN ? "which is not known here"
                                                          : "of which no page is held"),
                  0);
    story_fact(story, stage, "canonical", canonical);
    stage->cure = STORY_WORDS(story, "tierce why %s", canonical);
}

/* Pages with the very same text: of these the results show one. */
static void tell_duplicates(struct story *story)
{
    const char *urls[PAGES_SAME_TEXT_MAX];
    size_t count = 0;
    if (story->page == NULL || story->page->fingerprint == 0 ||
        pages_same_text(story->views, story->page->fingerprint, story->url.text, story->arena, urls,
                        &count, NULL) != STATUS_OK ||
        count == 0)
        return;
    Wire__Stage *stage = story_add(
        story, "duplicates", "ok",
        STORY_WORDS(story,
                    "%s%zu %s the same text: results show one, and list the others behind it",
                    count == PAGES_SAME_TEXT_MAX ? "at least " : "", count,
                    count == 1 ? "other page has" : "other pages have"),
        0);
    for (size_t i = 0; i < count; i++)
        story_fact(story, stage, "same text", urls[i]);
}

/* ---- who may see it ---------------------------------------------------------------------------
 */

static void tell_visibility(struct story *story)
{
    const struct source *source = story->source;
    bool is_public = source != NULL && source->configured && source->definition->is_public;
    if (story->state.content == 0)
        return;
    if (!story->state.private_address) {
        story_add(story, "visibility", "ok", "everyone: it came from a public address", 0);
    } else if (is_public) {
        story_add(story, "visibility", "ok",
                  STORY_WORDS(story, "everyone: its address is private, but %s says public: true",
                              source->definition->url),
                  0);
    } else {
        Wire__Stage *stage = story_add(
            story, "visibility", "ok",
            "admins only: it came from a private address, and no source says public: true", 0);
        stage->cure = (char *)"public: true in every source of config.yaml that covers it";
    }
}

/* ---- index -------------------------------------------------------------------------------------
 */

static void tell_index(struct story *story)
{
    uint64_t sequence = 0;
    uint32_t slot = url_hash_slot(url_hash(story->url.text, story->url.text_size));
    if (feed_document_of(story->views, story->url.text, &sequence, NULL) != STATUS_OK ||
        sequence == 0)
        story_add(story, "index", "unknown", "the barrels were told nothing of it, or to remove it",
                  0);
    else if (sequence > story->views->feed_limit)
        story_add(story, "index", "waiting", "the barrels wait for pages before it to be parsed",
                  0);
    else
        story_add(story, "index", "ok",
                  STORY_WORDS(story, "entry %lu of the log, slot %u", sequence, slot), 0);
}

void story_tell_page(struct story *story)
{
    tell_content(story);
    tell_canonical(story);
    tell_duplicates(story);
    tell_visibility(story);
}

void story_tell_contents(struct story *story)
{
    if (story->state.content != 0 && pages_get_whole(story->views, story->state.content,
                                                     story->arena, &story->page, NULL) != STATUS_OK)
        story->page = NULL;
    story_tell_page(story);
    tell_index(story);
}
