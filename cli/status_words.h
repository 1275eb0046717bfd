/* What `tierce status` says about the whole installation, in words. */
#ifndef TIERCE_CLI_STATUS_WORDS_H
#define TIERCE_CLI_STATUS_WORDS_H

#include "wire.pb-c.h"

enum { STATUS_WORDS_BYTES = 64 };

/*
 * "12,345 pages indexed". A total of none counts only once every barrel has told what it holds, and
 * none holds a page: before, "pages not counted yet". Writes into `ret` and returns it.
 */
char *words_of_pages(const Wire__Stats *stats, char ret[STATUS_WORDS_BYTES]);

#endif
