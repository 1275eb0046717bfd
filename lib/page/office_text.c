/*
 * Text of OpenDocument's content.xml (OASIS, ODF 1.3, part 3), and of WordprocessingML and
 * DrawingML (ECMA-376, part 1), element by element, by their names without a prefix.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "page/office_parts.h"
#include "page/xml.h"

enum { LEVELS = 6, STYLES_MAX = 128, RELATIONS_MAX = 2000, NAME_BYTES = 80 };

/* ---- names in other parts ---- */

/* An id and what it stands for. */
struct name {
    char id[NAME_BYTES];
    unsigned level;     /* of a style: 1 to 6 */
    const char *target; /* of a relationship; in the arena */
};

struct names {
    struct office *office;
    struct name *list;
    unsigned count, max;
};

static const struct name *find_name(const struct names *names, const char *id, size_t size)
{
    for (unsigned i = 0; i < names->count; i++) {
        if (strlen(names->list[i].id) == size && memcmp(names->list[i].id, id, size) == 0)
            return &names->list[i];
    }
    return NULL;
}

static bool copy_attribute(const struct xml_element *element, const char *name,
                           char ret[NAME_BYTES])
{
    const char *value;
    size_t size;
    if (!xml_attribute(element, name, &value, &size) || size >= NAME_BYTES)
        return false;
    memcpy(ret, value, size);
    ret[size] = '\0';
    return true;
}

/* "heading 2" is the second level, "Title" the first. */
static unsigned level_of_style(const char *name)
{
    if (strcasecmp(name, "title") == 0)
        return 1;
    if (strncasecmp(name, "heading ", 8) != 0 || name[8] < '1' || name[8] > '9')
        return 0;
    unsigned level = (unsigned)(name[8] - '0');
    return level < LEVELS ? level : LEVELS;
}

static bool open_style(void *context, const struct xml_element *element)
{
    struct names *names = context;
    char text[NAME_BYTES];
    if (strcmp(element->name, "style") == 0 && names->count < names->max) {
        struct name *style = &names->list[names->count];
        *style = (struct name){.level = 0};
        names->count += copy_attribute(element, "styleId", style->id);
    } else if (strcmp(element->name, "name") == 0 && element->depth == 3 && names->count > 0 &&
               copy_attribute(element, "val", text)) {
        names->list[names->count - 1].level = level_of_style(text);
        if (names->list[names->count - 1].level == 0) /* only headings are kept */
            names->count--;
    }
    return !document_is_full(names->office->document);
}

static bool open_relation(void *context, const struct xml_element *element)
{
    struct names *names = context;
    char mode[NAME_BYTES];
    const char *target;
    size_t size;
    if (strcmp(element->name, "Relationship") != 0 || names->count == names->max ||
        !copy_attribute(element, "TargetMode", mode) || strcmp(mode, "External") != 0 ||
        !xml_attribute(element, "Target", &target, &size))
        return !document_is_full(names->office->document);
    struct name *relation = &names->list[names->count];
    *relation = (struct name){.target = arena_string_of(&names->office->arena, target, size)};
    if (relation->target != NULL && copy_attribute(element, "Id", relation->id))
        names->count++;
    return true;
}

/* None where the part is missing or damaged. */
static enum status read_names(struct office *office, const char *part, unsigned max,
                              bool (*open)(void *, const struct xml_element *),
                              struct names *ret_names, struct error *err)
{
    const struct xml_handler handler = {.open = open};
    bool cut;
    *ret_names = (struct names){.office = office, .max = max};
    ret_names->list = arena_alloc(&office->arena, max * sizeof(*ret_names->list));
    if (ret_names->list == NULL)
        return error_set(err, STATUS_NO_MEMORY, "document");
    if (office_part(office, part, NULL) != STATUS_OK)
        return STATUS_OK;
    return xml_read((const char *)office->part.data, office->part.size, &handler, ret_names, &cut,
                    err);
}

/* "word/_rels/document.xml.rels" of "word/document.xml" */
static char *relations_of(struct office *office, const char *part)
{
    const char *slash = strrchr(part, '/');
    return arena_format(&office->arena, "%.*s/_rels/%s.rels", (int)(slash - part), part, slash + 1);
}

