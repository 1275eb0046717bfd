#include "downloader/parsing.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "downloader/headers.h"
#include "downloader/parser_child.h"
#include "downloader/record.h"
#include "page/page.h"

enum {
    ROBOTS_TAGS_MAX = 32,  /* X-Robots-Tag headers that count */
    LINKS_MAX = 100,       /* Link headers that count */
    START_PAUSE_MS = 1000, /* between attempts to start a parser that cannot be started */
};

struct parsing {
    struct ledger *ledger;
    struct parser_child *child;
    ZSTD_CCtx *packer; /* the thread's */
    pthread_t thread;
    pthread_mutex_t mutex;  /* of what follows */
    pthread_cond_t changed; /* by CLOCK_MONOTONIC */
    struct job *first, **end;
    uint64_t last_lease; /* whose page came last */
    bool closing;
    bool idle; /* nothing waits and nothing is worked on */
};

/* ---- one page ---- */

/* A page that was fetched is packed for the log while the parser reads it. */
struct packing {
    struct job *job;
    ZSTD_CCtx *packer;
};

static void pack(void *context)
{
    struct packing *packing = context;
    struct job *job = packing->job;
    bool fetched = job->fetched->result_case == WIRE__FETCHED__RESULT_CONTENT;
    if (fetched && job->packed.size == 0)
        job_pack(job, packing->packer, NULL); /* where it fails it is tried again */
}

/* A header's value for a message: "" where there is none. */
static char *header_of(struct job *job, const char *name)
{
    static char none[] = "";
    const char *value = job_header(job, name);
    return value != NULL ? (char *)(uintptr_t)value : none;
}

static enum status ask(struct parsing *parsing, struct job *job, struct error *err)
{
    Page__ParseRequest request = PAGE__PARSE_REQUEST__INIT;
    char *tags[ROBOTS_TAGS_MAX], *links[LINKS_MAX];
    request.url = job->fetched->url;
    request.content_type = header_of(job, "Content-Type");
    request.content_language = header_of(job, "Content-Language");
    request.last_modified = header_of(job, "Last-Modified");
    request.refresh = header_of(job, "Refresh");
    request.robots_tags = tags;
    request.link_headers = links;
    if (job->hop_count > 0) {
        const Log__Hop *last = job->hops[job->hop_count - 1];
        request.n_robots_tags = headers_get_all(last->headers.data, last->headers.len,
                                                "X-Robots-Tag", ROBOTS_TAGS_MAX, &job->arena, tags);
        request.n_link_headers = headers_get_all(last->headers.data, last->headers.len, "Link",
                                                 LINKS_MAX, &job->arena, links);
    }
    request.body.data = job->body.data;
    request.body.len = job->body.size;
    request.truncated = job->truncated;
    struct packing packing = {job, parsing->packer};
    struct parser_meanwhile meanwhile = {pack, &packing};
    return parser_child_parse(parsing->child, &request, &meanwhile, &job->arena,
                              &job->fetched->page, err);
}

/* A page in the stead of one that the parser could not make. */
static void give_up_on(struct job *job, const struct error *why)
{
    Page__Page *page = arena_alloc(&job->arena, sizeof(*page));
    char *words = arena_string(&job->arena, why->text);
    if (page == NULL || words == NULL)
        return;
    page__page__init(page);
    page->parser_version = PAGE_PARSER_VERSION;
    page->problem = PAGE__PROBLEM__PROBLEM_UNPARSABLE;
    page->problem_words = words;
    job->fetched->page = page;
    log_info("%s: %s", job->fetched->url, why->text);
}

static bool is_closing(struct parsing *parsing)
{
    pthread_mutex_lock(&parsing->mutex);
    bool closing = parsing->closing;
    pthread_mutex_unlock(&parsing->mutex);
    return closing;
}

/*
 * False: the job is to be dropped, for a reason that is not the page's. A parser that dies may have
 * been killed by someone: only a page that it dies of twice is at fault.
 */
static bool parse(struct parsing *parsing, struct job *job)
{
    struct error err;
    enum status status = ask(parsing, job, &err);
    bool again = status == STATUS_UNAVAILABLE;
    while ((again || status == STATUS_IO) && ledger_holds(parsing->ledger, job->lease)) {
        if (status == STATUS_IO) {
            log_error("%s", err.text);
            if (is_closing(parsing))
                return false;
            ledger_pause(parsing->ledger, START_PAUSE_MS);
        }
        again = false;
        status = ask(parsing, job, &err);
    }
    if (status == STATUS_UNAVAILABLE || status == STATUS_TIMEOUT || status == STATUS_CORRUPT)
        give_up_on(job, &err);
    return job->fetched->page != NULL;
}

