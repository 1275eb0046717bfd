/* Any text, read as a sitemap in XML and as one of lines. */
#include "tests/fuzz/page/hints_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_listing(LISTING_SITEMAP, data, size);
    check_listing(LISTING_SITEMAP_TEXT, data, size);
    return 0;
}
