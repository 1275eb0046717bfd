/* Any lines as cookies that a server sets, for any path: what a jar sends back can stand in a
 * header, and keeps to its limits. */
#include "downloader/jar.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum { NOW_S = 1700000000 };
    struct jar jar = {0};
    struct buffer header = {0};
    char *text = malloc(size + 1), *line = text;
    memcpy(text, bytes, size);
    text[size] = '\0';
    while (line != NULL) {
        char *next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        jar_take(&jar, line, next != NULL ? next : "/", NOW_S);
        line = next;
    }
    jar_take_all(&jar, text);
    jar_write(&jar, "/a/b?c", NOW_S, &header);
    CHECK(jar.count <= JAR_COOKIES_MAX && header.size <= JAR_HEADER_BYTES_MAX);
    for (size_t i = 0; i < header.size; i++)
        CHECK(header.data[i] >= ' ' && header.data[i] != 0x7f);
    buffer_release(&header);
    jar_clear(&jar);
    free(text);
    return 0;
}
