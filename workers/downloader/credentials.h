/* The sessions of all sources that have credentials, as the settings name them. */
#ifndef TIERCE_DOWNLOADER_CREDENTIALS_H
#define TIERCE_DOWNLOADER_CREDENTIALS_H

#include "downloader/session.h"

struct credentials;

struct credentials *credentials_new(void);
void credentials_free(struct credentials *credentials); /* accepts NULL */

/*
 * Replaces what there is, from any thread; a session whose credentials stayed the same goes on. The
 * secrets in the message are wiped: they are copied. Credentials that make no session are said on
 * the log and left out.
 */
void credentials_take(struct credentials *credentials, const Wire__DownloaderSettings *settings);

/* The session of the source; NULL: none. One thread's, valid until its next call. */
struct session *credentials_find(struct credentials *credentials, const char *source);

#endif
