/* Which kind of document an archive is, what it says of itself, and its text. */
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "page/office_parts.h"
#include "page/xml.h"

enum { ARENA_BYTES_MAX = 16 * 1024 * 1024, SLIDES_MAX = 2000, NAME_BYTES = 64 };

enum status office_part(struct office *office, const char *name, struct error *err)
{
    bool cut = false;
    enum status status = archive_read(office->archive, name, &office->part, &cut, err);
    if (status != STATUS_OK)
        return status;
    office->document->cut |= cut;
    if (office->part.size >= 3 && memcmp(office->part.data, "\xEF\xBB\xBF", 3) == 0)
        buffer_consume(&office->part, 3);
    return buffer_string(&office->part) == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

/* ---- what it says of itself ---- */

struct facts {
    struct document *document;
    char title[OFFICE_WORDS_BYTES];
    char description[OFFICE_WORDS_BYTES];
    char language[OFFICE_WORDS_BYTES];
    char modified[OFFICE_WORDS_BYTES];
    char created[OFFICE_WORDS_BYTES];
    char *gathering; /* one of these */
    unsigned depth;  /* of its element */
};

static bool open_fact(void *context, const struct xml_element *element)
{
    struct facts *facts = context;
    const struct {
        const char *name;
        char *text;
    } known[] = {
        {"title", facts->title},           {"description", facts->description},
        {"language", facts->language},     {"modified", facts->modified},
        {"date", facts->modified},         {"created", facts->created},
        {"creation-date", facts->created},
    };
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (strcmp(known[i].name, element->name) != 0 || known[i].text[0] != '\0')
            continue;
        facts->gathering = known[i].text;
        facts->depth = element->depth;
    }
    return !document_is_full(facts->document);
}

static bool add_fact(void *context, const char *text, size_t size)
{
    struct facts *facts = context;
    if (facts->gathering == NULL)
        return true;
    size_t used = strlen(facts->gathering);
    if (size < OFFICE_WORDS_BYTES - used) {
        memcpy(facts->gathering + used, text, size);
        facts->gathering[used + size] = '\0';
    }
    return true;
}

static bool close_fact(void *context, unsigned depth)
{
    struct facts *facts = context;
    if (depth == facts->depth)
        facts->gathering = NULL;
    return true;
}

/* None where the part is missing or damaged. */
static enum status read_facts(struct office *office, const char *part, struct facts *facts,
                              struct error *err)
{
    static const struct xml_handler handler = {open_fact, add_fact, close_fact};
    bool cut;
    facts->document = office->document;
    if (office_part(office, part, NULL) != STATUS_OK)
        return STATUS_OK;
    return xml_read((const char *)office->part.data, office->part.size, &handler, facts, &cut, err);
}

static int64_t date_of(const char *text)
{
    int64_t time_us;
    return calendar_parse(text, &time_us) ? time_us : 0;
}

/* ---- the kinds ---- */

static enum status read_open_document(struct office *office, struct error *err)
{
    return office_text_open_document(office, "content.xml", err);
}

static enum status read_word(struct office *office, struct error *err)
{
    return office_text_open_xml(office, office->word_part, err);
}

static enum status read_slides(struct office *office, struct error *err)
{
    enum status status = STATUS_OK;
    for (unsigned i = 1; i <= SLIDES_MAX && status == STATUS_OK; i++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof(name), "ppt/slides/slide%u.xml", i);
        if (document_is_full(office->document))
            break;
        if (archive_has(office->archive, name)) /* a slide deleted leaves a gap in the numbers */
            status = office_text_open_xml(office, name, err);
    }
    return status;
}

static const struct kind {
    const char *type;
    const char *mark; /* a file that is in each of them; NULL: told by "mimetype", or "word_part" */
    const char *facts;
    enum status (*read)(struct office *office, struct error *err);
    bool is_sheet;
} kinds[] = {
    {"application/vnd.oasis.opendocument.text", NULL, "meta.xml", read_open_document, false},
    {"application/vnd.oasis.opendocument.spreadsheet", NULL, "meta.xml", read_open_document, true},
    {"application/vnd.oasis.opendocument.presentation", NULL, "meta.xml", read_open_document,
     false},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", NULL,
     "docProps/core.xml", read_word, false},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xl/workbook.xml",
     "docProps/core.xml", office_sheet, true},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation",
     "ppt/presentation.xml", "docProps/core.xml", read_slides, false},
};

