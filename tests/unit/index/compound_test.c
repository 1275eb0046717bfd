/* Compounds: how words are read as two, which reading is chosen, and what is then asked for. */
#include "index/compound.h"

#include <string.h>

#include "tests/unit/unit.h"

#define GERMAN  ((query_languages)1 << TEXT_LANGUAGE_GERMAN)
#define SWEDISH ((query_languages)1 << TEXT_LANGUAGE_SWEDISH)
#define FRENCH  ((query_languages)1 << TEXT_LANGUAGE_FRENCH)

static struct text_analyzer *analyzer;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    analyzer = text_analyzer_new();
    return analyzer == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    text_analyzer_free(analyzer);
    arena_release(&arena);
    return 0;
}

static struct query_node *parse(const char *typed, query_languages languages)
{
    struct query query;
    struct text_slice text = {typed, strlen(typed)};
    assert_int_equal(query_parse(analyzer, text, languages, &arena, &query, NULL), STATUS_OK);
    return query.root;
}

/* Words of one language, and how many of a corpus's documents have them. */
struct known {
    const char *word;
    uint64_t documents;
};

static bool is_stem_of(const struct query_term *term, const char *word, enum text_language language)
{
    struct text_token token;
    text_analyzer_begin(analyzer, (struct text_slice){word, strlen(word)}, language);
    assert_true(text_analyzer_next(analyzer, &token));
    return token.term_size == term->size && memcmp(token.term, term->bytes, term->size) == 0;
}

static void look_up(const struct query_term *terms, size_t count, const struct known *known,
                    enum text_language language, uint64_t *ret_frequencies)
{
    memset(ret_frequencies, 0, count * sizeof(*ret_frequencies));
    for (size_t i = 0; i < count; i++) {
        for (const struct known *one = known; one != NULL && one->word != NULL; one++) {
            if (is_stem_of(&terms[i], one->word, language))
                ret_frequencies[i] = one->documents;
        }
    }
}

static struct compounds *find_in(const struct query_node *root, query_languages languages,
                                 uint64_t pages, const struct known *known,
                                 enum text_language language)
{
    struct compounds *compounds;
    struct query_term terms[QUERY_TERMS_MAX];
    uint64_t frequencies[QUERY_TERMS_MAX];
    const struct compound_corpus corpus = {languages, pages, frequencies};
    look_up(terms, query_collect_terms(root, terms), known, language, frequencies);
    assert_int_equal(compounds_find(analyzer, root, &corpus, &arena, &compounds, NULL), STATUS_OK);
    assert_true(compounds->term_count <= COMPOUND_TERMS_MAX);
    assert_int_equal(compounds->term_count, 2 * compounds->reading_count);
    return compounds;
}

/* Where the words themselves are unknown. */
static struct compounds *find(const struct query_node *root, query_languages languages)
{
    return find_in(root, languages, 1000, NULL, TEXT_LANGUAGE_GERMAN);
}

static size_t choose(const struct compounds *compounds, const struct known *known,
                     enum text_language language, struct compound_split *ret_splits)
{
    uint64_t frequencies[COMPOUND_TERMS_MAX];
    look_up(compounds->terms, compounds->term_count, known, language, frequencies);
    return compounds_choose(compounds, frequencies, ret_splits);
}

/* Where a single German word is cut; 0: it stays whole. */
static uint32_t cut(const char *word, const struct known *known)
{
    struct compound_split splits[QUERY_WORDS_MAX];
    const struct compounds *compounds =
        find_in(parse(word, GERMAN), GERMAN, 1000, known, TEXT_LANGUAGE_GERMAN);
    size_t count = choose(compounds, known, TEXT_LANGUAGE_GERMAN, splits);
    assert_true(count <= 1);
    return count == 0 ? 0 : splits[0].at;
}

static void a_word_is_cut_into_two_known_ones(void **state)
{
    (void)state;
    const struct known known[] = {{"gletscher", 5}, {"abfluss", 3}, {NULL, 0}};
    assert_int_equal(cut("Gletscherabfluss", known), strlen("gletscher"));
    assert_int_equal(cut("Gletscherabfluß", known), strlen("gletscher"));
    assert_int_equal(cut("Gletscherkunde", known), 0);
    assert_int_equal(cut("Gletscher'abfluss", known), 0);
    assert_int_equal(cut("Gletscher", known), 0);
}

