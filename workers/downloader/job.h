/*
 * One leased URL on its way: fetched, parsed, reported. It has one owner at a time, which passes it
 * on: the host that fetches, the parsing thread, the ledger.
 */
#ifndef TIERCE_DOWNLOADER_JOB_H
#define TIERCE_DOWNLOADER_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "wire.pb-c.h"

enum { JOB_HOPS_MAX = 6 }; /* a robots.txt, and five redirects on the way to it */

struct ZSTD_CCtx_s;

struct job {
    struct job *next; /* in its owner's list */
    uint64_t lease;
    struct arena arena;     /* of `fetched` and all that hangs on it, but for the bodies */
    Wire__Fetched *fetched; /* what will be reported */
    Log__Hop *hops[JOB_HOPS_MAX];
    size_t hop_count;
    bool unparsed;        /* `body` waits for the parser */
    bool truncated;       /* the body was cut */
    struct buffer body;   /* decoded; given back when it is parsed and packed */
    struct buffer packed; /* the body, compressed for the log */
    size_t weight;        /* bytes, as the ledger has counted it */
};

/* NULL: no memory. */
struct job *job_new(uint64_t lease, const char *url);
void job_free(struct job *job); /* accepts NULL */

/* Bytes of memory that it holds. */
size_t job_weight(const struct job *job);

/* The last hop's header, in the job's arena; NULL: none. */
const char *job_header(struct job *job, const char *name);

/* Fills `packed` from the body, or the body from the packed content of a lease. `packer` is zstd's
 * context, to be used again for the next. */
enum status job_pack(struct job *job, struct ZSTD_CCtx_s *packer, struct error *err);
enum status job_unpack(struct job *job, const Log__Content *content, struct error *err);

#endif
