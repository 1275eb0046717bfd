/* The cells of a workbook (SpreadsheetML; ECMA-376, part 1, 18): texts lie in a table of their own,
 * which cells name by number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/office_parts.h"
#include "page/xml.h"

enum { SHEETS_MAX = 200, STRINGS_MAX = 1000000, NUMBER_BYTES = 64 };

struct strings {
    struct document *document;
    struct buffer text; /* one behind the other */
    struct buffer ends; /* uint32_t each */
    unsigned item;      /* depth of the <si> or, of a sheet, of the <c> */
    unsigned counted;   /* of the <t> */
    unsigned phonetic;  /* of the <rPh>, which says the same once more */
};

/* ---- the table of texts ---- */

static bool open_string(void *context, const struct xml_element *element)
{
    struct strings *strings = context;
    if (strcmp(element->name, "si") == 0)
        strings->item = element->depth;
    else if (strcmp(element->name, "rPh") == 0)
        strings->phonetic = element->depth;
    else if (strcmp(element->name, "t") == 0 && strings->phonetic == 0)
        strings->counted = element->depth;
    return !document_is_full(strings->document);
}

static bool add_string(void *context, const char *text, size_t size)
{
    struct strings *strings = context;
    if (strings->counted != 0)
        buffer_append(&strings->text, text, size);
    return !strings->text.failed;
}

static bool close_string(void *context, unsigned depth)
{
    struct strings *strings = context;
    if (depth == strings->counted)
        strings->counted = 0;
    if (depth == strings->phonetic)
        strings->phonetic = 0;
    if (depth != strings->item)
        return true;
    uint32_t end = (uint32_t)strings->text.size;
    strings->item = 0;
    buffer_append(&strings->ends, &end, sizeof(end));
    return !strings->ends.failed && strings->ends.size < STRINGS_MAX * sizeof(end);
}

static enum status read_strings(struct office *office, struct strings *strings, struct error *err)
{
    static const struct xml_handler handler = {open_string, add_string, close_string};
    bool cut;
    enum status status = office_part(office, "xl/sharedStrings.xml", err);
    if (status != STATUS_OK) /* a workbook of numbers has none */
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status =
        xml_read((const char *)office->part.data, office->part.size, &handler, strings, &cut, err);
    office->document->cut |= cut;
    return status;
}

/* ---- a sheet ---- */

struct sheet {
    struct document *document;
    const struct strings *strings;
    unsigned cell;    /* depth; 0: none */
    unsigned counted; /* of <v> or <t> */
    bool is_shared;   /* the cell's value is a text's number */
    char number[NUMBER_BYTES];
    size_t number_size;
};

static bool open_cell(void *context, const struct xml_element *element)
{
    struct sheet *sheet = context;
    const char *type;
    size_t size;
    if (strcmp(element->name, "row") == 0)
        document_markup(sheet->document, "<tr>");
    if (strcmp(element->name, "c") == 0) {
        sheet->cell = element->depth;
        sheet->number_size = 0;
        sheet->is_shared = xml_attribute(element, "t", &type, &size) && size == 1 && type[0] == 's';
        document_markup(sheet->document, "<td>");
    } else if (sheet->cell != 0 &&
               (strcmp(element->name, "v") == 0 || strcmp(element->name, "t") == 0)) {
        sheet->counted = element->depth;
    }
    return !document_is_full(sheet->document);
}

static bool add_value(void *context, const char *text, size_t size)
{
    struct sheet *sheet = context;
    if (sheet->counted == 0)
        return true;
    if (!sheet->is_shared) {
        document_text(sheet->document, text, size);
    } else if (size < NUMBER_BYTES - sheet->number_size) {
        memcpy(sheet->number + sheet->number_size, text, size);
        sheet->number_size += size;
    }
    return true;
}

static void write_shared(struct sheet *sheet)
{
    const struct strings *strings = sheet->strings;
    const uint32_t *ends = (const uint32_t *)(const void *)strings->ends.data;
    sheet->number[sheet->number_size] = '\0';
    unsigned long at = strtoul(sheet->number, NULL, 10);
    if (sheet->number_size == 0 || at >= strings->ends.size / sizeof(*ends))
        return;
    uint32_t from = at == 0 ? 0 : ends[at - 1];
    document_text(sheet->document, (const char *)strings->text.data + from, ends[at] - from);
}

static bool close_cell(void *context, unsigned depth)
{
    struct sheet *sheet = context;
    if (depth == sheet->counted)
        sheet->counted = 0;
    if (depth != sheet->cell)
        return true;
    if (sheet->is_shared)
        write_shared(sheet);
    document_markup(sheet->document, "</td>");
    sheet->cell = 0;
    return true;
}

static enum status read_sheet(struct office *office, const char *name,
                              const struct strings *strings, struct error *err)
{
    static const struct xml_handler handler = {open_cell, add_value, close_cell};
    struct sheet sheet = {.document = office->document, .strings = strings};
    bool cut = false;
    enum status status = office_part(office, name, err);
    if (status != STATUS_OK)
        return status;
    document_markup(office->document, "<table>");
    status =
        xml_read((const char *)office->part.data, office->part.size, &handler, &sheet, &cut, err);
    document_markup(office->document, "</table>\n");
    office->document->cut |= cut;
    return status;
}

/* ---- their names ---- */

static bool open_sheet_name(void *context, const struct xml_element *element)
{
    struct office *office = context;
    const char *name;
    size_t size;
    if (strcmp(element->name, "sheet") != 0 || !xml_attribute(element, "name", &name, &size))
        return !document_is_full(office->document);
    document_markup(office->document, "<h2>");
    document_text(office->document, name, size);
    document_markup(office->document, "</h2>\n");
    return !document_is_full(office->document);
}

static enum status write_names(struct office *office, struct error *err)
{
    static const struct xml_handler handler = {.open = open_sheet_name};
    bool cut;
    enum status status = office_part(office, "xl/workbook.xml", err);
    return status == STATUS_OK ? xml_read((const char *)office->part.data, office->part.size,
                                          &handler, office, &cut, err)
                               : status;
}

enum status office_sheet(struct office *office, struct error *err)
{
    struct strings strings = {.document = office->document,
                              .text = {.limit = ARCHIVE_FILE_BYTES_MAX}};
    enum status status = write_names(office, err);
    if (status == STATUS_OK)
        status = read_strings(office, &strings, err);
    for (unsigned i = 1; i <= SHEETS_MAX && status == STATUS_OK; i++) {
        char name[NUMBER_BYTES];
        snprintf(name, sizeof(name), "xl/worksheets/sheet%u.xml", i);
        if (document_is_full(office->document))
            break;
        if (archive_has(office->archive, name)) /* a sheet deleted leaves a gap in the numbers */
            status = read_sheet(office, name, &strings, err);
    }
    buffer_release(&strings.text);
    buffer_release(&strings.ends);
    return status;
}
