#include "indexserver/story.h"

#include "base/clock.h"
#include "cluster/log.h"

Wire__Stage *story_add(struct story *story, const char *name, const char *verdict,
                       const char *words, int64_t time_us)
{
    Wire__Stage *stage = check_alloc(arena_alloc(story->arena, sizeof(*stage)));
    CHECK(story->stage_count < STORY_STAGES_MAX);
    wire__stage__init(stage);
    stage->name = (char *)name;
    stage->verdict = (char *)verdict;
    stage->words = check_alloc(arena_string(story->arena, words));
    stage->time_us = time_us;
    stage->facts = check_alloc(arena_alloc(story->arena, STORY_FACTS_MAX * sizeof(*stage->facts)));
    story->stages[story->stage_count++] = stage;
    return stage;
}

void story_fact(struct story *story, Wire__Stage *stage, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0' || stage->n_facts == STORY_FACTS_MAX)
        return;
    Wire__Fact *fact = check_alloc(arena_alloc(story->arena, sizeof(*fact)));
    wire__fact__init(fact);
    fact->name = (char *)name;
    fact->value = check_alloc(arena_string(story->arena, value));
    stage->facts[stage->n_facts++] = fact;
}

void story_fact_number(struct story *story, Wire__Stage *stage, const char *name, uint64_t number)
{
    story_fact(story, stage, name, STORY_WORDS(story, "%lu", number));
}

void story_fact_time(struct story *story, Wire__Stage *stage, const char *name, int64_t time_us)
{
    char text[CLOCK_RFC3339_SIZE];
    if (time_us > 0)
        story_fact(story, stage, name, clock_rfc3339(time_us, text));
}

const Log__Entry *story_entry(struct story *story, uint64_t sequence)
{
    Log__Entry *entry;
    if (sequence == 0 || log_get(story->log, sequence, story->arena, &entry, NULL) != STATUS_OK)
        return NULL;
    return entry;
}
