#include "gateway/http_response.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

static void set_limits(struct http_response *response)
{
    response->headers.limit = 16 * 1024;
    response->body.limit = HTTP_RESPONSE_BYTES_MAX;
}

void http_response_reset(struct http_response *response)
{
    struct buffer headers = response->headers;
    struct buffer body = response->body;
    buffer_clear(&headers);
    buffer_clear(&body);
    *response = (struct http_response){.headers = headers, .body = body};
    set_limits(response);
}

void http_response_release(struct http_response *response)
{
    buffer_release(&response->headers);
    buffer_release(&response->body);
    *response = (struct http_response){0};
}

void http_response_header(struct http_response *response, const char *name, const char *value)
{
    buffer_append_string(&response->headers, name);
    buffer_append_string(&response->headers, ": ");
    for (; *value != '\0'; value++) {
        unsigned char byte = (unsigned char)*value;
        buffer_append_byte(&response->headers, byte < 0x20 || byte == 0x7F ? ' ' : byte);
    }
    buffer_append_string(&response->headers, "\r\n");
}

const char *http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {202, "Accepted"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {429, "Too Many Requests"},
        {499, "Client Closed Request"}, /* NGINX's; nobody is there to read it */
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

static void replace_with_500(struct http_response *response)
{
    http_response_reset(response);
    response->status = 500;
    response->content_type = "text/plain; charset=utf-8";
    buffer_append_string(&response->body, "This answer could not be put together.\n");
}

/* Sets the ETag; the status becomes 304 where the client holds these bytes. */
static void tag(struct http_response *response, const struct http_request *request)
{
    uint8_t bytes[8];
    char text[2 * sizeof(bytes) + 3];
    put_be64(bytes, hash64(response->body.data, response->body.size));
    text[0] = '"';
    hex_encode(bytes, sizeof(bytes), text + 1);
    strcpy(text + 1 + 2 * sizeof(bytes), "\"");
    http_response_header(response, "ETag", text);
    /* A proxy that compresses makes the tag weak: W/"..." holds it all the same. */
    if (strstr(request->if_none_match, text) != NULL)
        response->status = 304;
}

void http_response_write(struct http_response *response, const struct http_request *request,
                         struct buffer *ret_bytes)
{
    if (response->headers.failed || response->body.failed || response->status == 0)
        replace_with_500(response);
    if (response->has_tag && response->status == 200)
        tag(response, request);
    buffer_append_format(ret_bytes, "Status: %u %s\r\n", response->status,
                         http_reason(response->status));
    buffer_append(ret_bytes, response->headers.data, response->headers.size);
    buffer_append_format(ret_bytes, "Cache-Control: %s\r\n",
                         response->cache_control == NULL ? "no-store" : response->cache_control);
    if (response->status != 304)
        buffer_append_format(ret_bytes, "Content-Type: %s\r\n", response->content_type);
    if (response->status != 304 && !response->is_stream)
        buffer_append_format(ret_bytes, "Content-Length: %zu\r\n", response->body.size);
    buffer_append_string(ret_bytes, "\r\n");
    if (response->status != 304 && request->method != HTTP_HEAD)
        buffer_append(ret_bytes, response->body.data, response->body.size);
}
