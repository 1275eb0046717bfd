#include "orchestrator/children_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char *const *copy_texts(struct arena *arena, const char *const *texts)
{
    if (texts == NULL)
        return NULL;
    unsigned count = 0;
    while (texts[count] != NULL)
        count++;
    CHECK(count <= CHILD_ARGUMENTS_MAX);
    const char **copy = check_alloc(arena_zalloc(arena, (count + 1) * sizeof(*copy)));
    for (unsigned i = 0; i < count; i++)
        copy[i] = check_alloc(arena_string(arena, texts[i]));
    return copy;
}

void child_take_job(struct child *child, const struct child_job *job)
{
    CHECK(strlen(job->slot) <= CHILD_NAME_BYTES - 2);
    struct arena old = child->arena;
    child->arena = (struct arena){0};
    child->job = *job;
    child->job.slot = check_alloc(arena_string(&child->arena, job->slot));
    child->job.arguments = copy_texts(&child->arena, job->arguments);
    child->job.variables = copy_texts(&child->arena, job->variables);
    child->job_hash = child_job_hash(&child->job);
    arena_release(&old);
}

struct child *child_add(struct children *children, const struct child_job *job)
{
    CHECK(children->count < CHILDREN_MAX);
    struct child *child = check_alloc(calloc(1, sizeof(*child)));
    child->children = children;
    child_take_job(child, job);
    children->items[children->count++] = child;
    return child;
}

void child_free(struct child *child)
{
    runner_free(child->current);
    runner_free(child->successor);
    runner_free(child->draining);
    arena_release(&child->arena);
    free(child);
}

struct child *child_find(const struct children *children, const char *slot)
{
    for (unsigned i = 0; i < children->count; i++) {
        if (strcmp(children->items[i]->job.slot, slot) == 0)
            return children->items[i];
    }
    return NULL;
}

static bool has_name(const struct runner *runner, const char *name)
{
    return runner != NULL && strcmp(runner->name, name) == 0;
}

/* There are at most two when one is wanted. */
void child_free_name(const struct child *child, char ret[CHILD_NAME_BYTES])
{
    static const char *const endings[] = {"", "b", "c"};
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        snprintf(ret, CHILD_NAME_BYTES, "%s%s", child->job.slot, endings[i]);
        if (!has_name(child->current, ret) && !has_name(child->successor, ret) &&
            !has_name(child->draining, ret))
            return;
    }
}

bool child_is_idle(const struct child *child)
{
    return child->current == NULL && child->successor == NULL && child->draining == NULL;
}
