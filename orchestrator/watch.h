/* Tells when a file may have changed: written in place, or replaced, as editors do. */
#ifndef TIERCE_ORCHESTRATOR_WATCH_H
#define TIERCE_ORCHESTRATOR_WATCH_H

#include "base/error.h"
#include "orchestrator/loop.h"

struct file_watch;

/*
 * Watches the folder that holds `path` (the file itself need not exist), and the folder of what it
 * links to. changed() runs on the loop: after a writer closed the file, or another file took its
 * name, or it went away. A file that is only half written is never told of.
 */
enum status file_watch_open(struct loop *loop, const char *path, void *context,
                            void (*changed)(void *context), struct file_watch **ret_watch,
                            struct error *err);
void file_watch_close(struct file_watch *watch); /* accepts NULL */

#endif
