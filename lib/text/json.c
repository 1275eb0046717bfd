#include "text/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "text/analyze.h"

static void write_string(struct buffer *bytes, const char *text)
{
    size_t size = strlen(text);
    buffer_append_byte(bytes, '"');
    while (size > 0) {
        unsigned char byte = (unsigned char)*text;
        uint32_t character;
        size_t length = byte < 0x80 ? 1 : text_decode(text, size, &character);
        if (byte == '"' || byte == '\\') {
            const char escaped[2] = {'\\', (char)byte};
            buffer_append(bytes, escaped, sizeof(escaped));
        } else if (byte < 0x20 || byte == 0x7F) {
            buffer_append_format(bytes, "\\u%04x", byte);
        } else if (byte >= 0x80 && length == 1) {
            buffer_append_string(bytes, "\xEF\xBF\xBD");
        } else {
            buffer_append(bytes, text, length);
        }
        text += length;
        size -= length;
    }
    buffer_append_byte(bytes, '"');
}

static void begin_line(struct json_writer *json)
{
    if (json->is_indented)
        buffer_append_format(json->bytes, "\n%*s", (int)(2 * json->depth), "");
}

static void begin_value(struct json_writer *json, const char *key)
{
    if (json->needs_comma)
        buffer_append_byte(json->bytes, ',');
    if (json->depth > 0)
        begin_line(json);
    if (key != NULL) {
        write_string(json->bytes, key);
        buffer_append_string(json->bytes, json->is_indented ? ": " : ":");
    }
    json->needs_comma = true;
}

static void open_with(struct json_writer *json, const char *key, uint8_t bracket)
{
    begin_value(json, key);
    buffer_append_byte(json->bytes, bracket);
    json->needs_comma = false;
    json->depth++;
}

static void close_with(struct json_writer *json, uint8_t bracket)
{
    bool is_empty = !json->needs_comma;
    json->depth--;
    if (!is_empty)
        begin_line(json);
    buffer_append_byte(json->bytes, bracket);
    json->needs_comma = true;
}

void json_open_object(struct json_writer *json, const char *key)
{
    open_with(json, key, '{');
}

void json_close_object(struct json_writer *json)
{
    close_with(json, '}');
}

void json_open_array(struct json_writer *json, const char *key)
{
    open_with(json, key, '[');
}

void json_close_array(struct json_writer *json)
{
    close_with(json, ']');
}

void json_put_string(struct json_writer *json, const char *key, const char *value)
{
    begin_value(json, key);
    write_string(json->bytes, value);
}

void json_put_unsigned(struct json_writer *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    buffer_append_format(json->bytes, "%" PRIu64, value);
}

void json_put_boolean(struct json_writer *json, const char *key, bool value)
{
    begin_value(json, key);
    buffer_append_string(json->bytes, value ? "true" : "false");
}

void json_put_real(struct json_writer *json, const char *key, double value)
{
    begin_value(json, key);
    if (isfinite(value))
        buffer_append_format(json->bytes, "%.6g", value);
    else
        buffer_append_string(json->bytes, "null");
}

void json_put_exact(struct json_writer *json, const char *key, double value)
{
    begin_value(json, key);
    if (isfinite(value))
        buffer_append_format(json->bytes, "%.17g", value);
    else
        buffer_append_string(json->bytes, "null");
}

void json_put_tenths(struct json_writer *json, const char *key, uint64_t thousandths)
{
    begin_value(json, key);
    uint64_t tenths = thousandths / 100 + (thousandths % 100 >= 50);
    buffer_append_format(json->bytes, "%" PRIu64 ".%u", tenths / 10, (unsigned)(tenths % 10));
}

void json_put_time(struct json_writer *json, const char *key, int64_t unix_us)
{
    char text[CLOCK_RFC3339_SIZE] = "";
    if (unix_us > 0)
        clock_rfc3339(unix_us, text);
    begin_value(json, key);
    if (text[0] == '\0')
        buffer_append_string(json->bytes, "null");
    else
        write_string(json->bytes, text);
}
