#include "orchestrator/config_hint.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

enum { NAME_BYTES = 128 };

/* How many letters are to be changed, put in, left out or swapped; more than 8 is 9. */
static unsigned distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > 31 || columns > 31)
        return 9;
    unsigned table[32][32];
    for (size_t i = 0; i <= rows; i++) {
        for (size_t j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = (unsigned)(i + j);
                continue;
            }
            unsigned cost = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            unsigned left_out = table[i - 1][j] + 1, put_in = table[i][j - 1] + 1;
            cost = left_out < cost ? left_out : cost;
            cost = put_in < cost ? put_in : cost;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                table[i - 2][j - 2] + 1 < cost)
                cost = table[i - 2][j - 2] + 1;
            table[i][j] = cost;
        }
    }
    return table[rows][columns];
}

const char *config_leaf(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? path : dot + 1;
}

const char *config_near_miss(const struct config_key *keys, const char *path)
{
    const char *best = NULL;
    unsigned best_distance = 3;
    for (const struct config_key *key = keys; key->path != NULL; key++) {
        unsigned whole = distance(path, key->path);
        /* the right name in the wrong section, or with another mistake in the section's name */
        unsigned leaf = strcmp(config_leaf(path), config_leaf(key->path)) == 0 ? 2 : 9;
        unsigned far = whole < leaf ? whole : leaf;
        if (far < best_distance) {
            best = key->path;
            best_distance = far;
        }
    }
    return best;
}

bool config_is_secret_name(const char *name)
{
    static const char *const names[] = {"password", "passwd",  "passphrase",  "token",  "secret",
                                        "apikey",   "api_key", "credentials", "cookie", "cookies"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcasecmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

void config_siblings(const struct config_key *keys, const char *prefix, struct buffer *ret_text)
{
    size_t prefix_size = strlen(prefix);
    char last[NAME_BYTES] = "";
    for (const struct config_key *key = keys; key->path != NULL; key++) {
        if (strncmp(key->path, prefix, prefix_size) != 0)
            continue;
        char name[NAME_BYTES];
        snprintf(name, sizeof(name), "%s", key->path + prefix_size);
        name[strcspn(name, ".")] = '\0';
        if (strcmp(name, last) == 0)
            continue;
        buffer_append_format(ret_text, "%s%s", last[0] == '\0' ? "" : ", ", name);
        snprintf(last, sizeof(last), "%s", name);
    }
}
