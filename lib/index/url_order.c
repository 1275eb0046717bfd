#include "index/url_order.h"

#include <string.h>

struct url_parts {
    struct text_slice host; /* with its port */
    struct text_slice path; /* all that stands behind it */
};

static struct url_parts split(struct text_slice url)
{
    size_t start = 0;
    const char *scheme = url.size == 0 ? NULL : memchr(url.bytes, ':', url.size);
    if (scheme != NULL && url.size - (size_t)(scheme - url.bytes) > 2 && scheme[1] == '/' &&
        scheme[2] == '/')
        start = (size_t)(scheme - url.bytes) + 3;
    size_t end = start;
    while (end < url.size && url.bytes[end] != '/' && url.bytes[end] != '?')
        end++;
    return (struct url_parts){{url.bytes + start, end - start}, {url.bytes + end, url.size - end}};
}

static int compare_backwards(struct text_slice a, struct text_slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    for (size_t i = 1; i <= size; i++) {
        unsigned char left = (unsigned char)a.bytes[a.size - i];
        unsigned char right = (unsigned char)b.bytes[b.size - i];
        if (left != right)
            return left < right ? -1 : 1;
    }
    return (a.size > b.size) - (a.size < b.size);
}

static int compare(struct text_slice a, struct text_slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.bytes, b.bytes, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

int url_order(struct text_slice a, struct text_slice b)
{
    struct url_parts left = split(a);
    struct url_parts right = split(b);
    int order = compare_backwards(left.host, right.host);
    if (order == 0)
        order = compare(left.path, right.path);
    return order != 0 ? order : compare(a, b); /* by scheme */
}