static void letters_that_only_join_belong_to_the_first_part(void **state)
{
    (void)state;
    const struct known known[] = {{"Verwaltung", 5}, {"Organ", 3}, {"Sonne", 2}, {"Schein", 2},
                                  {"Bücher", 2},     {"Regal", 2}, {NULL, 0}};
    assert_int_equal(cut("Verwaltungsorgane", known), strlen("verwaltungs"));
    assert_int_equal(cut("Sonnenschein", known), strlen("sonnen"));
    assert_int_equal(cut("Bücherregal", known), strlen("bücher"));
}

static void a_word_that_is_commoner_than_its_parts_stays_whole(void **state)
{
    (void)state;
    struct known known[] = {{"Bundestag", 10}, {"Bundes", 9}, {"Tag", 12}, {"Amts", 1}, {NULL, 0}};
    const struct known rarer[] = {{"Bahnhof", 5}, {"bahnen", 4}, {"Höfe", 6}, {NULL, 0}};
    assert_int_equal(cut("Bundestag", known), 0); /* "tag" is too short, too */
    assert_int_equal(cut("Bahnhöfe", rarer), 0);
    struct known harbour[] = {
        {"Hafenviertel", 8}, {"Hafen", 4}, {"Viertel", 16}, {NULL, 0}}; /* just as common */
    assert_int_equal(cut("Hafenviertel", harbour), 0);
    harbour[1].documents = 5;
    assert_int_equal(cut("Hafenviertel", harbour), strlen("hafen"));
}

static void the_commonest_reading_is_chosen(void **state)
{
    (void)state;
    const struct known known[] = {
        {"Stau", 1}, {"Becken", 20}, {"Staub", 30}, {"Ecken", 100}, {NULL, 0}};
    assert_int_equal(cut("Staubecken", known), strlen("staub"));
}

static void a_part_has_four_characters(void **state)
{
    (void)state;
    const struct known known[] = {{"Öl", 9},  {"Ofen", 9},  {"Tür", 9}, {"Rahmen", 9},
                                  {"Süd", 9}, {"Osten", 9}, {"Bär", 9}, {NULL, 0}};
    assert_int_equal(cut("Türrahmen", known), 0);
    assert_int_equal(cut("Südosten", known), 0);
    assert_int_equal(find(parse("Südpole", GERMAN), GERMAN)->term_count, 0);
    assert_true(find(parse("Südpolen", GERMAN), GERMAN)->term_count > 0);
}

static void only_single_words_of_joining_languages_are_asked_about(void **state)
{
    (void)state;
    static const char *const whole[] = {"\"Gletscherabfluss Europa\"",
                                        "apple -Gletscherabfluss",
                                        "gletscher_abfluss",
                                        "x OR (site:a.b Gletscherabfluss)",
                                        "Gletscherab*",
                                        "123456789",
                                        "Дождевальный",
                                        "site:gletscherabfluss.de",
                                        "short"};
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        assert_int_equal(find(parse(whole[i], GERMAN), GERMAN)->term_count, 0);
    assert_int_equal(find(parse("Gletscherabfluss", FRENCH), FRENCH)->term_count, 0);
    assert_int_equal(find(parse("constitutional", 0), 0)->term_count, 0);
    assert_int_equal(find(NULL, GERMAN)->term_count, 0);
    assert_true(find(parse("title:Gletscherabfluss OR x", GERMAN), GERMAN)->term_count > 0);
}

static void a_word_of_more_pages_than_the_languages_have_is_not_asked_about(void **state)
{
    (void)state;
    const struct query_node *root = parse("Gletscherabfluss", GERMAN);
    const struct known known[] = {{"Gletscherabfluss", 20}, {NULL, 0}};
    const enum text_language german = TEXT_LANGUAGE_GERMAN;
    assert_int_equal(find_in(root, GERMAN, 20, known, german)->term_count, 0);
    assert_true(find_in(root, GERMAN, 21, known, german)->term_count > 0);
    assert_int_equal(find_in(root, GERMAN, 0, NULL, german)->term_count, 0);
}

