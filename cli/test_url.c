/* tierce test-url: fetches a page now, shows every decision, keeps nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/answer_json.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/stages.h"
#include "cluster/facts_json.h"

enum { WAIT_MS = 90 * 1000, ANSWER_MS = 5000, TEXT_SHOWN = 600, HEADINGS_SHOWN = 10 };

static void print_json(const Wire__TestUrlReply *reply)
{
    struct buffer bytes = {0};
    struct json_writer json = json_begin(&bytes);
    json_test_url(&json, reply);
    json_print_bytes(&bytes);
}

/* The beginning of the text, whole characters of it. */
static void print_beginning(const char *text)
{
    size_t size = strnlen(text, TEXT_SHOWN);
    while (size > 0 && text[size] != '\0' && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    char *beginning = check_alloc(strndup(text, size));
    for (char *line = strtok(beginning, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        fputs("  ", stdout);
        print_text(stdout, line);
        fputc('\n', stdout);
    }
    if (text[size] != '\0')
        puts("  ...");
    free(beginning);
}

static void print_page(const Page__Page *page)
{
    if (page->n_headings > 0)
        puts("headings");
    for (size_t i = 0; i < page->n_headings && i < HEADINGS_SHOWN; i++) {
        printf("  %u ", page->headings[i]->level);
        print_text(stdout, page->headings[i]->text);
        fputc('\n', stdout);
    }
    puts("text");
    print_beginning(page->text);
}

static void print_links(const Wire__TestUrlReply *reply)
{
    printf("links: %u", reply->link_count);
    puts(reply->n_links < reply->link_count ? ", of which the first are" : "");
    for (size_t i = 0; i < reply->n_links; i++) {
        const Wire__TestLink *link = reply->links[i];
        fputs(link->followed ? "  followed  " : "  left out  ", stdout);
        print_text(stdout, link->url);
        fputs("  ", stdout);
        print_text(stdout, link->words);
        fputc('\n', stdout);
    }
}

int command_test_url(const struct command_line *line)
{
    struct installation installation;
    if (!command_open(line, &installation))
        return EXIT_FAILED;
    struct error err = {0};
    Wire__TestUrlRequest request = WIRE__TEST_URL_REQUEST__INIT;
    Wire__TestUrlReply *reply;
    request.wait_ms = WAIT_MS;
    request.url = check_alloc(arena_format(&installation.arena, "%s%s",
                                           strstr(line->words[0], "://") == NULL ? "https://" : "",
                                           line->words[0]));
    enum status status = installation_call_indexserver(
        &installation, WIRE__METHOD__TEST_URL, &request.base, &wire__test_url_reply__descriptor,
        WAIT_MS + ANSWER_MS, (void **)&reply, &err);
    bool indexed = status == STATUS_OK && reply->indexed;
    if (status == STATUS_OK && line->json) {
        print_json(reply);
    } else if (status == STATUS_OK) {
        print_text(stdout, reply->url);
        fputc('\n', stdout);
        stages_print(reply->stages, reply->n_stages);
        if (reply->page != NULL) {
            print_page(reply->page);
            print_links(reply);
        }
    }
    installation_close(&installation);
    if (status != STATUS_OK)
        return command_failed(&err);
    return indexed ? EXIT_DONE : EXIT_FAILED;
}
