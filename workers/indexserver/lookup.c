/* LOOKUP: the stages that a URL went through, and where it stopped. */
#include <string.h>

#include "base/bytes.h"
#include "indexserver/service_parts.h"
#include "indexserver/story.h"
#include "indexserver/urls.h"

static enum status look_up(struct story *story, Wire__LookupReply *reply, struct error *err)
{
    story->source = scope_source_for(story->views->scope, &story->url, story->arena);
    enum status status = urls_get(story->views, story->url.text, &story->state, err);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    story->known = status == STATUS_OK;
    story_tell_scope(story);
    story_tell_crawl(story);
    story_tell_fetches(story);
    story_tell_contents(story);
    story_list_fetches(story, reply);
    reply->known = story->known;
    reply->asked = (char *)story->asked;
    reply->url = (char *)story->url.text;
    reply->slot = url_hash_slot(url_hash(story->url.text, story->url.text_size));
    reply->stages = story->stages;
    reply->n_stages = story->stage_count;
    return STATUS_OK;
}

void lookup_call(struct service *service, struct rpc_call *call)
{
    const Wire__LookupRequest *request = rpc_call_request(call, &wire__lookup_request__descriptor);
    if (request == NULL)
        return;
    Wire__LookupReply reply = WIRE__LOOKUP_REPLY__INIT;
    struct error err = {0};
    struct story story = {.views = service->views,
                          .log = service->log,
                          .arena = rpc_call_arena(call),
                          .asked = request->url};
    enum status status =
        url_parse(request->url, strlen(request->url), NULL, story.arena, &story.plain, &err);
    if (status != STATUS_OK) {
        rpc_call_fail(call, status, "%s", err.text);
        return;
    }
    story.url = story.plain;
    story.stages = check_alloc(arena_alloc(story.arena, STORY_STAGES_MAX * sizeof(*story.stages)));
    pthread_mutex_lock(&service->views->lock);
    status = look_up(&story, &reply, &err);
    pthread_mutex_unlock(&service->views->lock);
    if (status != STATUS_OK)
        rpc_call_fail(call, status, "%s", err.text);
    else
        rpc_call_reply(call, &reply.base);
}