static void pages_are_those_of_the_joining_language_with_most(void **state)
{
    (void)state;
    struct query_term tags[QUERY_LANGUAGE_TERMS_MAX];
    uint64_t frequencies[QUERY_LANGUAGE_TERMS_MAX] = {0};
    size_t count = query_language_terms(tags);
    assert_int_equal(compounds_pages(frequencies, 0), 0);
    for (size_t i = 0; i < count; i++) {
        const char *tag = (const char *)tags[i].bytes + 1;
        frequencies[i] = memcmp(tag, "fr", 2) == 0   ? 99
                         : memcmp(tag, "de", 2) == 0 ? 7
                         : memcmp(tag, "nb", 2) == 0 ? 5
                         : memcmp(tag, "no", 2) == 0 ? 4
                                                     : 0;
    }
    assert_int_equal(compounds_pages(frequencies, 108), 9);
    assert_int_equal(compounds_pages(frequencies, 9 * COMPOUND_PAGES_PART), 9);
    assert_int_equal(compounds_pages(frequencies, 10 * COMPOUND_PAGES_PART), 0);
}

static void each_language_has_its_own_stems(void **state)
{
    (void)state;
    struct compound_split splits[QUERY_WORDS_MAX];
    const struct known known[] = {{"arbete", 5}, {"givare", 3}, {NULL, 0}};
    struct query_node *root = parse("arbetsgivare", GERMAN | SWEDISH);
    const struct compounds *compounds = find(root, GERMAN | SWEDISH);
    assert_int_equal(choose(compounds, known, TEXT_LANGUAGE_SWEDISH, splits), 1);
    assert_int_equal(splits[0].language, TEXT_LANGUAGE_SWEDISH);
    assert_int_equal(splits[0].at, strlen("arbets"));
    assert_int_equal(choose(find(root, SWEDISH), known, TEXT_LANGUAGE_GERMAN, splits), 0);
}

static void parts_stand_behind_the_words_of_the_query(void **state)
{
    (void)state;
    struct compound_split splits[QUERY_WORDS_MAX];
    const struct known known[] = {{"gletscher", 5}, {"abfluss", 3}, {NULL, 0}};
    struct query_node *root =
        parse("title:Gletscherabfluss -\"von allem\" \"in Europa\" Eiszeit", GERMAN);
    size_t count = choose(find(root, GERMAN), known, TEXT_LANGUAGE_GERMAN, splits);
    assert_int_equal(count, 1);
    assert_int_equal(splits[0].word, 0);
    struct query_node *relaxed = compounds_relax(analyzer, root, splits, count, &arena);
    assert_int_equal(query_check(relaxed, NULL), STATUS_OK);
    const struct query_node *any = relaxed->children[1];
    assert_int_equal(any->child_count, 5);
    for (uint32_t i = 3; i < 5; i++) {
        assert_int_equal(any->children[i]->kind, QUERY_TERM);
        assert_int_equal(any->children[i]->fields, 1u << FIELD_TITLE);
    }
    assert_true(
        is_stem_of(&any->children[3]->words[0].alternatives[0], "gletscher", splits[0].language));
    assert_true(
        is_stem_of(&any->children[4]->words[0].alternatives[0], "abfluss", splits[0].language));
    struct query_term terms[QUERY_TERMS_MAX], terms_relaxed[QUERY_TERMS_MAX];
    size_t term_count = query_collect_terms(root, terms);
    assert_int_equal(query_collect_terms(relaxed, terms_relaxed), term_count + 2);
    for (size_t i = 0; i < term_count; i++)
        assert_ptr_equal(terms[i].bytes, terms_relaxed[i].bytes);
}

static void one_word_alone_is_asked_for_with_its_parts(void **state)
{
    (void)state;
    struct compound_split split = {0, 9, TEXT_LANGUAGE_GERMAN};
    struct query_node *root = parse("Gletscherabfluss", GERMAN);
    struct query_node *relaxed = compounds_relax(analyzer, root, &split, 1, &arena);
    assert_int_equal(relaxed->kind, QUERY_OR);
    assert_int_equal(relaxed->child_count, 3);
    assert_ptr_equal(compounds_relax(analyzer, root, NULL, 0, &arena), root);
    assert_null(compounds_relax(analyzer, NULL, &split, 1, &arena));
}

