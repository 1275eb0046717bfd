/* Documents that are no web pages. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zip.h>

#include "page/archive.h"
#include "page/document.h"
#include "page/page.h"

static struct arena arena;
static struct page page;
static struct error err;
static int64_t now_us;

static enum status parse(const char *type, const char *url_text, const void *bytes, size_t size)
{
    struct url url;
    uint8_t *copy = malloc(size + (size == 0)); /* exactly as large: a read beyond it is seen */
    arena_release(&arena);
    arena = (struct arena){0};
    err = (struct error){0};
    memcpy(copy, bytes, size);
    assert_int_equal(url_parse(url_text, strlen(url_text), NULL, &arena, &url, NULL), STATUS_OK);
    struct page_input input = {
        .body = copy, .body_size = size, .content_type = type, .url = &url, .now_us = now_us};
    enum status status = page_parse(&input, &arena, &page, &err);
    free(copy);
    return status;
}

static void parse_ok(const char *type, const char *url, const void *bytes, size_t size)
{
    if (parse(type, url, bytes, size) != STATUS_OK)
        fail_msg("%s", err.text);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, text);
}

/* ---- PDF ---- */

/* Without a table of its objects, as damaged ones are: readers look for them. */
static const char pdf_start[] =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Annots[<</Type/Annot"
    "/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(http://example.org/linked)>>>>]"
    "/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
    "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>endobj\n"
    "6 0 obj<</Title(The cooper)/ModDate(D:20240501120000Z)>>endobj\n"
    "4 0 obj<</Length 128>>stream\n"
    "BT /F 12 Tf 14 TL 72 700 Td (A barrel is made of sta-) Tj T* (ves & <hoops>.) Tj ET           "
    " "
    "                                ";
static const char pdf_end[] = "\nendstream endobj\ntrailer<</Root 1 0 R/Info 6 0 R%s>>\n%%%%EOF\n";

static size_t make_pdf(char *ret, size_t room, const char *trailer)
{
    int start = snprintf(ret, room, "%s", pdf_start);
    return (size_t)start + (size_t)snprintf(ret + start, room - (size_t)start, pdf_end, trailer);
}

static void a_pdf_has_its_text_title_date_and_links(void **state)
{
    (void)state;
    char pdf[4000];
    size_t size = make_pdf(pdf, sizeof(pdf), "");
    parse_ok("application/pdf", "http://a/b.pdf", pdf, size);
    assert_string_equal(page.content_type, "application/pdf");
    assert_string_equal(page.title, "The cooper");
    assert_string_equal(page.text, "A barrel is made of staves & <hoops>.");
    assert_true(page.modified_us == INT64_C(1714564800000000));
    assert_true(page.link_count >= 1);
    assert_string_equal(page.links[0].url, "http://example.org/linked");
    assert_true(page.fingerprint != 0);
}

static void a_pdf_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    char pdf[4000];
    size_t size = make_pdf(pdf, sizeof(pdf), "");
    parse_ok("application/octet-stream", "http://a/b", pdf, size);
    assert_string_equal(page.content_type, "application/pdf");
    parse_ok(NULL, "http://a/b", pdf, size);
    assert_string_equal(page.title, "The cooper");
}

static void an_encrypted_pdf_is_refused_with_words(void **state)
{
    (void)state;
    char pdf[4000];
    size_t size =
        make_pdf(pdf, sizeof(pdf),
                 "/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4"
                 "/O<0000000000000000000000000000000000000000000000000000000000000000>"
                 "/U<0000000000000000000000000000000000000000000000000000000000000000>>>");
    assert_int_equal(parse("application/pdf", "http://a/b.pdf", pdf, size), STATUS_UNSUPPORTED);
    assert_has(err.text, "password");
}

static void any_beginning_of_a_pdf_is_read_or_refused(void **state)
{
    (void)state;
    char pdf[4000];
    size_t size = make_pdf(pdf, sizeof(pdf), "");
    for (size_t i = 0; i < size; i += 7)
        (void)parse("application/pdf", "http://a/b.pdf", pdf, i);
}

/* ---- archives ---- */

