#include "page/refresh.h"

#include <string.h>
#include <strings.h>

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\n\f\r");
}

/* Behind "url =", or where there is no such thing, the URL itself. */
static const char *skip_name(const char *at)
{
    if (strncasecmp(at, "url", 3) != 0)
        return at;
    const char *sign = skip_spaces(at + 3);
    return *sign == '=' ? skip_spaces(sign + 1) : at;
}

bool refresh_parse(const char *value, struct refresh *ret_refresh)
{
    const char *at = skip_spaces(value);
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 && *at != '.')
        return false;
    uint64_t seconds = 0;
    for (size_t i = 0; i < digits && seconds < UINT32_MAX; i++)
        seconds = seconds * 10 + (uint64_t)(at[i] - '0');
    at += digits;
    at += strspn(at, "0123456789.");
    *ret_refresh = (struct refresh){
        .seconds = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX, .url = ""};
    if (*at == '\0')
        return true;
    if (strchr(";, \t\n\f\r", *at) == NULL)
        return false;
    at = skip_spaces(at);
    at = skip_spaces(at + (*at == ';' || *at == ','));
    if (*at == '\0')
        return true;
    at = skip_name(at);
    char quote[2] = {*at == '\'' || *at == '"' ? *at : '\0', '\0'};
    ret_refresh->url = at + (quote[0] != '\0');
    ret_refresh->url_size = quote[0] == '\0' ? strlen(at) : strcspn(ret_refresh->url, quote);
    return true;
}
