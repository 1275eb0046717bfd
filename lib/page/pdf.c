/*
 * PDF: text and links by poppler. Its lines are joined to paragraphs of a page, and words that a
 * hyphen parts at the end of a line are put together again.
 */
#include <ctype.h>
#include <poppler.h>
#include <string.h>

#include "page/document.h"

enum { PAGES_MAX = 5000, LINKS_A_PAGE_MAX = 500, TITLE_BYTES_MAX = 200 };

/* ---- text ---- */

static bool is_hyphenated(const char *line, size_t size, const char *next)
{
    return size >= 2 && line[size - 1] == '-' && isalpha((unsigned char)line[size - 2]) &&
           islower((unsigned char)next[0]);
}

static void write_lines(struct document *document, const char *text)
{
    document_markup(document, "<p>");
    while (*text != '\0') {
        size_t size = strcspn(text, "\n\f");
        const char *next = text + size + (text[size] != '\0');
        bool hyphenated = is_hyphenated(text, size, next);
        document_text(document, text, size - hyphenated);
        if (!hyphenated)
            document_markup(document, "\n");
        text = next;
    }
    document_markup(document, "</p>\n");
}

static void write_links(struct document *document, PopplerPage *page)
{
    GList *links = poppler_page_get_link_mapping(page);
    unsigned count = 0;
    for (GList *at = links; at != NULL && count < LINKS_A_PAGE_MAX; at = at->next) {
        const PopplerLinkMapping *link = at->data;
        if (link->action == NULL || link->action->type != POPPLER_ACTION_URI ||
            link->action->uri.uri == NULL)
            continue;
        if (!g_utf8_validate(link->action->uri.uri, -1, NULL))
            continue;
        document_markup(document, "<a");
        document_attribute(document, "href", link->action->uri.uri);
        document_markup(document, "></a>");
        count++;
    }
    document->cut |= count == LINKS_A_PAGE_MAX;
    poppler_page_free_link_mapping(links);
}

static void write_page(struct document *document, PopplerPage *page)
{
    char *text = poppler_page_get_text(page);
    if (text != NULL)
        write_lines(document, text);
    g_free(text);
    write_links(document, page);
}

/* ---- what it says of itself ---- */

/* The first line that holds a word, where the document names no title. */
static char *first_line(PopplerDocument *pdf)
{
    PopplerPage *page = poppler_document_get_page(pdf, 0);
    char *text = page == NULL ? NULL : poppler_page_get_text(page);
    char *line = NULL;
    for (const char *at = text; at != NULL && *at != '\0' && line == NULL;) {
        size_t size = strcspn(at, "\n\f");
        if (size > strspn(at, " \t\r\n\f") && size <= TITLE_BYTES_MAX)
            line = g_strndup(at, size);
        at += size + (at[size] != '\0');
    }
    g_free(text);
    if (page != NULL)
        g_object_unref(page);
    return line;
}

static bool is_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

static int64_t time_us(time_t seconds)
{
    return seconds <= 0 ? 0 : (int64_t)seconds * 1000000;
}

static void write_head(struct document *document, PopplerDocument *pdf)
{
    char *title = poppler_document_get_title(pdf);
    char *subject = poppler_document_get_subject(pdf);
    if (is_blank(title)) {
        g_free(title);
        title = first_line(pdf);
    }
    struct document_head head = {.title = title, .description = subject};
    document_write_head(document, &head);
    document->modified_us = time_us(poppler_document_get_modification_date(pdf));
    document->published_us = time_us(poppler_document_get_creation_date(pdf));
    g_free(title);
    g_free(subject);
}

/* ---- the whole ---- */

static enum status open_pdf(const uint8_t *bytes, size_t size, PopplerDocument **ret_pdf,
                            struct error *err)
{
    GError *error = NULL;
    GBytes *borrowed = g_bytes_new_static(bytes, size);
    PopplerDocument *pdf = poppler_document_new_from_bytes(borrowed, NULL, &error);
    enum status status = STATUS_OK;
    g_bytes_unref(borrowed);
    if (pdf == NULL && g_error_matches(error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
        status = error_set(err, STATUS_UNSUPPORTED, "a PDF that needs a password");
    else if (pdf == NULL)
        status = error_set(err, STATUS_CORRUPT, "a PDF that cannot be read: %s",
                           error == NULL ? "damaged" : error->message);
    g_clear_error(&error);
    *ret_pdf = pdf;
    return status;
}

static void write_document(struct document *document, PopplerDocument *pdf)
{
    int pages = poppler_document_get_n_pages(pdf);
    write_head(document, pdf);
    for (int i = 0; i < pages && !document_is_full(document); i++) {
        PopplerPage *page = i < PAGES_MAX ? poppler_document_get_page(pdf, i) : NULL;
        document->cut |= page == NULL;
        if (page == NULL)
            break;
        write_page(document, page);
        g_object_unref(page);
    }
}

enum status pdf_read(const uint8_t *bytes, size_t size, struct document *document,
                     struct error *err)
{
    PopplerDocument *pdf;
    enum status status = open_pdf(bytes, size, &pdf, err);
    if (status != STATUS_OK)
        return status;
    write_document(document, pdf);
    g_object_unref(pdf);
    return STATUS_OK;
}

void pdf_load(void)
{
    static const char sample[] =
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources"
        "<</Font<</F 5 0 R>>>>>>endobj\n"
        "4 0 obj<</Length 35>>stream\nBT /F 9 Tf 9 9 Td (loaded) Tj ET    \nendstream endobj\n"
        "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
        "trailer<</Root 1 0 R>>\n%%EOF\n";
    /* Its tables live as long as any document is open: this one stays. */
    static PopplerDocument *kept;
    struct document document;
    if (kept != NULL ||
        open_pdf((const uint8_t *)sample, sizeof(sample) - 1, &kept, NULL) != STATUS_OK)
        return;
    document_begin(&document, "application/pdf");
    write_document(&document, kept);
    document_release(&document);
}
