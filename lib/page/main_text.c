#include "page/main_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "page/html_hints.h"
#include "page/html_tags.h"
#include "page/html_walk.h"

/*
 * Sizes are bytes of text without white space: a character of a script without spaces counts for
 * three, which is about what it says.
 */
enum {
    PROSE_BYTES = 80,      /* a block as long, and poor in links, is likely content */
    LINE_BYTES = 25,       /* a block shorter than this says nothing by itself */
    CONTROL_BYTES = 200,   /* a form with less text than this is one for searching or logging in */
    PERHAPS_BYTES = 150,   /* what may be a sidebar has less text outside links, */
    PERHAPS_INSIDE = 60,   /* and this within the content */
    SURELY_BYTES = 1000,   /* more text outside links than this within the content is content */
    REMAINS_BYTES = 200,   /* less than this, and less than a quarter, is no content to trust */
    REMAINS_OF_MAIN = 20,  /* where the author says what is content, this is enough */
    SURELY_PERCENT = 70,   /* an element with more of the page than this is not left out by name, */
    PERHAPS_PERCENT = 40,  /* nor with this where the name has other uses */
    MAIN_PERCENT = 30,     /* a <main> with less of the text that remains is not believed */
    LINKS_PERCENT = 80,    /* of a block in links: nothing else is in it */
    CONTAINER_PERCENT = 90 /* of the prose, that the container of the content holds */
};

/* How far to go: the next when too little remains. */
enum level { LEVEL_ALL, LEVEL_SAID, LEVEL_COUNT };

struct part { /* an element that is seen */
    uint32_t number;
    uint32_t parent;   /* in parts; its own for the first */
    uint32_t end;      /* behind the last part in it */
    uint32_t text;     /* in it, at any depth */
    uint32_t link;     /* of that, in links */
    uint32_t prose;    /* of that, in blocks that are long and poor in links */
    uint32_t left_out; /* of the text: in the outermost elements that are left out */
    uint16_t hints;
    uint16_t tag;     /* GumboTag */
    bool is_left_out; /* it, or one that it is in */
    bool has_main;
    uint32_t h1_count;
};

struct block {     /* a run of text without a break */
    uint32_t part; /* the innermost that it is in */
    uint32_t first_number;
    uint32_t last_number;
    uint32_t text;
    uint32_t link;
    bool is_heading;
    bool is_title;
};

struct finder {
    struct html_walk walk;
    struct buffer parts;
    struct buffer blocks;
    struct buffer marks;
    uint32_t part_of_level[PAGE_DEPTH_MAX];
    struct block block; /* being read; empty while its text is 0 */
    unsigned unseen;    /* how many of the levels are */
    unsigned links;
    unsigned headings;
    unsigned titles; /* those of the first level */
};

static struct part *parts_of(const struct finder *finder)
{
    return (struct part *)(void *)finder->parts.data;
}

static uint32_t part_count(const struct finder *finder)
{
    return (uint32_t)(finder->parts.size / sizeof(struct part));
}

static struct block *blocks_of(const struct finder *finder)
{
    return (struct block *)(void *)finder->blocks.data;
}

static uint32_t block_count(const struct finder *finder)
{
    return (uint32_t)(finder->blocks.size / sizeof(struct block));
}

/* ---- measuring ------------------------------------------------------------------------------- */

static void end_block(struct finder *finder)
{
    if (finder->block.text > 0)
        buffer_append(&finder->blocks, &finder->block, sizeof(finder->block));
    finder->block.text = 0;
}

static bool breaks(const GumboElement *element)
{
    return html_element_is_block(element) || element->tag == GUMBO_TAG_TD ||
           element->tag == GUMBO_TAG_TH || element->tag == GUMBO_TAG_BUTTON;
}

/* A link to elsewhere. An anchor that is none, and never closed, may span the whole page; a jump
 * within the page is its own. */
static bool is_link(const GumboElement *element)
{
    const char *href = element->tag == GUMBO_TAG_A ? html_attribute(element, "href") : NULL;
    return href != NULL && href[0] != '#';
}

static uint32_t count_text(const char *text)
{
    uint32_t count = 0;
    for (; *text != '\0'; text++)
        count += (uint8_t)*text > ' ';
    return count;
}

static void mark(struct finder *finder, uint32_t number, unsigned bits)
{
    if (!finder->marks.failed)
        finder->marks.data[number] |= (uint8_t)bits;
}

/* Room for the marks up to this node's, which are none so far. */
static void reach(struct finder *finder, uint32_t number)
{
    static const uint8_t none[64];
    while (finder->marks.size <= number && !finder->marks.failed)
        buffer_append(&finder->marks, none, sizeof(none));
}

