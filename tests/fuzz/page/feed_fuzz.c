/* Any text, read as a feed in XML and in JSON. */
#include "tests/fuzz/page/hints_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_listing(LISTING_FEED, data, size);
    check_listing(LISTING_FEED_JSON, data, size);
    return 0;
}