struct file {
    const char *name;
    const char *text;
};

/* The bytes of an archive, which are the caller's to free. */
static uint8_t *make_zip(const struct file *files, size_t count, size_t *ret_size)
{
    zip_error_t error;
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
    assert_non_null(source);
    zip_source_keep(source);
    zip_t *zip = zip_open_from_source(source, ZIP_TRUNCATE, &error);
    assert_non_null(zip);
    for (size_t i = 0; i < count; i++) {
        zip_source_t *file = zip_source_buffer(zip, files[i].text, strlen(files[i].text), 0);
        assert_true(zip_file_add(zip, files[i].name, file, 0) >= 0);
    }
    assert_int_equal(zip_close(zip), 0);
    assert_int_equal(zip_source_open(source), 0);
    zip_source_seek(source, 0, SEEK_END);
    *ret_size = (size_t)zip_source_tell(source);
    zip_source_seek(source, 0, SEEK_SET);
    uint8_t *bytes = malloc(*ret_size);
    assert_int_equal(zip_source_read(source, bytes, *ret_size), *ret_size);
    zip_source_close(source);
    zip_source_free(source);
    return bytes;
}

static enum status parse_zip(const char *type, const struct file *files, size_t count)
{
    size_t size;
    uint8_t *bytes = make_zip(files, count, &size);
    enum status status = parse(type, "http://a/b", bytes, size);
    free(bytes);
    return status;
}

#define W                                                                                          \
    "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main' "                      \
    "xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'"

static const struct file docx[] = {
    {"word/document.xml",
     "<?xml version='1.0'?><w:document " W "><w:body>"
     "<w:p><w:pPr><w:pStyle w:val='Kop1'/></w:pPr><w:r><w:t>About hoops</w:t></w:r></w:p>"
     "<w:p><w:r><w:t>An iron </w:t></w:r><w:hyperlink r:id='rId5'><w:r><w:t>hoop</w:t></w:r>"
     "</w:hyperlink><w:r><w:t> binds &amp; holds.</w:t></w:r>"
     "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del></w:p>"
     "<w:p><w:pPr><w:outlineLvl w:val='1'/></w:pPr><w:r><w:t>Deeper</w:t></w:r></w:p>"
     "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
     "</w:body></w:document>"},
    {"word/styles.xml",
     "<w:styles " W "><w:style w:styleId='x'><w:name w:val='Normal'/></w:style>"
     "<w:style w:styleId='Kop1'><w:name w:val='heading 1'/></w:style></w:styles>"},
    {"word/_rels/document.xml.rels",
     "<Relationships><Relationship Id='rId5' Target='http://example.org/hoop' "
     "TargetMode='External'/></Relationships>"},
    {"docProps/core.xml",
     "<cp:coreProperties xmlns:cp='a' xmlns:dc='b' xmlns:dcterms='c'><dc:title>Hoops</dc:title>"
     "<dc:language>en-GB</dc:language><dcterms:created>2023-01-02T00:00:00Z</dcterms:created>"
     "<dcterms:modified>2024-05-01T10:00:00Z</dcterms:modified>"
     "</cp:coreProperties>"},
};

