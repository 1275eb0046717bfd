#include "index/score.h"

#include <math.h>
#include <string.h>

#define DAY_US 86400000000

const struct ranking ranking_default = {
    .k1 = 1.2f,
    .exact_bonus = 0.25f,
    .link_weight = 0.1,
    .window = 20,
    .closeness = 0.3,
    .whole_title = 0.15,
    .whole_url = 0.15,
    .freshness = 0.05,
    .half_life_days = 365,
    .fields =
        {
            [FIELD_TITLE] = {3.0f, 0.5f},
            [FIELD_HEADINGS] = {1.5f, 0.5f},
            [FIELD_URL] = {1.0f, 0.3f},
            [FIELD_ANCHOR] = {1.5f, 0.4f},
            [FIELD_BODY] = {1.0f, 0.75f},
        },
};

const struct ranking ranking_plain = {
    .k1 = 1.2f,
    .fields =
        {
            [FIELD_TITLE] = {1.0f, 0.75f},
            [FIELD_HEADINGS] = {1.0f, 0.75f},
            [FIELD_URL] = {1.0f, 0.75f},
            [FIELD_ANCHOR] = {1.0f, 0.75f},
            [FIELD_BODY] = {1.0f, 0.75f},
        },
};

void scorer_init(struct scorer *scorer, const struct ranking *ranking,
                 const struct search_statistics *statistics)
{
    float documents = statistics->documents > 0 ? (float)statistics->documents : 1;
    scorer->ranking = ranking;
    float lengths[LENGTH_CODES];
    for (unsigned code = 0; code < LENGTH_CODES; code++)
        lengths[code] = (float)length_of_code((uint8_t)code);
    for (unsigned code = 0; code < LENGTH_CODES; code++)
        scorer->frequencies[code] = (float)length_bound((uint8_t)code);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        float average = (float)statistics->field_tokens[field] / documents;
        float by_length = ranking->fields[field].length;
        if (average < 1)
            average = 1;
        for (unsigned code = 0; code < LENGTH_CODES; code++)
            scorer->factors[field][code] = ranking->fields[field].weight /
                                           (1 - by_length + by_length * (lengths[code] / average));
    }
}

bool scorer_enter(struct scorer *scorer, const struct segment *segment)
{
    for (unsigned column = 0; column < NORM_COLUMNS; column++) {
        scorer->columns[column] = segment_column(segment, column);
        if (scorer->columns[column] == NULL)
            return false;
    }
    return true;
}

float scorer_word_weight(const struct scorer *scorer, const struct search_statistics *statistics,
                         uint64_t documents)
{
    double all = statistics->documents > 0 ? (double)statistics->documents : 1;
    double having = (double)documents < all ? (double)documents : all;
    double rarity = log(1 + (all - having + 0.5) / (having + 0.5));
    return (float)(rarity * (1 + (double)scorer->ranking->k1) * SCORE_ONE);
}

/* Step by step what score_of() does, so that the results are the same. */
void score_all(float weight, float k1, float *frequencies, uint32_t count, uint32_t *ret_scores)
{
    typedef float floats __attribute__((vector_size(4 * SCORE_LANES)));
    typedef int32_t integers __attribute__((vector_size(4 * SCORE_LANES)));
    const float product = weight * k1;
    for (uint32_t i = count; i < count + SCORE_LANES - 1; i++)
        frequencies[i] = 0; /* no garbage that takes long to divide by */
    for (uint32_t i = 0; i < count; i += SCORE_LANES) {
        floats some;
        memcpy(&some, frequencies + i, sizeof(some));
        integers scores = __builtin_convertvector(weight - product / (k1 + some), integers);
        memcpy(ret_scores + i, &scores, sizeof(scores));
    }
}

float weigh_impacts(const struct scorer *scorer, const struct impacts *impacts)
{
    float sum = 0;
    float body = 0;
    uint32_t others; /* the frequencies of the other fields */
    _Static_assert(sizeof(others) == sizeof(impacts->frequencies), "one for each field");
    memcpy(&others, impacts->frequencies, sizeof(others));
    for (unsigned field = 0; others != 0 && field < FIELD_BODY; field++)
        sum += scorer->frequencies[impacts->frequencies[field]] *
               scorer->factors[field][impacts->lengths[field]];
    for (unsigned i = 0; i < IMPACT_PAIRS; i++) {
        float one = scorer->frequencies[impacts->body_frequencies[i]] *
                    scorer->factors[FIELD_BODY][impacts->body_lengths[i]];
        body = one > body ? one : body;
    }
    return sum + body;
}

double link_factor(const struct ranking *ranking, uint32_t inlinks)
{
    return ranking->link_weight == 0 || inlinks == 0
               ? 1
               : 1 + ranking->link_weight * log2(1 + (double)inlinks);
}

double freshness_factor(const struct ranking *ranking, int64_t modified_unix_us,
                        int64_t now_unix_us)
{
    if (ranking->freshness == 0 || modified_unix_us <= 0 || now_unix_us <= 0)
        return 1;
    /* Clocks differ, but not by more than a day: it is no date. */
    if (modified_unix_us - now_unix_us > DAY_US)
        return 1;
    int64_t age_us = modified_unix_us < now_unix_us ? now_unix_us - modified_unix_us : 0;
    double age_days = (double)age_us / DAY_US;
    return 1 + ranking->freshness * ranking->half_life_days / (ranking->half_life_days + age_days);
}
