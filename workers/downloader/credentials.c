#include "downloader/credentials.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

struct list {
    size_t count;
    struct session *sessions[];
};

struct credentials {
    struct list *list; /* of the thread that finds; NULL: empty */
    pthread_mutex_t mutex;
    struct list *newer; /* to take its place; NULL: nothing new */
};

struct credentials *credentials_new(void)
{
    struct credentials *credentials = check_alloc(calloc(1, sizeof(*credentials)));
    pthread_mutex_init(&credentials->mutex, NULL);
    return credentials;
}

static void free_list(struct list *list)
{
    for (size_t i = 0; list != NULL && i < list->count; i++)
        session_free(list->sessions[i]);
    free(list);
}

void credentials_free(struct credentials *credentials)
{
    if (credentials == NULL)
        return;
    free_list(credentials->list);
    free_list(credentials->newer);
    pthread_mutex_destroy(&credentials->mutex);
    free(credentials);
}

/* ---- new ones ---- */

static void wipe(char *text)
{
    explicit_bzero(text, strlen(text));
}

/* What is not said is one empty string for all messages, and constant. */
static void wipe_message(Wire__Credentials *from)
{
    char *const secrets[] = {from->cookie, from->user, from->password, from->bearer};
    for (size_t i = 0; i < ARRAY_COUNT(secrets); i++) {
        if (secrets[i][0] != '\0')
            wipe(secrets[i]);
    }
    for (size_t i = 0; i < from->n_headers; i++)
        wipe(from->headers[i]);
    for (size_t i = 0; i < from->n_login_fields; i++)
        wipe(from->login_fields[i]);
}

void credentials_take(struct credentials *credentials, const Wire__DownloaderSettings *settings)
{
    size_t count = settings != NULL ? settings->n_credentials : 0;
    struct list *list = check_alloc(calloc(1, sizeof(*list) + count * sizeof(*list->sessions)));
    struct error err;
    for (size_t i = 0; i < count; i++) {
        if (session_new(settings->credentials[i], &list->sessions[list->count], &err) == STATUS_OK)
            list->count++;
        else
            log_warning("%s", err.text);
        wipe_message(settings->credentials[i]);
    }
    pthread_mutex_lock(&credentials->mutex);
    struct list *passed_over = credentials->newer;
    credentials->newer = list;
    pthread_mutex_unlock(&credentials->mutex);
    free_list(passed_over);
}

/* ---- finding ---- */

/* Sessions that stay the same stay logged in: they change places with the new ones. */
static void carry_over(struct list *old, struct list *new)
{
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        for (size_t k = 0; k < new->count; k++) {
            struct session *session = new->sessions[k];
            if (!session_is_same(old->sessions[i], session))
                continue;
            new->sessions[k] = old->sessions[i];
            old->sessions[i] = session;
            break;
        }
    }
}

struct session *credentials_find(struct credentials *credentials, const char *source)
{
    pthread_mutex_lock(&credentials->mutex);
    struct list *newer = credentials->newer;
    credentials->newer = NULL;
    pthread_mutex_unlock(&credentials->mutex);
    if (newer != NULL) {
        carry_over(credentials->list, newer);
        free_list(credentials->list);
        credentials->list = newer;
    }
    for (size_t i = 0; credentials->list != NULL && i < credentials->list->count; i++) {
        if (strcmp(session_source(credentials->list->sessions[i]), source) == 0)
            return credentials->list->sessions[i];
    }
    return NULL;
}
