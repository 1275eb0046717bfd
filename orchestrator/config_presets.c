#include "orchestrator/config_parts.h"

#include <string.h>

#include "base/check.h"
#include "orchestrator/config_value.h"

const struct config_key *config_find_key(const struct config_key *keys, const char *path)
{
    for (const struct config_key *key = keys; key->path != NULL; key++) {
        if (strcmp(key->path, path) == 0)
            return key;
    }
    return NULL;
}

void config_set_presets(const struct config_key *keys, struct arena *arena, void *record)
{
    for (const struct config_key *key = keys; key->path != NULL; key++) {
        if (key->preset == NULL || !config_key_is_single(key))
            continue;
        struct error err = {0};
        if ((key->flags & KEY_REQUIRED) && key->kind != KIND_CHOICE)
            *(const char **)(void *)((char *)record + key->offset) = "";
        else
            CHECK(config_value_read(key, key->preset, ".", arena, record, &err) == STATUS_OK);
    }
}