/* A fetched body whose bytes are no text after all is an outcome: it need not be kept. */
static enum status conclude(struct parsing *parsing, struct job *job, struct error *err)
{
    const Page__Page *page = job->fetched->page;
    if (job->fetched->result_case != WIRE__FETCHED__RESULT_CONTENT)
        return STATUS_OK; /* parsed again: the log holds the body */
    if (page->problem != PAGE__PROBLEM__PROBLEM_UNSUPPORTED_TYPE)
        return job->packed.size > 0 ? STATUS_OK : job_pack(job, parsing->packer, err);
    buffer_release(&job->packed);
    int32_t fetch_ms = job->fetched->content->fetch_ms;
    enum status status =
        record_outcome(job, LOG__REASON__REASON_UNSUPPORTED_TYPE, page->problem_words, err);
    if (status == STATUS_OK)
        job->fetched->outcome->fetch_ms = fetch_ms;
    job->fetched->page = NULL;
    return status;
}

static void work_on(struct parsing *parsing, struct job *job)
{
    struct error err;
    if (!ledger_holds(parsing->ledger, job->lease) || !parse(parsing, job) ||
        conclude(parsing, job, &err) != STATUS_OK) {
        ledger_drop(parsing->ledger, job);
        return;
    }
    job->unparsed = false;
    buffer_release(&job->body);
    ledger_report(parsing->ledger, job);
}

/* ---- the thread ---- */

/*
 * Takes the oldest job of another host than the last one's, where there is any: so the pages of a
 * host that take long make each page of the others wait for one of them, not for all.
 */
static struct job *take_fairly(struct parsing *parsing)
{
    struct job **at = &parsing->first;
    while (*at != NULL && (*at)->lease == parsing->last_lease)
        at = &(*at)->next;
    if (*at == NULL)
        at = &parsing->first;
    struct job *job = *at;
    *at = job->next;
    if (job->next == NULL)
        parsing->end = at;
    job->next = NULL;
    parsing->last_lease = job->lease;
    return job;
}

/* NULL: closing, and nothing is left. */
static struct job *next_job(struct parsing *parsing)
{
    pthread_mutex_lock(&parsing->mutex);
    while (parsing->first == NULL) {
        parsing->idle = true;
        pthread_cond_broadcast(&parsing->changed);
        if (parsing->closing)
            break;
        pthread_cond_wait(&parsing->changed, &parsing->mutex);
    }
    struct job *job = NULL;
    if (parsing->first != NULL) {
        parsing->idle = false;
        job = take_fairly(parsing);
    }
    pthread_mutex_unlock(&parsing->mutex);
    return job;
}

static void *run(void *context)
{
    struct parsing *parsing = context;
    for (struct job *job = next_job(parsing); job != NULL; job = next_job(parsing))
        work_on(parsing, job);
    return NULL;
}

void parsing_take(struct parsing *parsing, struct job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&parsing->mutex);
    *parsing->end = job;
    parsing->end = &job->next;
    pthread_cond_broadcast(&parsing->changed);
    pthread_mutex_unlock(&parsing->mutex);
}

uint64_t parsing_restarts(const struct parsing *parsing)
{
    return parser_child_restarts(parsing->child);
}

enum status parsing_open(struct ledger *ledger, struct spawner *spawner, uint32_t page_ms,
                         struct parsing **ret_parsing, struct error *err)
{
    struct parsing *parsing = calloc(1, sizeof(*parsing));
    if (parsing == NULL)
        return error_set(err, STATUS_NO_MEMORY, "parsing");
    enum status status = parser_child_open(spawner, page_ms, &parsing->child, err);
    if (status != STATUS_OK) {
        free(parsing);
        return status;
    }
    parsing->packer = ZSTD_createCCtx();
    CHECK(parsing->packer != NULL);
    parsing->ledger = ledger;
    parsing->end = &parsing->first;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&parsing->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&parsing->mutex, NULL);
    CHECK(pthread_create(&parsing->thread, NULL, run, parsing) == 0);
    *ret_parsing = parsing;
    return STATUS_OK;
}

/* Waits until all is parsed; what still waits at the deadline is taken away. */
static struct job *drain(struct parsing *parsing, int64_t deadline_ms)
{
    pthread_mutex_lock(&parsing->mutex);
    parsing->closing = true;
    pthread_cond_broadcast(&parsing->changed);
    int64_t left_ms = deadline_ms - clock_boot_ms();
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (left_ms > 0 ? left_ms : 0) * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (!parsing->idle || parsing->first != NULL) {
        if (pthread_cond_timedwait(&parsing->changed, &parsing->mutex, &until) == ETIMEDOUT)
            break;
    }
    struct job *left = parsing->first;
    parsing->first = NULL;
    parsing->end = &parsing->first;
    pthread_mutex_unlock(&parsing->mutex);
    return left;
}

void parsing_stop(struct parsing *parsing, int64_t deadline_ms)
{
    struct job *left = drain(parsing, deadline_ms);
    parser_child_interrupt(parsing->child);
    pthread_join(parsing->thread, NULL);
    while (left != NULL) {
        struct job *job = left;
        left = job->next;
        ledger_drop(parsing->ledger, job);
    }
}

void parsing_close(struct parsing *parsing)
{
    if (parsing == NULL)
        return;
    parser_child_close(parsing->child);
    ZSTD_freeCCtx(parsing->packer);
    pthread_cond_destroy(&parsing->changed);
    pthread_mutex_destroy(&parsing->mutex);
    free(parsing);
}
