/*
 * A request of any kind, from its variables to its answer: nothing that a client can say may break
 * the answer's form, add a header, or put an element of its own into a page.
 *
 * Input: a byte of switches, then lines: method, target, content type, host, origin, authorization,
 * cookie, If-None-Match; what is left is the body. An empty line is an absent variable.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "gateway/routes.h"
#include "tests/unit/gateway/http_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at, *end;
};

/* The next line, on the heap; NULL where it is empty. */
static char *next_line(struct input *input)
{
    const uint8_t *line_end = memchr(input->at, '\n', (size_t)(input->end - input->at));
    if (line_end == NULL)
        line_end = input->end;
    size_t size = strnlen((const char *)input->at, (size_t)(line_end - input->at));
    char *line = size == 0 ? NULL : strndup((const char *)input->at, size);
    input->at = line_end == input->end ? line_end : line_end + 1;
    return line;
}

static enum status read_body(void *source, size_t limit, struct buffer *ret_bytes,
                             struct error *err)
{
    const struct input *body = source;
    size_t size = (size_t)(body->end - body->at);
    buffer_append(ret_bytes, body->at, size);
    return size > limit ? error_set(err, STATUS_TOO_LARGE, "too large") : STATUS_OK;
}

/* Header lines, an empty line, the body; no header twice but those that may be. */
static void check_form(const struct buffer *bytes)
{
    const char *text = (const char *)bytes->data;
    const char *end = memmem(text, bytes->size, "\r\n\r\n", 4);
    CHECK(end != NULL && strncmp(text, "Status: ", 8) == 0);
    for (const char *line = text; line < end; line = strstr(line, "\r\n") + 2) {
        size_t line_size = strcspn(line, "\r\n");
        CHECK(memchr(line, ':', line_size) != NULL && line[line_size] == '\r');
        CHECK(line == text || strncmp(line, "Status:", 7) != 0);
        CHECK(strncasecmp(line, "X-Injected", 10) != 0);
    }
}

static void check_page(const struct buffer *body)
{
    /* What a hostile text would need: the only elements with these names are ours. */
    const char *const ours[] = {"<script src=\"/static/", "<img src=\"/static/"};
    for (const char *at = (const char *)body->data, *end = at + body->size;
         (at = memchr(at, '<', (size_t)(end - at))) != NULL; at++) {
        if (end - at > 30 && strncasecmp(at, "<script", 7) == 0)
            CHECK(strncmp(at, ours[0], strlen(ours[0])) == 0);
        if (end - at > 30 && strncasecmp(at, "<img", 4) == 0)
            CHECK(strncmp(at, ours[1], strlen(ours[1])) == 0);
        CHECK(end - at < 7 || (strncasecmp(at, "<iframe", 7) != 0 && strncasecmp(at, "<svg", 4)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gateway gateway;
    static struct service *service;
    static struct arena arena;
    static struct http_response response;
    static struct buffer bytes;
    if (service == NULL) {
        log_set_lowest(LOG_ERROR_LEVEL);
        CHECK(fake_service_open(&gateway, &service, NULL) == STATUS_OK);
    }
    uint8_t switches = size > 0 ? data[0] : 0;
    struct input input = {data + (size > 0), data + size};
    memset(&gateway, 0, sizeof(gateway));
    gateway.is_hostile = switches & 1;
    gateway.is_empty = switches & 2;
    gateway.searching_is_for_admins = switches & 4;
    gateway.failure = (switches >> 4) % (STATUS_CANCELLED + 1);
    char *lines[8];
    for (size_t i = 0; i < 8; i++)
        lines[i] = next_line(&input);
    const struct http_variables variables = {lines[0], lines[1], "192.0.2.1", "on",     lines[2],
                                             lines[3], lines[4], lines[5],    lines[6], lines[7]};
    const struct http_thread thread = {&FAKE_BACKEND, &gateway, service};
    struct http_request request;
    http_response_reset(&response);
    buffer_clear(&bytes);
    http_answer(&thread, &variables, read_body, &input, &arena, &request, &response);
    http_response_write(&response, &request, &bytes);
    check_form(&bytes);
    if (strncmp(response.content_type, "text/html", 9) == 0)
        check_page(&response.body);
    arena_reset(&arena);
    for (size_t i = 0; i < 8; i++)
        free(lines[i]);
    return 0;
}