static bool open_main_part(void *context, const struct xml_element *element)
{
    static const char wanted[] = "/officeDocument";
    struct office *office = context;
    const char *type, *target;
    size_t type_size, size, tail = sizeof(wanted) - 1;
    if (strcmp(element->name, "Relationship") != 0 ||
        !xml_attribute(element, "Type", &type, &type_size) || type_size < tail ||
        memcmp(type + type_size - tail, wanted, tail) != 0 ||
        !xml_attribute(element, "Target", &target, &size))
        return !document_is_full(office->document);
    const char *name = arena_string_of(&office->arena, target, size);
    if (name == NULL)
        return false;
    name += name[0] == '/';
    if (strncmp(name, "word/", 5) == 0 && archive_has(office->archive, name))
        office->word_part = name;
    return false;
}

/* "word/document.xml" is its usual name, no more; which it is says a relationship of the archive's
 * (ECMA-376, part 2, 9.3). */
static enum status find_word_part(struct office *office, struct error *err)
{
    static const struct xml_handler handler = {.open = open_main_part};
    bool cut;
    office->word_part = "word/document.xml";
    if (office_part(office, "_rels/.rels", NULL) != STATUS_OK)
        return STATUS_OK;
    return xml_read((const char *)office->part.data, office->part.size, &handler, office, &cut,
                    err);
}

static const struct kind *find_kind(struct office *office)
{
    bool has_type = office_part(office, "mimetype", NULL) == STATUS_OK;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const struct kind *kind = &kinds[i];
        size_t size = strlen(kind->type); /* a template's type goes on behind it */
        const char *mark = kind->read == read_word ? office->word_part : kind->mark;
        if (mark != NULL ? archive_has(office->archive, mark)
                         : has_type && office->part.size >= size &&
                               memcmp(office->part.data, kind->type, size) == 0)
            return kind;
    }
    return NULL;
}

/* OpenDocument says so in its list of files; what Office Open XML encrypts is no archive. */
static bool is_encrypted(struct office *office)
{
    static const char mark[] = "encryption-data";
    return office_part(office, "META-INF/manifest.xml", NULL) == STATUS_OK &&
           memmem(office->part.data, office->part.size, mark, sizeof(mark) - 1) != NULL;
}

/* ---- the whole ---- */

/* Puts the head in front of the text. */
static enum status add_head(struct office *office, struct facts *facts, struct error *err)
{
    struct document *document = office->document;
    struct document whole;
    char *words = office->first_words;
    words[strcspn(words, "\n")] = '\0';
    struct document_head head = {.title = facts->title[0] != '\0' ? facts->title : words,
                                 .description = facts->description,
                                 .language = facts->language};
    document_begin(&whole, document->type);
    document_write_head(&whole, &head);
    whole.html.limit = 0; /* the text has kept its own */
    buffer_append(&whole.html, document->html.data, document->html.size);
    if (whole.html.failed) {
        document_release(&whole);
        return error_set(err, STATUS_NO_MEMORY, "document");
    }
    buffer_release(&document->html);
    document->html = whole.html;
    document->modified_us = date_of(facts->modified);
    document->published_us = date_of(facts->created);
    return STATUS_OK;
}

static enum status read_kind(struct office *office, struct error *err)
{
    struct facts *facts = arena_zalloc(&office->arena, sizeof(*facts));
    if (facts == NULL)
        return error_set(err, STATUS_NO_MEMORY, "document");
    enum status status = find_word_part(office, err);
    if (status != STATUS_OK)
        return status;
    const struct kind *kind = find_kind(office);
    if (kind == NULL)
        return error_set(err, STATUS_UNSUPPORTED, "a ZIP archive that is no document");
    if (is_encrypted(office))
        return error_set(err, STATUS_UNSUPPORTED, "a document that needs a password");
    office->document->type = kind->type;
    office->is_sheet = kind->is_sheet;
    status = read_facts(office, kind->facts, facts, err);
    if (status == STATUS_OK)
        status = kind->read(office, err);
    if (status == STATUS_NOT_FOUND)
        status = error_set(err, STATUS_CORRUPT, "a document without its text");
    return status == STATUS_OK ? add_head(office, facts, err) : status;
}

enum status office_read(const uint8_t *bytes, size_t size, struct document *document,
                        struct error *err)
{
    struct office office = {.document = document};
    if (size >= 4 && memcmp(bytes, "\xD0\xCF\x11\xE0", 4) == 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "a document that needs a password, or is of a format before 2007");
    enum status status = archive_open(bytes, size, &office.archive, err);
    if (status != STATUS_OK)
        return status;
    arena_init(&office.arena, ARENA_BYTES_MAX);
    status = read_kind(&office, err);
    arena_release(&office.arena);
    buffer_release(&office.part);
    archive_close(office.archive);
    return status;
}