static void add_part(struct finder *finder, const GumboNode *node, uint32_t number)
{
    size_t level = finder->walk.depth - 1;
    uint32_t index = part_count(finder);
    struct part part = {.number = number};
    part.parent = level == 0 ? index : finder->part_of_level[level - 1];
    if (node->type == GUMBO_NODE_ELEMENT) {
        const GumboElement *element = &node->v.element;
        part.tag = (uint16_t)element->tag;
        part.hints =
            element->tag_namespace == GUMBO_NAMESPACE_HTML ? (uint16_t)html_hints(element) : 0;
        part.h1_count = element->tag == GUMBO_TAG_H1;
        part.has_main = (part.hints & HTML_HINT_MAIN) != 0;
        if ((part.hints & HTML_HINT_NO_SNIPPET) != 0)
            mark(finder, number, MAIN_TEXT_NO_SNIPPET);
    }
    finder->part_of_level[level] = index;
    buffer_append(&finder->parts, &part, sizeof(part));
}

static void enter(struct finder *finder, const GumboNode *node, uint32_t number)
{
    const GumboElement *element = node->type == GUMBO_NODE_ELEMENT ? &node->v.element : NULL;
    bool is_unseen = element != NULL && html_element_is_unseen(element);
    if (is_unseen)
        mark(finder, number, MAIN_TEXT_UNSEEN);
    if (finder->unseen > 0 || is_unseen) {
        finder->unseen += is_unseen;
        return;
    }
    if (element != NULL && breaks(element))
        end_block(finder);
    add_part(finder, node, number);
    if (element == NULL)
        return;
    finder->links += is_link(element);
    finder->headings += html_tag_heading_level(element->tag) > 0;
    finder->titles += element->tag == GUMBO_TAG_H1;
}

static void read_text(struct finder *finder, const char *text, uint32_t number)
{
    uint32_t size = finder->unseen > 0 ? 0 : count_text(text);
    if (size == 0 || finder->walk.depth == 0)
        return;
    uint32_t link = finder->links > 0 ? size : 0;
    uint32_t index = finder->part_of_level[finder->walk.depth - 1];
    struct block *block = &finder->block;
    mark(finder, number, MAIN_TEXT_IS_TEXT);
    if (block->text == 0)
        *block = (struct block){.part = index, .first_number = number};
    block->last_number = number;
    block->text += size;
    block->link += link;
    block->is_heading = block->is_heading || finder->headings > 0;
    block->is_title = block->is_title || finder->titles > 0;
    if (!finder->parts.failed) {
        parts_of(finder)[index].text += size;
        parts_of(finder)[index].link += link;
    }
}

static void leave(struct finder *finder, const GumboNode *node, uint32_t number)
{
    const GumboElement *element = node->type == GUMBO_NODE_ELEMENT ? &node->v.element : NULL;
    if (finder->unseen > 0) {
        bool was = !finder->marks.failed && (finder->marks.data[number] & MAIN_TEXT_UNSEEN) != 0;
        finder->unseen -= was;
        return;
    }
    if (element != NULL && breaks(element))
        end_block(finder);
    if (element != NULL) {
        finder->links -= is_link(element);
        finder->headings -= html_tag_heading_level(element->tag) > 0;
        finder->titles -= element->tag == GUMBO_TAG_H1;
    }
    if (finder->parts.failed)
        return;
    struct part *part = &parts_of(finder)[finder->part_of_level[finder->walk.depth - 1]];
    struct part *parent = &parts_of(finder)[part->parent];
    part->end = part_count(finder);
    if (parent == part)
        return;
    parent->text += part->text;
    parent->link += part->link;
    parent->has_main = parent->has_main || part->has_main;
    parent->h1_count += part->h1_count;
}

static void measure(struct finder *finder)
{
    const GumboNode *node;
    uint32_t number;
    for (;;) {
        enum html_event event = html_walk_next(&finder->walk, &node, &number);
        if (event == HTML_END)
            break;
        reach(finder, number);
        if (finder->marks.failed || finder->parts.failed || finder->blocks.failed)
            return;
        if (event == HTML_ENTER)
            enter(finder, node, number);
        else if (event == HTML_TEXT)
            read_text(finder, node->v.text.text, number);
        else
            leave(finder, node, number);
    }
    end_block(finder);
}

/* ---- what the author says -------------------------------------------------------------------- */

static bool is_linky(const struct part *part)
{
    return part->link * UINT64_C(3) >= part->text;
}

