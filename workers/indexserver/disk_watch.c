#include "indexserver/disk_watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "rpc/key.h"
#include "store/kv.h"

enum { LOOK_EVERY_S = 2 };
#define FLOOR_BYTES_MIN ((uint64_t)32 << 20)
#define FLOOR_BYTES_MAX ((uint64_t)512 << 20)

/* The cluster's key lies at the top of the installation's data, of which ours is one part. */
static void find_root(struct disk_watch *watch, const char *folder)
{
    char key[PATH_MAX + sizeof(CLUSTER_KEY_FILE) + 8];
    snprintf(watch->root, sizeof(watch->root), "%s", folder);
    snprintf(key, sizeof(key), "%s/../%s", folder, CLUSTER_KEY_FILE);
    if (access(key, F_OK) == 0 && strlen(folder) + sizeof("/..") <= sizeof(watch->root))
        strcat(watch->root, "/..");
}

static uint64_t floor_of(const char *folder)
{
    struct statvfs info;
    if (statvfs(folder, &info) != 0)
        return FLOOR_BYTES_MIN;
    uint64_t twentieth = (uint64_t)info.f_blocks * info.f_frsize / 20;
    return twentieth < FLOOR_BYTES_MIN   ? FLOOR_BYTES_MIN
           : twentieth > FLOOR_BYTES_MAX ? FLOOR_BYTES_MAX
                                         : twentieth;
}

static bool is_full(const struct disk_watch *watch)
{
    return (watch->limit != 0 && watch->bytes >= watch->limit) ||
           watch->free_bytes < watch->floor_bytes;
}

static void look(struct disk_watch *watch)
{
    uint64_t bytes = kv_folder_bytes(watch->root);
    uint64_t free_bytes = kv_free_space(watch->root);
    pthread_mutex_lock(&watch->lock);
    bool before = is_full(watch);
    watch->bytes = bytes;
    watch->free_bytes = free_bytes;
    bool differs = is_full(watch) != before;
    pthread_mutex_unlock(&watch->lock);
    if (differs)
        watch->changed(watch->context);
}

static void *run(void *context)
{
    struct disk_watch *watch = context;
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += LOOK_EVERY_S;
        pthread_mutex_lock(&watch->lock);
        if (!watch->stopping)
            pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
        bool stop = watch->stopping;
        pthread_mutex_unlock(&watch->lock);
        if (stop)
            return NULL;
        look(watch);
    }
}

enum status disk_watch_start(struct disk_watch *watch, const char *folder,
                             void (*changed)(void *context), void *context, struct error *err)
{
    find_root(watch, folder);
    watch->changed = changed;
    watch->context = context;
    watch->floor_bytes = floor_of(folder);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->wake, NULL);
    watch->bytes = kv_folder_bytes(watch->root);
    watch->free_bytes = kv_free_space(watch->root);
    int result = pthread_create(&watch->thread, NULL, run, watch);
    if (result != 0)
        return error_set_errno(err, result, "the disk watch's thread");
    watch->started = true;
    return STATUS_OK;
}

void disk_watch_stop(struct disk_watch *watch)
{
    if (!watch->started)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    watch->started = false;
}

void disk_watch_set_limit(struct disk_watch *watch, uint64_t limit)
{
    pthread_mutex_lock(&watch->lock);
    bool before = is_full(watch);
    watch->limit = limit;
    bool differs = is_full(watch) != before;
    pthread_mutex_unlock(&watch->lock);
    if (differs)
        watch->changed(watch->context);
}

bool disk_watch_is_full(struct disk_watch *watch, char *ret_words, size_t size)
{
    enum { MB = 1000 * 1000 };
    pthread_mutex_lock(&watch->lock);
    bool full = is_full(watch);
    if (full && watch->free_bytes < watch->floor_bytes)
        snprintf(ret_words, size, "the disk is nearly full: %lu MB free, %lu MB are kept",
                 watch->free_bytes / MB, watch->floor_bytes / MB);
    else if (full)
        snprintf(ret_words, size, "disk_limit is reached: %lu MB of %lu MB", watch->bytes / MB,
                 watch->limit / MB);
    pthread_mutex_unlock(&watch->lock);
    return full;
}

bool disk_watch_is_exhausted(struct disk_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool exhausted = watch->free_bytes < watch->floor_bytes / 2;
    pthread_mutex_unlock(&watch->lock);
    return exhausted;
}

uint64_t disk_watch_bytes(struct disk_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    uint64_t bytes = watch->bytes;
    pthread_mutex_unlock(&watch->lock);
    return bytes;
}

uint64_t disk_watch_limit(struct disk_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    uint64_t limit = watch->limit;
    pthread_mutex_unlock(&watch->lock);
    return limit;
}