static void a_text_document_has_its_headings_links_and_facts(void **state)
{
    (void)state;
    assert_int_equal(parse_zip("application/octet-stream", docx, 4), STATUS_OK);
    assert_string_equal(page.content_type,
                        "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
    assert_string_equal(page.title, "Hoops");
    assert_string_equal(page.language, "en-gb");
    assert_string_equal(page.charset, "utf-8");
    assert_true(page.modified_us == INT64_C(1714557600000000));
    assert_true(page.published_us == INT64_C(1672617600000000));
    assert_has(page.text, "About hoops\nAn iron hoop binds & holds.\nDeeper\ncell");
    assert_int_equal(page.heading_count, 2);
    assert_string_equal(page.headings[0].text, "About hoops");
    assert_int_equal(page.headings[1].level, 2);
    assert_int_equal(page.link_count, 1);
    assert_string_equal(page.links[0].anchor, "hoop");
    /* More than a day before it says it was changed. */
    now_us = INT64_C(1714400000000000);
    assert_int_equal(parse_zip(NULL, docx, 4), STATUS_OK);
    now_us = 0;
    assert_true(page.published_us == INT64_C(1672617600000000));
    assert_true(page.modified_us == page.published_us);
    /* Without all but its text. */
    assert_int_equal(parse_zip(NULL, docx, 1), STATUS_OK);
    assert_string_equal(page.title, "About hoops");
    assert_has(page.text, "An iron hoop binds");
}

static void the_main_part_may_have_any_name(void **state)
{
    (void)state;
    static const struct file files[] = {
        {"_rels/.rels",
         "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>"
         "<Relationship Id='a' Type='http://x/core-properties' Target='docProps/core.xml'/>"
         "<Relationship Id='b' Type='http://schemas.openxmlformats.org/officeDocument/2006/"
         "relationships/officeDocument' Target='/word/document2.xml'/></Relationships>"},
        {"word/document2.xml", "<w:document " W "><w:body><w:p><w:r><w:t>second draft</w:t></w:r>"
                               "</w:p></w:body></w:document>"},
    };
    assert_int_equal(parse_zip("application/zip", files, 2), STATUS_OK);
    assert_string_equal(page.text, "second draft");
    assert_int_equal(parse_zip("application/zip", files, 1), STATUS_UNSUPPORTED);
}

#define O "xmlns:office='o' xmlns:text='t' xmlns:table='tb' xmlns:xlink='x' xmlns:dc='d'"

static const struct file odt[] = {
    {"mimetype", "application/vnd.oasis.opendocument.text"},
    {"content.xml",
     "<office:document-content " O "><office:automatic-styles><y>junk</y></office:automatic-styles>"
     "<office:body><office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
     "<text:h text:outline-level='2'>Staves</text:h><text:p>A <text:span>stave</text:span> is"
     "<text:s/>one of <text:a xlink:href='http://example.org/stave'>the strips</text:a>.</text:p>"
     "<text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>"
     "</office:text></office:body></office:document-content>"},
    {"meta.xml", "<office:document-meta " O "><office:meta><dc:title>Staves of oak</dc:title>"
                 "<dc:date>2023-02-03T00:00:00</dc:date></office:meta></office:document-meta>"},
    {"META-INF/manifest.xml", "<manifest><file-entry><encryption-data/></file-entry></manifest>"},
};

static void an_open_document_too_unless_it_is_encrypted(void **state)
{
    (void)state;
    assert_int_equal(parse_zip("application/vnd.oasis.opendocument.text", odt, 3), STATUS_OK);
    assert_string_equal(page.content_type, "application/vnd.oasis.opendocument.text");
    assert_string_equal(page.title, "Staves of oak");
    assert_has(page.text, "A stave is one of the strips.");
    assert_has(page.text, "item");
    assert_null(strstr(page.text, "junk"));
    assert_null(strstr(page.text, "gone"));
    assert_int_equal(page.headings[0].level, 2);
    assert_string_equal(page.links[0].url, "http://example.org/stave");
    assert_int_equal(parse_zip("application/vnd.oasis.opendocument.text", odt, 4),
                     STATUS_UNSUPPORTED);
    assert_has(err.text, "password");
}

static void a_workbook_has_its_cells(void **state)
{
    (void)state;
    static const struct file xlsx[] = {
        {"xl/workbook.xml", "<workbook><sheets><sheet name='Barrels'/></sheets></workbook>"},
        {"xl/sharedStrings.xml", "<sst><si><t>firkin</t><rPh><t>fi</t></rPh></si>"
                                 "<si><r><t>hogs</t></r><r><t>head</t></r></si></sst>"},
        {"xl/worksheets/sheet1.xml",
         "<worksheet><sheetData><row><c t='s'><v>0</v></c><c><v>41</v></c></row>"
         "<row><c t='s'><v>1</v></c><c t='inlineStr'><is><t>inline</t></is></c>"
         "<c t='s'><v>99</v></c><c t='s'><v>-1</v></c></row></sheetData></worksheet>"},
    };
    assert_int_equal(parse_zip("application/zip", xlsx, 3), STATUS_OK);
    assert_has(page.text, "Barrels");
    assert_has(page.text, "firkin 41");
    assert_has(page.text, "hogshead inline");
}

static void numbers_of_sheets_and_slides_may_have_gaps(void **state)
{
    (void)state;
    static const struct file xlsx[] = {
        {"xl/workbook.xml", "<workbook/>"},
        {"xl/worksheets/sheet3.xml",
         "<worksheet><sheetData><row><c><v>41</v></c></row></sheetData></worksheet>"},
    };
    static const struct file pptx[] = {
        {"ppt/presentation.xml", "<p/>"},
        {"ppt/slides/slide2.xml",
         "<p:sld xmlns:p='p' xmlns:a='a'><p:sp><a:p><a:r><a:t>second</a:t></a:r></a:p></p:sp>"
         "</p:sld>"},
        {"ppt/slides/slide7.xml",
         "<p:sld xmlns:p='p' xmlns:a='a'><p:sp><a:p><a:r><a:t>seventh</a:t></a:r></a:p></p:sp>"
         "</p:sld>"},
    };
    assert_int_equal(parse_zip("application/zip", xlsx, 2), STATUS_OK);
    assert_has(page.text, "41");
    assert_int_equal(parse_zip("application/zip", pptx, 3), STATUS_OK);
    assert_has(page.text, "second\nseventh");
}

/* Each name that is new costs the XML library more. */
static void a_table_of_ever_new_names_is_cut(void **state)
{
    (void)state;
    enum { NAMES = 900 * 1000 };
    struct buffer strings = {0};
    buffer_append_string(&strings, "<sst>");
    for (int i = 0; i < NAMES; i++)
        buffer_append_format(&strings, "<n%x/>", i);
    struct file xlsx[] = {{"xl/workbook.xml", "<workbook/>"},
                          {"xl/sharedStrings.xml", buffer_string(&strings)}};
    size_t size;
    uint8_t *bytes = make_zip(xlsx, 2, &size);
    clock_t start = clock();
    parse_ok("application/zip", "http://a/", bytes, size);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    print_message("%d names: %.2f s\n", NAMES, seconds);
    free(bytes);
    buffer_release(&strings);
    assert_true(page.text_cut);
    assert_true(seconds < 10); /* with room for slow machines and sanitizers */
}

static void slides_have_titles_and_links(void **state)
{
    (void)state;
    static const struct file pptx[] = {
        {"ppt/presentation.xml", "<p/>"},
        {"ppt/slides/slide1.xml",
         "<p:sld xmlns:p='p' xmlns:a='a' xmlns:r='r'><p:sp><p:nvPr><p:ph type='ctrTitle'/></p:nvPr>"
         "<a:p><a:r><a:t>About bungs</a:t></a:r></a:p></p:sp><p:sp><a:p><a:r><a:rPr><a:hlinkClick "
         "r:id='rId2'/></a:rPr><a:t>linked</a:t></a:r><a:r><a:t> and more</a:t></a:r></a:p></p:sp>"
         "</p:sld>"},
        {"ppt/slides/_rels/slide1.xml.rels",
         "<Relationships><Relationship Id='rId2' Target='http://example.org/bung' "
         "TargetMode='External'/></Relationships>"},
    };
    assert_int_equal(parse_zip("", pptx, 3), STATUS_OK);
    assert_string_equal(page.title, "About bungs");
    assert_string_equal(page.headings[0].text, "About bungs");
    assert_has(page.text, "linked and more");
    assert_string_equal(page.links[0].anchor, "linked");
}

static void other_archives_are_refused(void **state)
{
    (void)state;
    static const struct file files[] = {{"mimetype", "application/epub+zip"}, {"a", "b"}};
    assert_int_equal(parse_zip("application/zip", files, 2), STATUS_UNSUPPORTED);
    assert_int_equal(parse("application/zip", "http://a/", "PK\3\4nonsense", 12), STATUS_CORRUPT);
    static const char old[] = "\xD0\xCF\x11\xE0 and so on";
    assert_int_equal(
        parse("application/vnd.openxmlformats-officedocument.wordprocessingml.document",
              "http://a/", old, sizeof(old)),
        STATUS_UNSUPPORTED);
}

static void any_beginning_of_an_archive_is_read_or_refused(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = make_zip(docx, 4, &size);
    for (size_t i = 0; i < size; i += 5)
        (void)parse("", "http://a/", bytes, i);
    for (size_t i = 0; i < size; i += 3) {
        bytes[i] ^= 0x55;
        (void)parse("", "http://a/", bytes, size);
        bytes[i] ^= 0x55;
    }
    free(bytes);
}

/* 400 MB of spaces in 400 KB. */
static void what_expands_without_end_is_cut(void **state)
{
    (void)state;
    enum { BOMB_BYTES = 400 * 1000 * 1000 };
    static const char start[] = "<w:document " W "><w:body><w:p><w:r><w:t>first words ";
    char *bomb = malloc(BOMB_BYTES + 1);
    size_t size;
    memset(bomb, ' ', BOMB_BYTES);
    memcpy(bomb, start, sizeof(start) - 1);
    bomb[BOMB_BYTES] = '\0';
    struct file file = {"word/document.xml", bomb};
    uint8_t *bytes = make_zip(&file, 1, &size);
    free(bomb);
    assert_true(size < 1000 * 1000);
    parse_ok("application/zip", "http://a/", bytes, size);
    free(bytes);
    assert_has(page.text, "first words");
    assert_true(page.text_cut);
}

/* ---- Markdown ---- */

static const char markdown[] =
    "# Title of *it*\n\nSome [link](/md?a=1&b=2 \"t\") and `code`, <https://example.org/auto>.\n\n"
    "| a | b |\n|---|---|\n| cell1 | cell2 |\n\nSecond\n------\n\n- item &amp; entity\n\n"
    "<div>raw html</div>\n\n```c\nint x < 3;\n```\n";

static void markdown_has_headings_links_and_tables(void **state)
{
    (void)state;
    static const struct {
        const char *type, *url;
    } rows[] = {{"text/markdown; charset=utf-8", "http://a/x"},
                {"text/x-markdown", "http://a/x"},
                {"text/plain", "http://a/README.md?raw=1"},
                {"", "http://a/README.markdown"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        parse_ok(rows[i].type, rows[i].url, markdown, sizeof(markdown) - 1);
        assert_string_equal(page.content_type, "text/markdown");
        assert_string_equal(page.title, "Title of it");
        assert_int_equal(page.heading_count, 2);
        assert_string_equal(page.headings[1].text, "Second");
        assert_has(page.text, "Some link and code, https://example.org/auto.");
        assert_has(page.text, "cell1 cell2");
        assert_has(page.text, "item & entity");
        assert_has(page.text, "raw html");
        assert_has(page.text, "int x < 3;");
        assert_string_equal(page.links[0].url, "http://a/md?a=1&b=2");
    }
    parse_ok("text/plain", "http://a/README", markdown, sizeof(markdown) - 1);
    assert_string_equal(page.content_type, "text/plain");
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pdf_has_its_text_title_date_and_links),
        cmocka_unit_test(a_pdf_is_known_by_its_first_bytes),
        cmocka_unit_test(an_encrypted_pdf_is_refused_with_words),
        cmocka_unit_test(any_beginning_of_a_pdf_is_read_or_refused),
        cmocka_unit_test(a_text_document_has_its_headings_links_and_facts),
        cmocka_unit_test(an_open_document_too_unless_it_is_encrypted),
        cmocka_unit_test(a_workbook_has_its_cells),
        cmocka_unit_test(the_main_part_may_have_any_name),
        cmocka_unit_test(numbers_of_sheets_and_slides_may_have_gaps),
        cmocka_unit_test(a_table_of_ever_new_names_is_cut),
        cmocka_unit_test(slides_have_titles_and_links),
        cmocka_unit_test(other_archives_are_refused),
        cmocka_unit_test(any_beginning_of_an_archive_is_read_or_refused),
        cmocka_unit_test(what_expands_without_end_is_cut),
        cmocka_unit_test(markdown_has_headings_links_and_tables),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
