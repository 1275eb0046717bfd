/* Watches how much room there is: at the limit the crawl pauses, searching goes on. */
#ifndef TIERCE_INDEXSERVER_DISK_WATCH_H
#define TIERCE_INDEXSERVER_DISK_WATCH_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct disk_watch {
    pthread_t thread;
    bool started;
    char root[PATH_MAX]; /* the installation's data folder, or ours where there is no other */
    void (*changed)(void *context);
    void *context;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    bool stopping;
    uint64_t limit; /* bytes; 0: none */
    uint64_t bytes;
    uint64_t free_bytes;
    uint64_t floor_bytes; /* less free space than this stops the crawl, too */
};

/* changed  from its own thread, when the crawl may go on, or may no longer. */
enum status disk_watch_start(struct disk_watch *watch, const char *folder,
                             void (*changed)(void *context), void *context, struct error *err);
void disk_watch_stop(struct disk_watch *watch); /* also of one that was not started */
void disk_watch_set_limit(struct disk_watch *watch, uint64_t limit);

/* In words why the crawl must pause; false: it need not. */
bool disk_watch_is_full(struct disk_watch *watch, char *ret_words, size_t size);
/* So little room is left that nothing should be written that can wait. */
bool disk_watch_is_exhausted(struct disk_watch *watch);
uint64_t disk_watch_bytes(struct disk_watch *watch);
uint64_t disk_watch_limit(struct disk_watch *watch);

#endif
