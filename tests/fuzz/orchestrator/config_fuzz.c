/* config.yaml from anywhere: either settings that a later reading finds again, or mistakes with
 * their places. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "orchestrator/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_errors errors;
    char *exact = malloc(size == 0 ? 1 : size);
    memcpy(exact, data, size);
    struct config *config = NULL;
    enum status status = config_parse(exact, size, "f", "/nowhere", &config, &errors);
    if (status == STATUS_OK) {
        CHECK(errors.count == 0 && config->listen.count > 0);
        CHECK(config->ports.https >= 1 && config->ports.https <= 65535);
        CHECK(config->ports.https != config->ports.http);
        for (unsigned i = 0; i < config->crawl.source_count; i++)
            CHECK(strncmp(config->crawl.sources[i].url, "http", 4) == 0);
    } else {
        CHECK(config == NULL && errors.count > 0);
        for (unsigned i = 0; i < errors.count; i++)
            CHECK(errors.items[i].line >= 1 && strchr(errors.items[i].text, '\n') == NULL);
    }
    config_free(config);
    config_errors_release(&errors);
    free(exact);
    return 0;
}