/* ---- the text ---- */

struct reader {
    struct office *office;
    struct document *document;
    const struct rule *rules;
    size_t rule_count;
    bool text_in_paragraphs; /* all text of a paragraph counts; else what is in <t> only */
    unsigned skipped;        /* depth of the element that is passed over; 0: none */
    unsigned paragraph;      /* the same of the paragraph */
    bool is_open;            /* its tag was written */
    unsigned level;          /* of a heading; 0: it is none */
    unsigned shape;          /* depth of the shape; 0: none */
    unsigned shape_level;    /* what paragraphs in it are */
    unsigned counted;        /* depth of the element whose text counts */
    bool is_run_link;        /* <t> is within <a> */
    const char *run_target;  /* where the run's text leads; NULL: nowhere */
    const char *closing[XML_DEPTH_MAX + 1];
    struct names styles, relations;
};

typedef void opener(struct reader *reader, const struct xml_element *element);
struct rule {
    const char *name;
    const char *opening, *closing; /* may be NULL */
    opener *open;                  /* may be NULL */
};

static void open_paragraph_tag(struct reader *reader)
{
    static const char *const openings[] = {"<p>", "<h1>", "<h2>", "<h3>", "<h4>", "<h5>", "<h6>"};
    static const char *const closings[] = {"</p>\n",  "</h1>\n", "</h2>\n", "</h3>\n",
                                           "</h4>\n", "</h5>\n", "</h6>\n"};
    if (reader->is_open || reader->paragraph == 0)
        return;
    unsigned level = reader->level > 0 ? reader->level : reader->shape_level;
    level = level < LEVELS ? level : LEVELS;
    reader->is_open = true;
    reader->closing[reader->paragraph] = closings[level];
    document_markup(reader->document, openings[level]);
}

/* A title for a document that names none. */
static void note_first_words(struct reader *reader, const char *text, size_t size)
{
    char *words = reader->office->first_words;
    size_t used = strlen(words), room = OFFICE_WORDS_BYTES - 1 - used;
    bool is_first = reader->document->html.size < 2 * OFFICE_WORDS_BYTES;
    if (!is_first || (used > 0 && words[used - 1] == '\n') || size > room)
        return;
    memcpy(words + used, text, size);
    words[used + size] = '\0';
}

static void end_first_words(struct reader *reader)
{
    char *words = reader->office->first_words;
    size_t used = strlen(words);
    if (used > 0 && used < OFFICE_WORDS_BYTES - 1 && words[used - 1] != '\n')
        strcpy(words + used, "\n");
}

static void write_text(struct reader *reader, const char *text, size_t size)
{
    open_paragraph_tag(reader);
    document_text(reader->document, text, size);
    note_first_words(reader, text, size);
}

static void open_paragraph(struct reader *reader, const struct xml_element *element)
{
    if (reader->paragraph != 0) /* a text box in a paragraph */
        return;
    reader->paragraph = element->depth;
    reader->is_open = false;
    reader->level = 0;
    if (reader->text_in_paragraphs)
        reader->counted = element->depth;
}

static void open_heading(struct reader *reader, const struct xml_element *element)
{
    char level[NAME_BYTES];
    open_paragraph(reader, element);
    bool has_level = copy_attribute(element, "outline-level", level);
    reader->level =
        has_level && level[0] >= '1' && level[0] <= '9' ? (unsigned)(level[0] - '0') : 1;
}

static void skip(struct reader *reader, const struct xml_element *element)
{
    reader->skipped = element->depth;
}

static void write_link(struct reader *reader, const char *target)
{
    open_paragraph_tag(reader);
    document_markup(reader->document, "<a");
    document_attribute(reader->document, "href", target);
    document_markup(reader->document, ">");
}

static void open_link(struct reader *reader, const struct xml_element *element)
{
    const char *target;
    size_t size;
    if (!xml_attribute(element, "href", &target, &size))
        return;
    const char *copy = arena_string_of(&reader->office->arena, target, size);
    if (copy == NULL)
        return;
    write_link(reader, copy);
    reader->closing[element->depth] = "</a>";
}

