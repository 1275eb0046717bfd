#include "cli/log_line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/print.h"

enum { NAME_BYTES_MAX = 64, TIME_BYTES = 20, LINE_BYTES_COMPARED = 512 };

/* Behind "2026-11-22T14:42:28Z "; NULL where the line does not begin so. */
static const char *name_of(const char *line)
{
    const char *blank = strchr(line, ' ');
    bool has_time = blank != NULL && blank - line == TIME_BYTES && line[10] == 'T' &&
                    line[TIME_BYTES - 1] == 'Z';
    return has_time ? blank + 1 : NULL;
}

static const char *level_of(const char *line)
{
    const char *name = name_of(line);
    const char *blank = name == NULL ? NULL : strchr(name, ' ');
    return blank == NULL || blank - name > NAME_BYTES_MAX ? NULL : blank + 1;
}

bool log_line_is_notable(const char *line)
{
    const char *level = level_of(line);
    if (level != NULL)
        return strncmp(level, "warning: ", 9) == 0 || strncmp(level, "error: ", 7) == 0;
    return strstr(line, " [emerg] ") != NULL || strncmp(line, "Error: ", 7) == 0; /* Caddy's */
}

void log_line_print(const char *line, FILE *file)
{
    const char *name = name_of(line);
    fputs("  ", file);
    print_text(file, name != NULL ? name : line);
    fputc('\n', file);
}

/* The number behind the last ':' of the word that ends at `end`; 0: none. */
static uint16_t port_before(const char *line, const char *end)
{
    const char *at = end;
    while (at > line && isdigit((unsigned char)at[-1]))
        at--;
    if (at == end || at == line || at[-1] != ':')
        return 0;
    long port = strtol(at, NULL, 10);
    return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

bool log_line_port_in_use(const char *line, uint16_t *ret_port, const char **ret_setting)
{
    static const char ours[] = "error: port ";
    const char *level = level_of(line);
    if (level != NULL && strncmp(level, ours, sizeof(ours) - 1) == 0 &&
        strstr(level, " is in use") != NULL) {
        const char *name = name_of(line);
        *ret_port = (uint16_t)strtol(level + sizeof(ours) - 1, NULL, 10);
        *ret_setting = strstr(level, "for ports.http") != NULL
                           ? "ports.https and ports.http in config.yaml"
                       : strncmp(name, "orchestrator ", 13) == 0 ? "--port"
                       : strncmp(name, "indexserver ", 12) == 0  ? "--indexserver-port"
                                                                 : "ports.grpc in config.yaml";
        return *ret_port != 0;
    }
    const char *end = strstr(line, " failed (98:"); /* NGINX: bind() to 127.0.0.1:80 failed (98: */
    if (end == NULL)
        end = strstr(line, ": bind: address already in use"); /* Caddy: listen tcp [::1]:80: bind */
    if (end == NULL || level != NULL)
        return false;
    *ret_port = port_before(line, end);
    *ret_setting = "ports.https or ports.http in config.yaml";
    return *ret_port != 0;
}

/* Of the words without digits: "barrel-0 (PID 42) ended" is the same again with PID 43. */
static uint64_t hash_of(const char *line)
{
    char words[LINE_BYTES_COMPARED];
    size_t size = 0;
    const char *name = name_of(line);
    for (const char *at = name != NULL ? name : line; *at != '\0' && size < sizeof(words); at++)
        if (!isdigit((unsigned char)*at))
            words[size++] = *at;
    return hash64(words, size);
}

bool log_line_is_new(struct log_lines_shown *shown, const char *line, int64_t now_ms)
{
    uint64_t hash = hash_of(line);
    for (unsigned i = 0; i < LOG_LINES_REMEMBERED; i++)
        if (shown->lines[i].hash == hash && shown->lines[i].ms != 0 &&
            now_ms - shown->lines[i].ms < LOG_LINE_REPEAT_MS)
            return false;
    unsigned at = shown->next++ % LOG_LINES_REMEMBERED;
    shown->lines[at].hash = hash;
    shown->lines[at].ms = now_ms;
    return true;
}
