#include "page/relations.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "page/html_tags.h"
#include "page/link_header.h"

/* The normal form of where it leads, in the arena; NULL where that is nowhere. */
static const char *target_of(struct relations *relations, const struct relation *relation,
                             const struct url *base)
{
    struct arena scratch = {0};
    struct url target;
    const char *text = NULL;
    if (url_parse(relation->href, relation->href_size, base, &scratch, &target, NULL) ==
        STATUS_OK) {
        text = arena_string_of(relations->arena, target.text, target.text_size);
        relations->failed = relations->failed || text == NULL;
    }
    arena_release(&scratch);
    return text;
}

static void take_canonical(struct relations *relations, const char *target)
{
    if (relations->canonical != NULL && strcmp(relations->canonical, target) != 0)
        relations->canonicals_differ = true;
    relations->canonical = target;
}

static bool list_holds(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0)
            return true;
    }
    return false;
}

static void take_into(struct relations *relations, const char ***list, size_t *count, size_t most,
                      const char *target)
{
    if (*count == most || list_holds(*list, *count, target))
        return;
    if (*list == NULL)
        *list = arena_alloc(relations->arena, most * sizeof(**list));
    if (*list == NULL)
        relations->failed = true;
    else
        (*list)[(*count)++] = target;
}

/* "de-AT" becomes "de-at"; NULL: it is no tag. */
static const char *language_of(struct relations *relations, const char *tag)
{
    char language[RELATIONS_LANGUAGE_BYTES_MAX + 1];
    size_t size = 0;
    tag += strspn(tag, " \t\r\n\f");
    size_t given = strcspn(tag, " \t\r\n\f");
    bool alone = tag[given + strspn(tag + given, " \t\r\n\f")] == '\0';
    if (given == 0 || given > RELATIONS_LANGUAGE_BYTES_MAX || !alone)
        return NULL;
    for (; size < given; size++) {
        unsigned char c = (unsigned char)tag[size];
        if (!isalnum(c) && c != '-' && c != '_')
            return NULL;
        language[size] = c == '_' ? '-' : (char)tolower(c);
    }
    const char *kept = arena_string_of(relations->arena, language, size);
    relations->failed = relations->failed || kept == NULL;
    return kept;
}

static void take_alternate(struct relations *relations, const char *tag, const char *target)
{
    const char *language = language_of(relations, tag);
    if (language == NULL || relations->alternate_count == RELATIONS_ALTERNATES_MAX)
        return;
    if (relations->alternates == NULL)
        relations->alternates = arena_alloc(relations->arena, RELATIONS_ALTERNATES_MAX *
                                                                  sizeof(*relations->alternates));
    if (relations->alternates == NULL)
        relations->failed = true;
    else
        relations->alternates[relations->alternate_count++] =
            (struct page_alternate){language, target};
}

static bool is_feed_type(const char *type)
{
    static const char *const types[] = {"application/rss+xml", "application/atom+xml",
                                        "application/feed+json", "application/rdf+xml"};
    size_t size = type == NULL ? 0 : strcspn(type, "; \t");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (size == strlen(types[i]) && strncasecmp(type, types[i], size) == 0)
            return true;
    }
    return false;
}

void relations_add(struct relations *relations, const struct relation *relation,
                   const struct url *base)
{
    const char *rel = relation->rel;
    bool canonical = html_list_has(rel, "canonical");
    bool alternate = html_list_has(rel, "alternate") && !html_list_has(rel, "stylesheet");
    bool neighbour =
        html_list_has(rel, "next") || html_list_has(rel, "prev") || html_list_has(rel, "previous");
    bool feed = (alternate && is_feed_type(relation->type)) || html_list_has(rel, "feed");
    alternate = alternate && !feed && relation->hreflang != NULL;
    if (!canonical && !alternate && !neighbour && !feed)
        return;
    const char *target = target_of(relations, relation, base);
    if (target == NULL)
        return;
    if (canonical)
        take_canonical(relations, target);
    if (alternate)
        take_alternate(relations, relation->hreflang, target);
    if (feed)
        take_into(relations, &relations->feeds, &relations->feed_count, RELATIONS_FEEDS_MAX,
                  target);
    if (neighbour)
        take_into(relations, &relations->neighbours, &relations->neighbour_count,
                  RELATIONS_NEIGHBOURS_MAX, target);
}

void relations_add_headers(struct relations *relations, const char *lines, const struct url *url)
{
    struct link_header_value value;
    const char *at = lines == NULL ? "" : lines;
    while (link_header_next(&at, &value)) {
        struct relation relation = {.rel = value.rel,
                                    .href = value.target,
                                    .href_size = value.target_size,
                                    .hreflang = value.hreflang[0] == '\0' ? NULL : value.hreflang,
                                    .type = value.type};
        if (!value.has_anchor)
            relations_add(relations, &relation, url);
    }
}

const char *relations_canonical(const struct relations *relations)
{
    return relations->canonical == NULL || relations->canonicals_differ ? "" : relations->canonical;
}
