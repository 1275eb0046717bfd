#include "orchestrator/watch.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"

enum { PLACES = 2 }; /* the file's own, and that of the file it links to */

struct file_watch {
    struct loop *loop;
    struct loop_watch watch;
    struct place {
        int number;
        char name[NAME_MAX + 1];
    } places[PLACES];
    unsigned place_count;
    void *context;
    void (*changed)(void *context);
};

static bool concerns_us(const struct file_watch *watch, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        return true;
    for (unsigned i = 0; i < watch->place_count; i++) {
        if (event->wd == watch->places[i].number && event->len > 0 &&
            strcmp(event->name, watch->places[i].name) == 0)
            return true;
    }
    return false;
}

static void read_events(void *context)
{
    struct file_watch *watch = context;
    char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
        __attribute__((aligned(__alignof__(struct inotify_event))));
    bool changed = false;
    for (;;) {
        ssize_t size = read(watch->watch.fd, events, sizeof(events));
        if (size <= 0)
            break; /* empty for now */
        for (char *at = events; at < events + size;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)at;
            changed = changed || concerns_us(watch, event);
            at += sizeof(*event) + event->len;
        }
    }
    if (changed)
        watch->changed(watch->context);
}

static enum status add_place(struct file_watch *watch, const char *path, struct error *err)
{
    char folder[PATH_MAX];
    char name[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    snprintf(name, sizeof(name), "%s", path);
    struct place *place = &watch->places[watch->place_count];
    snprintf(place->name, sizeof(place->name), "%s", basename(name));
    place->number =
        inotify_add_watch(watch->watch.fd, dirname(folder),
                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
    if (place->number < 0)
        return error_set_errno(err, errno, "%s cannot be watched", path);
    watch->place_count++;
    return STATUS_OK;
}

static enum status add_places(struct file_watch *watch, const char *path, struct error *err)
{
    enum status status = add_place(watch, path, err);
    char *target = realpath(path, NULL);
    if (status == STATUS_OK && target != NULL && strcmp(target, path) != 0)
        status = add_place(watch, target, err);
    free(target);
    return status;
}

enum status file_watch_open(struct loop *loop, const char *path, void *context,
                            void (*changed)(void *context), struct file_watch **ret_watch,
                            struct error *err)
{
    struct file_watch *watch = check_alloc(calloc(1, sizeof(*watch)));
    watch->loop = loop;
    watch->context = context;
    watch->changed = changed;
    watch->watch =
        (struct loop_watch){.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .ready = read_events};
    watch->watch.context = watch;
    enum status status;
    if (watch->watch.fd < 0)
        status = error_set_errno(err, errno, "inotify");
    else
        status = add_places(watch, path, err);
    if (status == STATUS_OK)
        status = loop_add(loop, &watch->watch, err);
    if (status != STATUS_OK) {
        fd_close(watch->watch.fd);
        free(watch);
        return status;
    }
    *ret_watch = watch;
    return STATUS_OK;
}

void file_watch_close(struct file_watch *watch)
{
    if (watch == NULL)
        return;
    loop_remove(watch->loop, &watch->watch);
    fd_close(watch->watch.fd);
    free(watch);
}
