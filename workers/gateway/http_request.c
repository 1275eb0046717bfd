#include "gateway/http_request.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

static const struct {
    const char *name;
    enum http_method method;
} METHODS[] = {
    {"GET", HTTP_GET},
    {"HEAD", HTTP_HEAD},
    {"POST", HTTP_POST},
    {"DELETE", HTTP_DELETE},
};

static enum http_method read_method(const char *name)
{
    for (size_t i = 0; name != NULL && i < ARRAY_COUNT(METHODS); i++)
        if (strcmp(METHODS[i].name, name) == 0)
            return METHODS[i].method;
    return HTTP_OTHER_METHOD;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* The byte that "%41" at `text` stands for; -1 where it is no such thing. */
static int encoded_byte(const char *text, const char *end)
{
    if (end - text < 3 || *text != '%')
        return -1;
    int high = hex_value(text[1]);
    int low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* STATUS_INVALID on a '%' that encodes nothing, and on a zero byte. */
static enum status decode_path(const char *text, size_t size, struct arena *arena,
                               const char **ret_path, struct error *err)
{
    const char *end = text + size;
    char *path = arena_alloc(arena, size + 1);
    if (path == NULL)
        return error_set(err, STATUS_NO_MEMORY, "request");
    size_t count = 0;
    while (text < end) {
        int byte = encoded_byte(text, end);
        if (byte == 0 || (byte < 0 && *text == '%'))
            return error_set(err, STATUS_INVALID, "the address is not well-formed");
        path[count++] = byte < 0 ? *text : (char)byte;
        text += byte < 0 ? 1 : 3;
    }
    path[count] = '\0';
    *ret_path = path;
    return STATUS_OK;
}

/* Forms and links: '+' is a space, a '%' that encodes nothing stands for itself, and a zero byte,
 * which no string here can hold, becomes U+FFFD. NULL: no memory. */
static const char *decode_parameter(const char *text, size_t size, struct arena *arena)
{
    const char *end = text + size;
    char *decoded = arena_alloc(arena, size + 1);
    size_t count = 0;
    while (decoded != NULL && text < end) {
        int byte = encoded_byte(text, end);
        if (byte == 0) {
            memcpy(decoded + count, "\xEF\xBF\xBD", 3);
            count += 3;
        } else {
            decoded[count++] = byte > 0 ? (char)byte : *text == '+' ? ' ' : *text;
        }
        text += byte < 0 ? 1 : 3;
    }
    if (decoded != NULL)
        decoded[count] = '\0';
    return decoded;
}

static enum status read_parameter(const char *text, size_t size, struct arena *arena,
                                  struct http_parameter *ret_parameter, struct error *err)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals == NULL ? size : (size_t)(equals - text);
    ret_parameter->name = decode_parameter(text, name_size, arena);
    ret_parameter->value =
        equals == NULL ? "" : decode_parameter(equals + 1, size - name_size - 1, arena);
    if (ret_parameter->name == NULL || ret_parameter->value == NULL)
        return error_set(err, STATUS_NO_MEMORY, "request");
    return STATUS_OK;
}

static enum status read_parameters(const char *query, struct http_request *request,
                                   struct error *err)
{
    struct http_parameter *parameters =
        arena_alloc(request->arena, HTTP_PARAMETERS_MAX * sizeof(*parameters));
    if (parameters == NULL)
        return error_set(err, STATUS_NO_MEMORY, "request");
    unsigned count = 0;
    while (*query != '\0') {
        size_t size = strcspn(query, "&");
        if (count == HTTP_PARAMETERS_MAX)
            return error_set(err, STATUS_TOO_LARGE, "more than %d parameters", HTTP_PARAMETERS_MAX);
        if (size > 0) {
            enum status status =
                read_parameter(query, size, request->arena, &parameters[count++], err);
            if (status != STATUS_OK)
                return status;
        }
        query += size + (query[size] == '&');
    }
    request->parameters = parameters;
    request->parameter_count = count;
    return STATUS_OK;
}

static enum status read_target(const char *target, struct http_request *request, struct error *err)
{
    if (target == NULL || target[0] != '/')
        return error_set(err, STATUS_INVALID, "the address is not a path");
    if (strnlen(target, HTTP_TARGET_BYTES_MAX + 1) > HTTP_TARGET_BYTES_MAX)
        return error_set(err, STATUS_TOO_LARGE, "the address has more than %d bytes",
                         HTTP_TARGET_BYTES_MAX);
    size_t path_size = strcspn(target, "?#");
    enum status status = decode_path(target, path_size, request->arena, &request->path, err);
    if (status != STATUS_OK || target[path_size] != '?')
        return status;
    return read_parameters(target + path_size + 1, request, err);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

enum status http_request_read(const struct http_variables *variables, struct arena *arena,
                              struct http_request *ret_request, struct error *err)
{
    *ret_request = (struct http_request){
        .method = read_method(variables->request_method),
        .path = "",
        .remote_address = or_empty(variables->remote_addr),
        .content_type = or_empty(variables->content_type),
        .host = or_empty(variables->host),
        .origin = or_empty(variables->origin),
        .authorization = or_empty(variables->authorization),
        .cookie = or_empty(variables->cookie),
        .if_none_match = or_empty(variables->if_none_match),
        .is_https = variables->https != NULL && strcasecmp(variables->https, "on") == 0,
        .arena = arena,
    };
    return read_target(variables->request_uri, ret_request, err);
}

const char *http_request_parameter(const struct http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->parameter_count; i++)
        if (strcmp(request->parameters[i].name, name) == 0)
            return request->parameters[i].value;
    return NULL;
}

const char *http_request_cookie(const struct http_request *request, const char *name)
{
    size_t name_size = strlen(name);
    const char *at = request->cookie;
    while (*at != '\0') {
        at += strspn(at, "; \t");
        size_t size = strcspn(at, ";");
        if (size > name_size && at[name_size] == '=' && memcmp(at, name, name_size) == 0)
            return arena_string_of(request->arena, at + name_size + 1, size - name_size - 1);
        at += size;
    }
    return NULL;
}

const char *http_request_bearer(const struct http_request *request)
{
    const char *value = request->authorization;
    if (strncasecmp(value, "Bearer ", 7) != 0)
        return NULL;
    value += 7;
    return value + strspn(value, " ");
}

bool http_request_is_json(const struct http_request *request)
{
    const char *type = request->content_type;
    size_t size = strcspn(type, "; \t");
    return size == strlen("application/json") && strncasecmp(type, "application/json", size) == 0;
}

bool http_request_count(const struct http_request *request, const char *name, unsigned fallback,
                        unsigned max, unsigned *ret_count)
{
    const char *text = http_request_parameter(request, name);
    *ret_count = fallback;
    if (text == NULL || *text == '\0')
        return true;
    unsigned long value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (unsigned long)(*text - '0');
        if (value > max)
            return false;
    }
    if (*text != '\0' || value == 0)
        return false;
    *ret_count = (unsigned)value;
    return true;
}
