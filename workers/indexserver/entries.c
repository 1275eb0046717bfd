/* Entries of the log, made in an arena. Memory for one entry is too little to be missing. */
#include "base/check.h"
#include "indexserver/service_parts.h"

static Log__Entry *new_entry(struct arena *arena, Log__Entry__KindCase kind)
{
    Log__Entry *entry = check_alloc(arena_alloc(arena, sizeof(*entry)));
    log__entry__init(entry);
    entry->kind_case = kind;
    return entry;
}

Log__Entry *entry_of_submit(struct arena *arena, Log__Origin origin, char **urls, size_t count)
{
    Log__Entry *entry = new_entry(arena, LOG__ENTRY__KIND_SUBMIT);
    entry->submit = check_alloc(arena_alloc(arena, sizeof(*entry->submit)));
    log__submit__init(entry->submit);
    entry->submit->origin = origin;
    entry->submit->urls = urls;
    entry->submit->n_urls = count;
    return entry;
}

Log__Entry *entry_of_remove(struct arena *arena, Log__RemoveScope scope, const char *value,
                            Log__RemoveBy by)
{
    Log__Entry *entry = new_entry(arena, LOG__ENTRY__KIND_REMOVE);
    entry->remove = check_alloc(arena_alloc(arena, sizeof(*entry->remove)));
    log__remove__init(entry->remove);
    entry->remove->scope = scope;
    entry->remove->value = check_alloc(arena_string(arena, value));
    entry->remove->by = by;
    return entry;
}

Log__Entry *entry_of_content(struct arena *arena, Log__Content *content)
{
    Log__Entry *entry = new_entry(arena, LOG__ENTRY__KIND_CONTENT);
    entry->content = content;
    return entry;
}

Log__Entry *entry_of_outcome(struct arena *arena, Log__Outcome *outcome)
{
    Log__Entry *entry = new_entry(arena, LOG__ENTRY__KIND_OUTCOME);
    entry->outcome = outcome;
    return entry;
}

Log__Entry *entry_of_robots(struct arena *arena, Log__Robots *robots)
{
    Log__Entry *entry = new_entry(arena, LOG__ENTRY__KIND_ROBOTS);
    entry->robots = robots;
    return entry;
}

Log__Entry *entry_of_control(struct arena *arena, Log__Control *control)
{
    Log__Entry *entry = new_entry(arena, LOG__ENTRY__KIND_CONTROL);
    entry->control = control;
    return entry;
}
