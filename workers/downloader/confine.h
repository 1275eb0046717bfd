/*
 * Locks the downloader in, which talks to strangers: whoever takes it over by what they send can
 * talk to the network as it does, and read what everyone on this machine may read. It starts no
 * program, writes no file, waits for no connection, and looks into no other process.
 */
#ifndef TIERCE_DOWNLOADER_CONFINE_H
#define TIERCE_DOWNLOADER_CONFINE_H

#include "base/error.h"

/*
 * For the calling thread and all that it starts: to be called before there are others, and after
 * the spawner was forked and the key read. Says on the log what this kernel cannot forbid.
 *
 * Built with a sanitizer, whose runtime needs more, files and system calls are left free.
 */
enum status confine(struct error *err);

#endif
