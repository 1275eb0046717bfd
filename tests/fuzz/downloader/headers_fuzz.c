/* Any bytes as a header block, and its values as what they are read as. */
#include "downloader/headers.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crawl/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"Content-Type", "Retry-After", "Location",
                                        "Content-Encoding"};
    struct arena arena = {0};
    char *block = malloc(size > 0 ? size : 1), *values[8];
    memcpy(block, bytes, size);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        size_t count = headers_get_all(block, size, names[i], 8, &arena, values);
        const char *first = headers_get(block, size, names[i], &arena);
        CHECK((first != NULL) == (count > 0));
        CHECK(count == 0 || strcmp(first, values[0]) == 0);
        CHECK(retry_after_s(first, 1700000000) <= RETRY_AFTER_MAX_S);
        (void)content_type_is_text(first);
        enum coding coding = CODING_IDENTITY;
        (void)coding_parse(first, &coding, NULL);
    }
    struct buffer rest = {0};
    buffer_append(&rest, block, size);
    headers_remove(&rest, "Set-Cookie");
    CHECK(headers_get_all(rest.data, rest.size, "Set-Cookie", 8, &arena, values) == 0);
    buffer_release(&rest);
    free(block);
    arena_release(&arena);
    return 0;
}
