#include "base/port_owner.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SOCKETS_MAX = 16,   /* listening on one port, at several addresses */
    STATE_LISTEN = 0x0A /* as /proc/net/tcp writes it */
};

struct inodes {
    uint64_t numbers[SOCKETS_MAX];
    unsigned count;
};

/* The inodes of the sockets that listen on the port, added to what is there. */
static void read_table(const char *path, uint16_t port, struct inodes *inodes)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    char line[512];
    while (inodes->count < SOCKETS_MAX && fgets(line, sizeof(line), file) != NULL) {
        unsigned local_port, state;
        uint64_t inode;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %" SCNu64, &local_port,
                   &state, &inode) == 3 &&
            local_port == port && state == STATE_LISTEN)
            inodes->numbers[inodes->count++] = inode;
    }
    fclose(file);
}

static bool is_one_of(const char *target, const struct inodes *inodes)
{
    uint64_t inode;
    if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
        return false;
    for (unsigned i = 0; i < inodes->count; i++) {
        if (inodes->numbers[i] == inode)
            return true;
    }
    return false;
}

static bool holds_one_of(const char *pid, const struct inodes *inodes)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false; /* another user's, or gone */
    bool found = false;
    struct dirent *entry;
    while (!found && (entry = readdir(folder)) != NULL) {
        char target[64];
        ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        if (size > 0) {
            target[size] = '\0';
            found = is_one_of(target, inodes);
        }
    }
    closedir(folder);
    return found;
}

pid_t port_owner_find(uint16_t port)
{
    struct inodes inodes = {0};
    read_table("/proc/net/tcp", port, &inodes);
    read_table("/proc/net/tcp6", port, &inodes);
    DIR *folder = inodes.count == 0 ? NULL : opendir("/proc");
    if (folder == NULL)
        return 0;
    pid_t owner = 0;
    struct dirent *entry;
    while (owner == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            holds_one_of(entry->d_name, &inodes))
            owner = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    closedir(folder);
    return owner;
}

enum status port_owner_error(uint16_t port, struct error *err)
{
    pid_t owner = port_owner_find(port);
    if (owner == 0)
        return error_set(err, STATUS_CONFLICT, "port %u is in use, use --port", port);
    return error_set(err, STATUS_CONFLICT, "port %u is in use by PID %ld, use --port", port,
                     (long)owner);
}
