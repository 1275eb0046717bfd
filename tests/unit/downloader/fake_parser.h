/*
 * A parser for tests of the downloader, in the test's own program: it does what a page's body says.
 *
 *   [die]        the process ends before it answers
 *   [die once F] the same, unless the file F exists; makes it
 *   [slow]       never answers
 *   [nonsense]   answers with bytes that are no message
 *   [endless]    says that its answer has 4 GB
 *   [binary]     says that the page is no text
 *   else         title: the URL; text: the body; description: the content type; charset: the robots
 *                tags; one heading where the body was cut
 */
#ifndef TIERCE_TESTS_FAKE_PARSER_H
#define TIERCE_TESTS_FAKE_PARSER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"
#include "page.pb-c.h"

/* Set in the environment, it makes the test's program the parser. */
#define FAKE_PARSER_VARIABLE "TIERCE_TEST_IS_PARSER"

static inline void fake_parser_send(const void *bytes, uint32_t size)
{
    uint8_t head[4];
    put_le32(head, size);
    if (fd_write_all(STDOUT_FILENO, head, sizeof(head), NULL) != STATUS_OK ||
        fd_write_all(STDOUT_FILENO, bytes, size, NULL) != STATUS_OK)
        _exit(0);
}

static inline _Noreturn void fake_parser_hang(void)
{
    for (;;)
        pause();
}

/* Whether the file of "[die once F]" is made now. */
static inline bool fake_parser_marks(const char *body)
{
    char path[128];
    const char *order = strstr(body, "[die once ");
    if (order == NULL || sscanf(order, "[die once %127[^]]]", path) != 1)
        return false;
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    fd_close(fd);
    return fd >= 0;
}

static inline void fake_parser_misbehave(const char *body)
{
    if (strstr(body, "[die]") != NULL || fake_parser_marks(body))
        _exit(1);
    if (strstr(body, "[slow]") != NULL)
        fake_parser_hang();
    if (strstr(body, "[endless]") != NULL) {
        uint8_t head[4];
        put_le32(head, UINT32_MAX);
        fd_write_all(STDOUT_FILENO, head, sizeof(head), NULL);
        fake_parser_hang();
    }
}

static inline void fake_parser_answer(const Page__ParseRequest *request, char *body)
{
    static char words[] = "not a text", cut[] = "cut";
    Page__Page page = PAGE__PAGE__INIT;
    Page__Heading heading = PAGE__HEADING__INIT, *headings[1] = {&heading};
    uint8_t packed[256 * 1024];
    heading.text = cut;
    page.parser_version = 1;
    page.title = request->url;
    page.text = body;
    page.description = request->content_type;
    page.headings = headings;
    page.n_headings = request->truncated;
    if (request->n_robots_tags > 0)
        page.charset = request->robots_tags[0];
    if (strstr(body, "[binary]") != NULL) {
        page.problem = PAGE__PROBLEM__PROBLEM_UNSUPPORTED_TYPE;
        page.problem_words = words;
    }
    CHECK(page__page__get_packed_size(&page) <= sizeof(packed));
    fake_parser_send(packed, (uint32_t)page__page__pack(&page, packed));
}

static inline _Noreturn void fake_parser_run(void)
{
    for (;;) {
        uint8_t head[4];
        if (fd_read_all(STDIN_FILENO, head, sizeof(head), NULL) != STATUS_OK)
            _exit(0);
        uint32_t size = get_le32(head);
        uint8_t *bytes = check_alloc(malloc(size > 0 ? size : 1));
        if (fd_read_all(STDIN_FILENO, bytes, size, NULL) != STATUS_OK)
            _exit(0);
        Page__ParseRequest *request = page__parse_request__unpack(NULL, size, bytes);
        CHECK(request != NULL);
        char *body = check_alloc(calloc(request->body.len + 1, 1));
        memcpy(body, request->body.data, request->body.len);
        fake_parser_misbehave(body);
        if (strstr(body, "[nonsense]") != NULL)
            fake_parser_send("\xff\xff\xff\xff\xff", 5);
        else
            fake_parser_answer(request, body);
        page__parse_request__free_unpacked(request, NULL);
        free(body);
        free(bytes);
    }
}

#endif
