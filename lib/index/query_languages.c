#include "index/query_languages.h"

#include <assert.h>

#include "base/bytes.h"
#include "base/check.h"
#include "index/segment.h"

/* Tags of languages whose stems have the language in front. */
static const char tags[][4] = {
    "\3ca", "\3da", "\3de", "\3es", "\3eu", "\3fi", "\3fr", "\3ga", "\3hu", "\3id", "\3it", "\3lt",
    "\3nb", "\3ne", "\3nl", "\3nn", "\3no", "\3pt", "\3ro", "\3sr", "\3sv", "\3tr", "\3yi",
};

static enum text_language language_of(size_t number)
{
    return text_language_of(tags[number] + 1, 2);
}

size_t query_language_terms(struct query_term *ret_terms)
{
    static_assert(ARRAY_COUNT(tags) <= QUERY_LANGUAGE_TERMS_MAX && KEY_LANGUAGE == 3, "");
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++)
        ret_terms[i] = (struct query_term){(const uint8_t *)tags[i], 3};
    return ARRAY_COUNT(tags);
}

query_languages query_languages_choose(const uint64_t *frequencies)
{
    uint64_t pages[TEXT_LANGUAGE_COUNT] = {0};
    query_languages chosen = 0;
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++)
        pages[language_of(i)] += frequencies[i];
    for (unsigned n = 0; n < QUERY_ALTERNATIVES_MAX - 2; n++) { /* the exact form, the first stem */
        unsigned most = 0;
        for (unsigned language = 1; language < TEXT_LANGUAGE_COUNT; language++)
            most = pages[language] > pages[most] ? language : most;
        if (pages[most] == 0)
            break;
        chosen |= (query_languages)1 << most;
        pages[most] = 0;
    }
    return chosen;
}