static bool is_side_by_name(const struct part *part, const struct part *page, bool inside,
                            enum level level)
{
    uint32_t plain = part->text - part->link;
    bool is_line = part->tag == GUMBO_TAG_A || part->tag == GUMBO_TAG_SPAN;
    bool is_sure = (part->hints & HTML_HINT_SURELY) != 0;
    uint64_t limit = page->text * (uint64_t)(is_sure ? SURELY_PERCENT : PERHAPS_PERCENT);
    if (part->h1_count > 0 && part->h1_count == page->h1_count)
        return false;
    if (part->text * UINT64_C(100) > limit || (is_line && part->text > CONTROL_BYTES))
        return false;
    if (is_sure)
        return is_linky(part) || !inside || plain < SURELY_BYTES;
    if (level > LEVEL_ALL || part->h1_count > 0 || is_line)
        return false;
    if ((part->hints & HTML_HINT_PERHAPS) == 0)
        return (part->hints & HTML_HINT_IF_LINKS) != 0 && !inside && is_linky(part);
    return is_linky(part) || plain < (inside ? PERHAPS_INSIDE : PERHAPS_BYTES);
}

/* Whether an element is no content. `inside`: it is in a <main> or an <article>. */
static bool is_side(const struct part *part, const struct part *page, bool inside, enum level level)
{
    if (part->has_main || part->tag == GUMBO_TAG_BODY || part->tag == GUMBO_TAG_HTML)
        return false;
    if ((part->hints & HTML_HINT_NEVER) != 0)
        return true;
    if ((part->hints & HTML_HINT_CONTROL) != 0 && part->text < CONTROL_BYTES)
        return true;
    if ((part->hints & (HTML_HINT_FOOTER | HTML_HINT_ASIDE)) != 0 && !inside)
        return true;
    if ((part->hints & HTML_HINT_HEADER) != 0 && !inside)
        return part->h1_count == 0;
    if ((part->hints & (HTML_HINT_FOOTER | HTML_HINT_ASIDE)) != 0 && is_linky(part))
        return true;
    return is_side_by_name(part, page, inside, level);
}

static uint32_t leave_out_parts(struct finder *finder, enum level level)
{
    struct part *parts = parts_of(finder);
    uint32_t count = part_count(finder), left_out = 0, inside_until = 0;
    for (uint32_t i = 0; i < count; i++) {
        parts[i].left_out = 0;
        parts[i].is_left_out = false;
    }
    for (uint32_t i = 1; i < count;) {
        struct part *part = &parts[i];
        bool is_heading =
            parts[part->parent].tag >= GUMBO_TAG_H1 && parts[part->parent].tag <= GUMBO_TAG_H6;
        if (part->hints != 0 && !is_heading && is_side(part, &parts[0], i < inside_until, level)) {
            mark(finder, part->number, MAIN_TEXT_REST);
            part->left_out = part->text;
            left_out += part->text;
            for (; i < part->end; i++)
                parts[i].is_left_out = true;
            continue;
        }
        if ((part->hints & (HTML_HINT_MAIN | HTML_HINT_ARTICLE)) != 0 && part->end > inside_until)
            inside_until = part->end;
        i++;
    }
    for (uint32_t i = count; i-- > 1;) /* what is in a part comes behind it */
        parts[parts[i].parent].left_out += parts[i].left_out;
    return left_out;
}

/* ---- where the prose is ---------------------------------------------------------------------- */

static bool is_in(const struct part *parts, uint32_t inner, uint32_t outer)
{
    return inner >= outer && inner < parts[outer].end;
}

/* The first <main> whose text is a good part of what remains; 0: none. */
static uint32_t find_main(const struct finder *finder, uint32_t left_out)
{
    const struct part *parts = parts_of(finder);
    uint64_t remains = parts[0].text - left_out;
    for (uint32_t i = 1; i < part_count(finder); i++) {
        if ((parts[i].hints & HTML_HINT_MAIN) == 0 || parts[i].is_left_out)
            continue;
        uint64_t text = parts[i].text - parts[i].left_out;
        if (text * 100 >= remains * MAIN_PERCENT)
            return i;
    }
    return 0;
}

/* A paragraph or a list is not where content lies: what holds it is. */
static bool is_container(GumboTag tag)
{
    switch (tag) {
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_TD:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_FORM:
        return true;
    default:
        return false;
    }
}