static const char *target_of(const struct reader *reader, const struct xml_element *element)
{
    const char *id;
    size_t size;
    const struct name *relation =
        xml_attribute(element, "id", &id, &size) ? find_name(&reader->relations, id, size) : NULL;
    return relation == NULL ? NULL : relation->target;
}

static void open_hyperlink(struct reader *reader, const struct xml_element *element)
{
    const char *target = target_of(reader, element);
    if (target == NULL)
        return;
    write_link(reader, target);
    reader->closing[element->depth] = "</a>";
}

static void open_run_link(struct reader *reader, const struct xml_element *element)
{
    reader->run_target = target_of(reader, element);
}

static void open_run(struct reader *reader, const struct xml_element *element)
{
    (void)element;
    reader->run_target = NULL;
}

static void open_counted(struct reader *reader, const struct xml_element *element)
{
    reader->counted = element->depth;
    if (reader->run_target == NULL)
        return;
    write_link(reader, reader->run_target);
    reader->closing[element->depth] = "</a>";
}

static void open_style_name(struct reader *reader, const struct xml_element *element)
{
    const char *id;
    size_t size;
    const struct name *style =
        xml_attribute(element, "val", &id, &size) ? find_name(&reader->styles, id, size) : NULL;
    if (style != NULL)
        reader->level = style->level;
}

static void open_outline_level(struct reader *reader, const struct xml_element *element)
{
    char level[NAME_BYTES];
    if (copy_attribute(element, "val", level) && level[0] >= '0' && level[0] <= '8')
        reader->level = (unsigned)(level[0] - '0') + 1;
}

static void open_shape(struct reader *reader, const struct xml_element *element)
{
    char kind[NAME_BYTES];
    reader->shape = element->depth;
    reader->shape_level =
        copy_attribute(element, "class", kind) && strcmp(kind, "title") == 0 ? 2 : 0;
}

static void open_placeholder(struct reader *reader, const struct xml_element *element)
{
    char kind[NAME_BYTES];
    if (copy_attribute(element, "type", kind) &&
        (strcmp(kind, "title") == 0 || strcmp(kind, "ctrTitle") == 0))
        reader->shape_level = 2;
}

/* Sheets have names; tables in a text only have numbers. */
static void open_table(struct reader *reader, const struct xml_element *element)
{
    const char *name;
    size_t size;
    if (!reader->office->is_sheet || !xml_attribute(element, "name", &name, &size))
        return;
    document_markup(reader->document, "<h2>");
    document_text(reader->document, name, size);
    document_markup(reader->document, "</h2><table>");
    reader->closing[element->depth] = "</table>\n";
}

static const struct rule open_document_rules[] = {
    {"p", NULL, NULL, open_paragraph},
    {"h", NULL, NULL, open_heading},
    {"a", NULL, NULL, open_link},
    {"s", " ", NULL, NULL},
    {"tab", " ", NULL, NULL},
    {"line-break", "<br>", NULL, NULL},
    {"list-item", "<li>", "</li>", NULL},
    {"table", "<table>", "</table>\n", open_table},
    {"table-row", "<tr>", "</tr>", NULL},
    {"table-cell", "<td>", "</td>", NULL},
    {"frame", NULL, NULL, open_shape},
    {"title", "<p>", "</p>", open_paragraph},
    {"desc", "<p>", "</p>", open_paragraph},
    {"tracked-changes", NULL, NULL, skip},
    {"annotation", NULL, NULL, skip},
    {"automatic-styles", NULL, NULL, skip},
    {"styles", NULL, NULL, skip},
    {"scripts", NULL, NULL, skip},
    {"font-face-decls", NULL, NULL, skip},
};