static void hyphenated_words_are_cut_one_by_one(void **state)
{
    (void)state;
    struct compound_split splits[QUERY_WORDS_MAX];
    const struct known known[] = {{"pokal", 5}, {"finale", 3}, {"gletscher", 5}, {NULL, 0}};
    struct query_node *root = parse("Eis UEFA-Pokalfinale-Gletscherpokal", GERMAN);
    size_t count = choose(find(root, GERMAN), known, TEXT_LANGUAGE_GERMAN, splits);
    assert_int_equal(count, 2);
    assert_int_equal(splits[0].word, 2);
    assert_int_equal(splits[0].at, strlen("pokal"));
    assert_int_equal(splits[1].word, 3);
    struct query_node *relaxed = compounds_relax(analyzer, root, splits, count, &arena);
    assert_int_equal(query_check(relaxed, NULL), STATUS_OK);
    assert_int_equal(relaxed->child_count, 4 + 4);
    assert_true(is_stem_of(&relaxed->children[6]->words[0].alternatives[0], "gletscher",
                           TEXT_LANGUAGE_GERMAN));
}

static void splits_of_another_query_are_left_out(void **state)
{
    (void)state;
    const struct compound_split strange[] = {
        {1, 9, TEXT_LANGUAGE_GERMAN},    {0, 0, TEXT_LANGUAGE_GERMAN},
        {0, 11, TEXT_LANGUAGE_GERMAN},   {0, 255, TEXT_LANGUAGE_GERMAN},
        {0, 4, (enum text_language)200}, {0, 4, TEXT_LANGUAGE_UNKNOWN},
        {0, 5, TEXT_LANGUAGE_GERMAN}, /* within "ü" */
    };
    struct query_node *root = parse("Flugübung", GERMAN);
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
        assert_ptr_equal(compounds_relax(analyzer, root, &strange[i], 1, &arena), root);
}

static void parts_take_no_more_room_than_there_is(void **state)
{
    (void)state;
    struct compound_split splits[QUERY_WORDS_MAX];
    char typed[QUERY_BYTES_MAX] = "";
    for (unsigned i = 0; i < QUERY_WORDS_MAX - 3; i++)
        strcat(typed, "Gletscherabfluss ");
    struct query_node *root = parse(typed, GERMAN);
    const struct compounds *compounds = find(root, GERMAN);
    assert_true(compounds->term_count > COMPOUND_TERMS_MAX / 2);
    for (uint32_t i = 0; i < QUERY_WORDS_MAX; i++)
        splits[i] = (struct compound_split){i, 9, TEXT_LANGUAGE_GERMAN};
    struct query_node *relaxed = compounds_relax(analyzer, root, splits, QUERY_WORDS_MAX, &arena);
    assert_int_equal(query_check(relaxed, NULL), STATUS_OK);
    assert_int_equal(relaxed->child_count, QUERY_WORDS_MAX - 3 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_cut_into_two_known_ones),
        cmocka_unit_test(letters_that_only_join_belong_to_the_first_part),
        cmocka_unit_test(a_word_that_is_commoner_than_its_parts_stays_whole),
        cmocka_unit_test(the_commonest_reading_is_chosen),
        cmocka_unit_test(a_part_has_four_characters),
        cmocka_unit_test(only_single_words_of_joining_languages_are_asked_about),
        cmocka_unit_test(a_word_of_more_pages_than_the_languages_have_is_not_asked_about),
        cmocka_unit_test(pages_are_those_of_the_joining_language_with_most),
        cmocka_unit_test(each_language_has_its_own_stems),
        cmocka_unit_test(parts_stand_behind_the_words_of_the_query),
        cmocka_unit_test(one_word_alone_is_asked_for_with_its_parts),
        cmocka_unit_test(hyphenated_words_are_cut_one_by_one),
        cmocka_unit_test(splits_of_another_query_are_left_out),
        cmocka_unit_test(parts_take_no_more_room_than_there_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