static uint32_t find_container(struct finder *finder)
{
    struct part *parts = parts_of(finder);
    const struct block *blocks = blocks_of(finder);
    uint32_t count = part_count(finder), best = 0;
    for (uint32_t i = 0; i < count; i++)
        parts[i].prose = 0;
    for (uint32_t i = 0; i < block_count(finder); i++) {
        const struct block *block = &blocks[i];
        bool is_prose = block->text >= PROSE_BYTES && block->link * UINT64_C(3) < block->text;
        if (is_prose && !parts[block->part].is_left_out)
            parts[block->part].prose += block->text;
    }
    for (uint32_t i = count; i-- > 1;)
        parts[parts[i].parent].prose += parts[i].prose;
    if (parts[0].prose == 0)
        return 0;
    for (uint32_t i = 1; i < count; i++) {
        if (parts[i].parent == best &&
            parts[i].prose * UINT64_C(100) >= parts[0].prose * UINT64_C(1) * CONTAINER_PERCENT)
            best = i;
    }
    while (best != 0 && !is_container((GumboTag)parts[best].tag))
        best = parts[best].parent;
    return best;
}

static bool is_link_block(const struct block *block)
{
    return block->link * UINT64_C(100) >= block->text * UINT64_C(1) * LINKS_PERCENT;
}

/* Whether a block beside the container is of the page's frame: links, and what stands between them
 * or over them. */
static bool is_side_block(const struct finder *finder, uint32_t index)
{
    const struct block *block = &blocks_of(finder)[index];
    if (is_link_block(block))
        return true;
    if (block->is_title || (block->text >= LINE_BYTES && !block->is_heading))
        return false;
    bool is_first = index == 0, is_last = index + 1 == block_count(finder);
    bool links_before = is_first || is_link_block(block - 1);
    bool links_behind = is_last ? links_before && !is_first : is_link_block(block + 1);
    return links_behind && (links_before || block->is_heading);
}

/* The blocks beside the container that are none of the content. */
static uint32_t leave_out_blocks(struct finder *finder, uint32_t container, bool is_said)
{
    const struct part *parts = parts_of(finder);
    const struct block *blocks = blocks_of(finder);
    uint64_t left_out = 0, kept = parts[container].text - parts[container].left_out;
    for (int round = 0; round < 2; round++) { /* counts, then marks */
        for (uint32_t i = 0; i < block_count(finder); i++) {
            const struct block *block = &blocks[i];
            if (is_in(parts, block->part, container) || parts[block->part].is_left_out ||
                (!is_said && !is_side_block(finder, i)))
                continue;
            left_out += round == 0 ? block->text : 0;
            for (uint32_t n = block->first_number; round == 1 && n <= block->last_number; n++) {
                if ((finder->marks.data[n] & MAIN_TEXT_IS_TEXT) != 0)
                    mark(finder, n, MAIN_TEXT_REST);
            }
        }
        if (left_out > kept && !is_said)
            return 0; /* the links are the page */
    }
    return (uint32_t)left_out;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void forget_marks(struct finder *finder)
{
    for (size_t i = 0; i < finder->marks.size; i++)
        finder->marks.data[i] &= (uint8_t)~MAIN_TEXT_REST;
}

/* Whether enough remains. */
static bool decide(struct finder *finder, enum level level)
{
    const struct part *parts = parts_of(finder);
    uint32_t left_out = leave_out_parts(finder, level);
    uint32_t main_part = find_main(finder, left_out);
    bool is_said = main_part != 0;
    uint32_t container = is_said ? main_part : find_container(finder);
    if (container != 0 && level == LEVEL_ALL)
        left_out += leave_out_blocks(finder, container, is_said);
    uint32_t remains = parts[0].text - left_out;
    if (is_said && remains >= REMAINS_OF_MAIN)
        return true;
    return remains >= REMAINS_BYTES || remains * UINT64_C(4) >= parts[0].text;
}

enum status main_text_find(const GumboNode *root, struct main_text *ret_main_text,
                           struct error *err)
{
    struct finder *finder = calloc(1, sizeof(*finder));
    if (finder == NULL)
        return error_set(err, STATUS_NO_MEMORY, "main text");
    finder->walk.root = root;
    measure(finder);
    bool failed = finder->parts.failed || finder->blocks.failed || finder->marks.failed;
    bool is_enough = failed || part_count(finder) == 0;
    for (int level = LEVEL_ALL; level < LEVEL_COUNT && !is_enough; level++) {
        forget_marks(finder);
        is_enough = decide(finder, (enum level)level);
    }
    if (!is_enough)
        forget_marks(finder);
    buffer_release(&finder->parts);
    buffer_release(&finder->blocks);
    if (failed)
        buffer_release(&finder->marks);
    else
        ret_main_text->marks = finder->marks;
    free(finder);
    return failed ? error_set(err, STATUS_NO_MEMORY, "main text") : STATUS_OK;
}

void main_text_release(struct main_text *main_text)
{
    buffer_release(&main_text->marks);
}
