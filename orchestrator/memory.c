#include "orchestrator/memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"

enum { TREE_DEPTH_MAX = 8 };

static const char *read_text(const char *path, struct buffer *text)
{
    buffer_clear(text);
    return file_read(path, 1024 * 1024, text, NULL) == STATUS_OK ? buffer_string(text) : "";
}

static uint64_t machine_memory(void)
{
    struct buffer text = {0};
    const char *at = strstr(read_text("/proc/meminfo", &text), "MemTotal:");
    uint64_t bytes = at == NULL ? 0 : strtoull(at + strlen("MemTotal:"), NULL, 10) * 1024;
    buffer_release(&text);
    return bytes == 0 ? (uint64_t)1 << 30 : bytes;
}

/* "max" and version 1's huge numbers are no limit. */
static uint64_t limit_in(const char *path)
{
    struct buffer text = {0};
    const char *words = read_text(path, &text);
    uint64_t limit = words[0] >= '0' && words[0] <= '9' ? strtoull(words, NULL, 10) : 0;
    buffer_release(&text);
    return limit == 0 ? UINT64_MAX : limit;
}

/* The least limit of a group and of those above it, as far as they can be seen from here. */
static uint64_t limit_of_groups(const char *root, char *group, const char *file)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s%s/%s", root, group, file);
        uint64_t limit = limit_in(path);
        least = limit < least ? limit : least;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

static uint64_t group_memory(void)
{
    struct buffer text = {0};
    uint64_t least = UINT64_MAX;
    char *rest = NULL;
    read_text("/proc/self/cgroup", &text);
    if (text.size == 0) {
        buffer_release(&text);
        return least;
    }
    for (char *line = strtok_r((char *)text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *kinds = strchr(line, ':');
        char *group = kinds == NULL ? NULL : strchr(kinds + 1, ':');
        if (group == NULL)
            continue;
        *group++ = '\0';
        uint64_t limit = UINT64_MAX;
        if (kinds[1] == '\0')
            limit = limit_of_groups("/sys/fs/cgroup", group, "memory.max");
        else if (strstr(kinds, "memory") != NULL)
            limit = limit_of_groups("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
        least = limit < least ? limit : least;
    }
    buffer_release(&text);
    return least;
}

uint64_t memory_available(void)
{
    uint64_t machine = machine_memory();
    uint64_t group = group_memory();
    return group < machine ? group : machine;
}

/* Per mille of the whole for all processes of a kind; the rest is the orchestrator's and the
 * proxy's. */
enum {
    BARRELS_SHARE = 380,
    INDEXSERVER_SHARE = 200,
    DOWNLOADERS_SHARE = 160,
    GATEWAYS_SHARE = 140,
    GRPC_SHARE = 60,
};

static uint64_t part(uint64_t total, unsigned share, unsigned count)
{
    return total / 1000 * share / (count == 0 ? 1 : count);
}

uint64_t memory_share(uint64_t total, const struct memory_shares *shares, Wire__Role role)
{
    switch (role) {
    case WIRE__ROLE__ROLE_BARREL:
        return part(total, BARRELS_SHARE, shares->barrels);
    case WIRE__ROLE__ROLE_INDEXSERVER:
        return part(total, INDEXSERVER_SHARE, 1);
    case WIRE__ROLE__ROLE_DOWNLOADER:
        return part(total, DOWNLOADERS_SHARE, shares->downloaders);
    case WIRE__ROLE__ROLE_GATEWAY:
        return part(total, GATEWAYS_SHARE, shares->gateways);
    case WIRE__ROLE__ROLE_GRPC:
        return part(total, GRPC_SHARE, 1);
    default:
        return part(total, 60, 2);
    }
}

static uint64_t kilobytes_of(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10) * 1024;
}

static void add_process(pid_t pid, Wire__Memory *memory, unsigned depth)
{
    char path[64];
    struct buffer text = {0};
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    const char *status = read_text(path, &text);
    memory->anonymous += kilobytes_of(status, "\nRssAnon:");
    memory->shared += kilobytes_of(status, "\nRssShmem:");
    memory->mapped += kilobytes_of(status, "\nRssFile:");
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    const char *at = read_text(path, &text);
    while (*at != '\0' && depth < TREE_DEPTH_MAX) {
        char *end;
        long child = strtol(at, &end, 10);
        if (end == at)
            break;
        add_process((pid_t)child, memory, depth + 1);
        at = end + strspn(end, " \n");
    }
    buffer_release(&text);
}

void memory_add_tree(pid_t pid, Wire__Memory *memory)
{
    add_process(pid, memory, 0);
}
