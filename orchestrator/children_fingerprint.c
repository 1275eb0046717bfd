#include "orchestrator/children_parts.h"

#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"

static uint64_t hash_texts(uint64_t hash, const char *const *texts)
{
    for (; texts != NULL && *texts != NULL; texts++) {
        uint64_t parts[2] = {hash, hash64(*texts, strlen(*texts))};
        hash = hash64(parts, sizeof(parts));
    }
    return hash;
}

uint64_t child_job_hash(const struct child_job *job)
{
    return hash_texts(hash_texts(1, job->arguments), job->variables);
}

uint64_t child_fingerprint(const struct child *child)
{
    struct stat info = {0};
    if (stat(child->job.arguments[0], &info) != 0)
        info = (struct stat){0};
    uint64_t parts[] = {child->job_hash,
                        info.st_dev,
                        info.st_ino,
                        (uint64_t)info.st_size,
                        (uint64_t)info.st_mtim.tv_sec,
                        (uint64_t)info.st_mtim.tv_nsec};
    return hash64(parts, sizeof(parts));
}