static const struct rule open_xml_rules[] = {
    {"p", NULL, NULL, open_paragraph},
    {"r", NULL, NULL, open_run},
    {"t", NULL, NULL, open_counted},
    {"tab", " ", NULL, NULL},
    {"br", "<br>", NULL, NULL},
    {"cr", "<br>", NULL, NULL},
    {"noBreakHyphen", "-", NULL, NULL},
    {"tbl", "<table>", "</table>\n", NULL},
    {"tr", "<tr>", "</tr>", NULL},
    {"tc", "<td>", "</td>", NULL},
    {"hyperlink", NULL, NULL, open_hyperlink},
    {"hlinkClick", NULL, NULL, open_run_link},
    {"pStyle", NULL, NULL, open_style_name},
    {"outlineLvl", NULL, NULL, open_outline_level},
    {"sp", NULL, NULL, open_shape},
    {"ph", NULL, NULL, open_placeholder},
    {"Fallback", NULL, NULL, skip}, /* the same once more, for older programs */
    {"del", NULL, NULL, skip},
};

static bool open_element(void *context, const struct xml_element *element)
{
    struct reader *reader = context;
    if (reader->skipped != 0 || element->depth > XML_DEPTH_MAX)
        return true;
    reader->closing[element->depth] = NULL;
    for (size_t i = 0; i < reader->rule_count; i++) {
        const struct rule *rule = &reader->rules[i];
        if (strcmp(rule->name, element->name) != 0)
            continue;
        if (rule->open != NULL)
            rule->open(reader, element);
        if (rule->opening != NULL && reader->closing[element->depth] == NULL) {
            document_markup(reader->document, rule->opening);
            reader->closing[element->depth] = rule->closing;
        }
        break;
    }
    return !document_is_full(reader->document);
}

static bool add_text(void *context, const char *text, size_t size)
{
    struct reader *reader = context;
    if (reader->skipped == 0 && reader->counted != 0)
        write_text(reader, text, size);
    return true;
}

static bool close_element(void *context, unsigned depth)
{
    struct reader *reader = context;
    if (depth > XML_DEPTH_MAX || (reader->skipped != 0 && reader->skipped != depth))
        return true;
    if (reader->skipped == depth) {
        reader->skipped = 0;
        return true;
    }
    if (reader->closing[depth] != NULL)
        document_markup(reader->document, reader->closing[depth]);
    if (depth == reader->counted)
        reader->counted = 0;
    if (depth == reader->paragraph) {
        reader->paragraph = 0;
        end_first_words(reader);
    }
    if (depth == reader->shape)
        reader->shape = reader->shape_level = 0;
    return true;
}

static enum status read_part(struct reader *reader, const char *name, struct error *err)
{
    static const struct xml_handler handler = {open_element, add_text, close_element};
    struct office *office = reader->office;
    bool cut = false;
    enum status status = office_part(office, name, err);
    if (status == STATUS_OK)
        status = xml_read((const char *)office->part.data, office->part.size, &handler, reader,
                          &cut, err);
    office->document->cut |= cut;
    return status;
}

enum status office_text_open_document(struct office *office, const char *name, struct error *err)
{
    struct reader *reader = arena_zalloc(&office->arena, sizeof(*reader));
    if (reader == NULL)
        return error_set(err, STATUS_NO_MEMORY, "document");
    *reader = (struct reader){.office = office,
                              .document = office->document,
                              .rules = open_document_rules,
                              .rule_count = ARRAY_COUNT(open_document_rules),
                              .text_in_paragraphs = true};
    return read_part(reader, name, err);
}

enum status office_text_open_xml(struct office *office, const char *name, struct error *err)
{
    struct reader *reader = arena_zalloc(&office->arena, sizeof(*reader));
    const char *relations = relations_of(office, name);
    if (reader == NULL || relations == NULL)
        return error_set(err, STATUS_NO_MEMORY, "document");
    *reader = (struct reader){.office = office,
                              .document = office->document,
                              .rules = open_xml_rules,
                              .rule_count = ARRAY_COUNT(open_xml_rules)};
    enum status status =
        read_names(office, relations, RELATIONS_MAX, open_relation, &reader->relations, err);
    if (status == STATUS_OK)
        status =
            read_names(office, "word/styles.xml", STYLES_MAX, open_style, &reader->styles, err);
    return status == STATUS_OK ? read_part(reader, name, err) : status;
}
