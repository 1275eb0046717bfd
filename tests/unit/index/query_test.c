#include <stdlib.h>
#include <string.h>

#include "index/dates.h"
#include "index/query_languages.h"
#include "tests/unit/index/fixture.h"

/* From memory of exactly its size. */
static struct query parse_bytes(const char *text, size_t size, uint64_t languages)
{
    struct query query;
    struct error err;
    char *exact = malloc(size + (size == 0));
    memcpy(exact, text, size);
    assert_int_equal(
        query_parse(analyzer, (struct text_slice){exact, size}, languages, &arena, &query, &err),
        STATUS_OK);
    memset(exact, 'x', size); /* nothing of the result may point here */
    free(exact);
    assert_int_equal(query_check(query.root, &err), STATUS_OK);
    assert_non_null(query.read_as);
    return query;
}

static struct query parse(const char *text)
{
    return parse_bytes(text, strlen(text), 0);
}

static void expect(const char *text, const char *read_as, uint32_t notes)
{
    struct query query = parse(text);
    assert_string_equal(query.read_as, read_as);
    assert_int_equal(query.note_count, notes);
}

static void words_stand_side_by_side(void **state)
{
    (void)state;
    expect("apple  Banana", "apple banana", 0);
    assert_int_equal(parse("apple banana").root->kind, QUERY_AND);
    assert_int_equal(parse("apple").root->kind, QUERY_TERM);
    expect("apple AND banana && cherry", "apple banana cherry", 0);
    expect("+apple!", "apple", 0);
}

static void nothing_is_looked_for_in_nothing(void **state)
{
    (void)state;
    expect("", "", 0);
    expect("  \t ", "", 0);
    expect("!!! ... -", "", 0);
    expect("()", "", 0);
    expect("\"\"", "", 0);
    assert_null(parse("").root);
    assert_int_equal(query_check(NULL, NULL), STATUS_OK);
}

static void or_binds_closer_than_standing_side_by_side(void **state)
{
    (void)state;
    expect("hotel london OR paris", "hotel (london OR paris)", 0);
    expect("a | b || c", "a OR b OR c", 0);
    expect("OR a OR", "a", 0);
    expect("a OR OR b", "a OR b", 0);
    expect("(a b) OR (c d)", "(a b) OR (c d)", 0);
}

static void exclusions_are_taken_out(void **state)
{
    (void)state;
    expect("apple -pie", "apple -pie", 0);
    expect("apple NOT pie", "apple -pie", 0);
    expect("apple -(pie OR tart)", "apple -(pie OR tart)", 0);
    expect("apple -\"apple pie\"", "apple -\"apple pie\"", 0);
    expect("well-known - dash --help", "well-known dash help", 0);
    expect("-well-known apple", "-well-known apple", 0);
    expect("-pie", "", 1);
    expect("a (-b)", "a", 1);
    expect("a OR -b", "a", 1);
}

static void phrases_keep_their_order(void **state)
{
    (void)state;
    struct query query = parse("\"to be or not\"");
    assert_int_equal(query.root->kind, QUERY_PHRASE);
    assert_int_equal(query.root->word_count, 4);
    assert_int_equal(query.root->words[3].offset, 3);
    expect("“curly quotes”", "\"curly quotes\"", 0);
    expect("\"one\"", "one", 0);
    expect("\"not closed", "\"not closed\"", 1);
    expect("std::vector", "\"std vector\"", 0);
    expect("a\"b c\"d", "a \"b c\" d", 0);
}

static void hyphenated_words_keep_their_hyphens(void **state)
{
    (void)state;
    struct query query = parse("Amazonas-Regenwald");
    assert_string_equal(query.read_as, "amazonas-regenwald");
    assert_int_equal(query.root->kind, QUERY_PHRASE);
    assert_true(query.root->is_hyphenated);
    expect("title:Well\xe2\x80\x91Known a\xe2\x80\x90z", "title:well-known a-z", 0);
    expect("\"well-known\"", "\"well known\"", 0);
    expect("a-b_c a--b well-", "\"a b c\" \"a b\" well", 0);
    assert_false(parse("\"well-known\"").root->is_hyphenated);
    assert_false(parse("max_connections").root->is_hyphenated);
}

static void a_hyphen_behind_a_quotation_mark_excludes_nothing(void **state)
{
    (void)state;
    expect("\"Model C\"-Schulen", "\"model c\" schulen", 0);
    expect("„Model C“-Schulen", "\"model c\" schulen", 0);
    expect("(red OR white)-wine", "(red OR white) wine", 0);
    expect("\"Model C\" -Schulen (a -b)", "\"model c\" -schulen (a -b)", 0);
}

static void prefixes_choose_fields(void **state)
{
    (void)state;
    expect("title:apple INTITLE:pie", "title:apple title:pie", 0);
    expect("title:\"apple pie\" url:docs", "title:\"apple pie\" url:docs", 0);
    expect("title:(a OR b)", "title:a OR title:b", 0);
    assert_int_equal(parse("title:apple").root->fields, 1u << FIELD_TITLE);
    assert_int_equal(parse("apple").root->fields, FIELD_MASK_ALL);
    expect("title: apple", "title apple", 0);
    expect("foo:bar", "\"foo bar\"", 0);
    expect("link:a.b apple", "apple", 1);
    expect("-title:apple pie", "-title:apple pie", 0);
}

static void sites_are_hosts(void **state)
{
    (void)state;
    expect("apple site:Example.COM", "apple site:example.com", 0);
    expect("site:https://example.com/path apple", "site:example.com apple", 0);
    expect("site:*.example.com", "site:example.com", 0);
    expect("site:localhost:8080", "site:localhost:8080", 0);
    expect("apple site:bücher.de", "apple", 1);
    expect("apple -site:example.com", "apple -site:example.com", 0);
    assert_int_equal(parse("site:example.com").root->kind, QUERY_SITE);
}

static void languages_and_types_have_one_form(void **state)
{
    (void)state;
    expect("apple lang:DE", "apple lang:de", 0);
    expect("language:pt_BR -lang:en", "lang:pt-br -lang:en", 0);
    expect("apple lang:ä", "apple", 1);
    expect("apple lang:-", "apple", 1);
    expect("filetype:PDF ext:.htm type:text/plain", "type:pdf type:html type:text", 0);
    expect("type:application/xhtml+xml | type:x-tar", "type:html OR type:x-tar", 0);
    expect("apple type:a/b/c", "apple", 1);
    assert_int_equal(parse("lang:de").root->kind, QUERY_LANGUAGE);
    assert_int_equal(parse("type:pdf").root->kind, QUERY_TYPE);
    expect("-lang:de", "", 1);
}

static void dates_are_ranges_of_days(void **state)
{
    (void)state;
    expect("apple after:2024", "apple after:2024-01-01", 0);
    expect("apple after:2024-5 before:2024/07/31", "apple after:2024-05-01 before:2024-07-31", 0);
    expect("before:2024 apple after:2020 before:2023", "after:2020-01-01 before:2023-01-01 apple",
           0);
    expect("a OR (after:2020 before:2021)", "a OR (after:2020-01-01 before:2021-01-01)", 0);
    expect("a -(after:2020 before:2021)", "a -(after:2020-01-01 before:2021-01-01)", 0);
    expect("a -after:2020", "a -after:2020-01-01", 0);
    expect("after:1900 before:9999", "after:1970-01-01", 0);
    expect("a after:soon", "a", 1);
    expect("a before:2023-02-29 before:2023-13 after:24", "a", 1);
    struct query_node *root = parse("after:1970-01-02 before:1970-02").root;
    assert_int_equal(root->kind, QUERY_DATES);
    assert_int_equal(root->day_begin, 1);
    assert_int_equal(root->day_end, 31);
}

static void words_near_each_other(void **state)
{
    (void)state;
    expect("\"red  Wine\"~5", "\"red wine\"~5", 0);
    expect("title:\"a b\"~12 c", "title:\"a b\"~12 c", 0);
    expect("\"a b\"~0", "\"a b\"", 0);
    expect("\"a b\"~ c", "\"a b\" c", 0);
    expect("\"a b\"~1001", "\"a b\"~1000", 1);
    expect("\"a b\"~99999999999999999999c", "\"a b\"~1000 c", 1);
    expect("\"one\"~5", "one", 0);
    assert_int_equal(parse("\"a b\"~7").root->slop, 7);
}

static void beginnings_of_words(void **state)
{
    (void)state;
    expect("Barrel*", "barrel*", 0);
    expect("title:über*", "title:über*", 0);
    expect("-runn** house +walk*", "-runn* house walk*", 0);
    expect("ab* abc*", "ab abc*", 1);
    expect("日本語*", "\"日本語\"", 1);
    expect("well-know* x *", "well-know x", 1);
    expect("\"red barr* wine\"", "\"red barr wine\"", 1);
    expect("*", "", 0);
    expect("one* two* three* four* five*", "one* two* three* four* five", 1);
    struct query_node *root = parse("Running*").root;
    assert_int_equal(root->kind, QUERY_PREFIX);
    assert_int_equal(root->words[0].alternative_count, 1);
    assert_memory_equal(root->words[0].alternatives[0].bytes, "\x02running", 8);
    assert_int_equal(root->words[0].alternatives[0].size, 8);
}

static void parentheses_need_not_match(void **state)
{
    (void)state;
    expect("(a OR b", "a OR b", 1);
    expect("a) b", "a b", 1);
    expect(")))", "", 1);
    expect("((((((((((((a))))))))))))", "a", 2);
}

static void words_have_an_exact_form_and_a_stem(void **state)
{
    (void)state;
    struct query query = parse("Running");
    const struct query_word *word = &query.root->words[0];
    assert_int_equal(word->alternative_count, 2);
    assert_memory_equal(word->alternatives[0].bytes, "running", 7);
    assert_memory_equal(word->alternatives[1].bytes, "run", 3);
}

static void stems_of_the_languages_that_there_are_are_looked_for_too(void **state)
{
    (void)state;
    uint64_t languages = 1u << TEXT_LANGUAGE_GERMAN | 1u << TEXT_LANGUAGE_FRENCH |
                         1u << TEXT_LANGUAGE_ENGLISH | 1u << TEXT_LANGUAGE_RUSSIAN;
    struct query query = parse_bytes("Häuser", strlen("Häuser"), languages);
    const struct query_word *word = &query.root->words[0];
    assert_int_equal(word->alternative_count, 3); /* exact and English, French, German */
    assert_int_equal(word->alternatives[0].size, strlen("hauser"));
    assert_memory_equal(word->alternatives[0].bytes, "hauser", 6);
    assert_int_equal(word->alternatives[2].size, 5);
    assert_int_equal(word->alternatives[2].bytes[0], 0x80 | TEXT_LANGUAGE_GERMAN);
    assert_memory_equal(word->alternatives[2].bytes + 1, "haus", 4);
    assert_int_equal(parse_bytes("книгами", 14, languages).root->words[0].alternative_count, 2);
    assert_int_equal(parse_bytes("日本", 6, languages).root->words[0].alternative_count, 1);
}

static void languages_are_chosen_by_their_pages(void **state)
{
    (void)state;
    struct query_term terms[QUERY_LANGUAGE_TERMS_MAX];
    uint64_t frequencies[QUERY_LANGUAGE_TERMS_MAX] = {0};
    size_t count = query_language_terms(terms);
    assert_int_equal(query_languages_choose(frequencies), 0);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(terms[i].bytes, "\3de", 3) == 0)
            frequencies[i] = 7;
        if (memcmp(terms[i].bytes, "\3nb", 3) == 0 || memcmp(terms[i].bytes, "\3nn", 3) == 0)
            frequencies[i] = 1;
    }
    query_languages expected = 1u << TEXT_LANGUAGE_GERMAN | 1u << TEXT_LANGUAGE_NORWEGIAN;
    assert_int_equal(query_languages_choose(frequencies), expected);
    for (size_t i = 0; i < count; i++)
        frequencies[i] += 2 + i;
    query_languages most = query_languages_choose(frequencies);
    assert_int_equal(__builtin_popcountll(most), QUERY_ALTERNATIVES_MAX - 2);
    assert_true((most & 1u << TEXT_LANGUAGE_NORWEGIAN) != 0);
}

static void scripts_without_spaces_are_phrases_of_pairs(void **state)
{
    (void)state;
    struct query query = parse("日本語");
    assert_int_equal(query.root->kind, QUERY_PHRASE);
    assert_int_equal(query.root->word_count, 2);
    assert_int_equal(parse("日本").root->kind, QUERY_TERM);
    assert_int_equal(parse("日").root->words[0].alternatives[0].size, 3);
    assert_int_equal(parse("日本 語").root->kind, QUERY_AND);
}

static void terms_are_collected_once_and_without_exclusions(void **state)
{
    (void)state;
    struct query query = parse("run running \"run fast\" -walk title:fast site:a.b");
    struct query_term terms[QUERY_TERMS_MAX];
    const struct query_word *words[QUERY_WORDS_MAX];
    assert_int_equal(query_collect_terms(query.root, terms), 3);
    assert_memory_equal(terms[0].bytes, "run", 3);
    assert_memory_equal(terms[1].bytes, "running", 7);
    assert_memory_equal(terms[2].bytes, "fast", 4);
    assert_int_equal(query_collect_words(query.root, words), 5);
    assert_int_equal(query_collect_terms(NULL, terms), 0);
    assert_int_equal(query_collect_words(NULL, words), 0);
}

static void a_relaxed_query_asks_for_any_of_its_words(void **state)
{
    (void)state;
    struct query query = parse("apple \"big pie\" 東京タワーの高さ site:a.b -\"old pear\"");
    struct query_node *relaxed = query_relax(query.root, NULL, 0, &arena);
    assert_int_equal(query_check(relaxed, NULL), STATUS_OK);
    assert_int_equal(relaxed->kind, QUERY_AND); /* with what only filters */
    assert_int_equal(relaxed->child_count, 3);
    assert_int_equal(relaxed->children[0]->kind, QUERY_SITE);
    assert_int_equal(relaxed->children[1]->kind, QUERY_NOT);
    const struct query_node *any = relaxed->children[2];
    assert_int_equal(any->kind, QUERY_OR);
    assert_int_equal(any->children[0]->kind, QUERY_TERM);
    assert_int_equal(any->children[1]->kind, QUERY_PHRASE); /* as in quotes, or a name */
    assert_true(any->child_count > 6);
    for (uint32_t i = 2; i < any->child_count; i++)
        assert_int_equal(any->children[i]->kind, QUERY_TERM); /* text without spaces, by pairs */
    struct query_term terms[QUERY_TERMS_MAX];
    size_t count = query_collect_terms(query.root, terms);
    assert_int_equal(query_collect_terms(relaxed, terms), count);
    assert_int_equal(query_relax(parse("apple").root, NULL, 0, &arena)->kind, QUERY_TERM);
    assert_int_equal(query_relax(parse("site:a.b").root, NULL, 0, &arena)->kind, QUERY_SITE);
    assert_null(query_relax(NULL, NULL, 0, &arena));
}

static void a_relaxed_query_asks_for_hyphenated_words_one_by_one(void **state)
{
    (void)state;
    struct query query = parse("amazonas-regenwald \"big-pie\" -well-known");
    struct query_node *relaxed = query_relax(query.root, NULL, 0, &arena);
    assert_int_equal(relaxed->children[0]->kind, QUERY_NOT);
    assert_int_equal(relaxed->children[0]->children[0]->kind, QUERY_PHRASE);
    const struct query_node *any = relaxed->children[1];
    assert_int_equal(any->child_count, 3);
    assert_memory_equal(any->children[0]->words[0].alternatives[0].bytes, "amazonas", 8);
    assert_memory_equal(any->children[1]->words[0].alternatives[0].bytes, "regenwald", 9);
    assert_int_equal(any->children[2]->kind, QUERY_PHRASE);
    assert_int_equal(query_check(relaxed, NULL), STATUS_OK);
}

static void a_filter_of_one_branch_is_not_lifted_over_the_others(void **state)
{
    (void)state;
    static const char *const same[] = {"(site:a.b red wine) OR beer", "(wine -red) OR beer",
                                       "(site:a.b wine) OR beer OR (pear (lang:de OR apple))"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct query_node *root = parse(same[i]).root;
        assert_int_equal(root->kind, QUERY_OR);
        assert_ptr_equal(query_relax(root, NULL, 0, &arena), root);
    }
    struct query_node *root = parse("site:c.d old ((site:a.b red wine) OR beer)").root;
    struct query_node *relaxed = query_relax(root, NULL, 0, &arena);
    assert_int_equal(relaxed->child_count, 2);
    assert_ptr_equal(relaxed->children[0], root->children[0]);
    assert_int_equal(relaxed->children[1]->kind, QUERY_OR);
    assert_ptr_equal(relaxed->children[1]->children[1], root->children[2]);
}

static void a_query_that_asks_for_no_more_is_not_relaxed(void **state)
{
    (void)state;
    static const char *const same[] = {"apple",      "\"big apple\"", "site:a.b", "apple site:a.b",
                                       "apple -big", "big OR apple",  "appl*",    "日本"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct query_node *root = parse(same[i]).root;
        assert_ptr_equal(query_relax(root, NULL, 0, &arena), root);
    }
    struct query_node *root = parse("(site:a OR site:b) big apple (lang:de OR pear)").root;
    struct query_node *relaxed = query_relax(root, NULL, 0, &arena);
    assert_ptr_equal(relaxed->children[0], root->children[0]);
    assert_int_equal(relaxed->child_count, 2);
    assert_int_equal(relaxed->children[1]->kind, QUERY_OR);
    assert_int_equal(relaxed->children[1]->child_count, 3);
    assert_ptr_equal(relaxed->children[1]->children[2], root->children[3]);
    struct query_term terms[QUERY_TERMS_MAX], terms_relaxed[QUERY_TERMS_MAX];
    size_t count = query_collect_terms(root, terms);
    assert_int_equal(query_collect_terms(relaxed, terms_relaxed), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(terms[i].size, terms_relaxed[i].size);
        assert_memory_equal(terms[i].bytes, terms_relaxed[i].bytes, terms[i].size);
    }
}

static void long_queries_are_cut_with_a_note(void **state)
{
    (void)state;
    char text[8000];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 12 == 11 ? ' ' : (char)('a' + i * i / 7 % 26);
    struct query query = parse_bytes(text, sizeof(text), UINT64_MAX >> (64 - TEXT_LANGUAGE_COUNT));
    assert_int_equal(query.note_count, 2);
    struct query_term terms[QUERY_TERMS_MAX];
    assert_in_range(query_collect_terms(query.root, terms), QUERY_WORDS_MAX, QUERY_TERMS_MAX);
    text[0] = '"';
    assert_int_equal(parse_bytes(text, sizeof(text), 1u << TEXT_LANGUAGE_FRENCH).root->word_count,
                     QUERY_WORDS_MAX);
}

static void what_was_read_reads_the_same_again(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",        "\"b c\"",    " OR ",
                                         " ",        "(",          ")",
                                         "-",        "x*",         "title:",
                                         "NOT ",     "site:",      "e.f",
                                         "日本",     "\"",         "é",
                                         "AND ",     "|",          "url:",
                                         "d-e",      "\xff",       "run",
                                         "~3",       "abc*",       "lang:de",
                                         "type:txt", "after:2024", "before:2023-05",
                                         "\"f g\"~2"};
    for (int round = 0; round < 20000; round++) {
        char text[200];
        size_t size = 0;
        while (size < 120) {
            if (random_below(16) == 0)
                break;
            const char *piece = pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))];
            memcpy(text + size, piece, strlen(piece));
            size += strlen(piece);
        }
        struct query query = parse_bytes(text, size, TEXT_LANGUAGE_UNKNOWN);
        const char *once = query.read_as;
        if (strlen(once) < QUERY_BYTES_MAX)
            assert_string_equal(parse(once).read_as, once);
        arena_reset(&arena);
    }
}

static void trees_from_elsewhere_are_checked(void **state)
{
    (void)state;
    struct query_word word = {.alternatives = {{(const uint8_t *)"a", 1}}, .alternative_count = 1};
    struct query_node term = {.kind = QUERY_TERM, .fields = 1, .words = &word, .word_count = 1};
    struct query_node *terms[] = {&term, &term};
    struct query_node both = {.kind = QUERY_AND, .children = terms, .child_count = 2};
    struct query_node not = {.kind = QUERY_NOT, .children = terms, .child_count = 1};
    struct query_node *only_not[] = {&not };
    struct query_node bad = {.kind = QUERY_AND, .children = only_not, .child_count = 1};
    assert_int_equal(query_check(&both, NULL), STATUS_OK);
    assert_int_equal(query_check(&not, NULL), STATUS_INVALID);
    assert_int_equal(query_check(&bad, NULL), STATUS_INVALID);
    term.fields = 0;
    assert_int_equal(query_check(&both, NULL), STATUS_INVALID);
    term.fields = 1u << FIELD_COUNT;
    assert_int_equal(query_check(&both, NULL), STATUS_INVALID);
    term.fields = 1;
    word.alternatives[0].size = 0;
    assert_int_equal(query_check(&both, NULL), STATUS_INVALID);
    word.alternatives[0].size = TEXT_TERM_MAX + 1;
    assert_int_equal(query_check(&both, NULL), STATUS_INVALID);
    word.alternatives[0].size = 1;
    word.alternative_count = QUERY_ALTERNATIVES_MAX + 1;
    assert_int_equal(query_check(&both, NULL), STATUS_INVALID);
    word.alternative_count = 1;
    terms[1] = &both; /* an endless tree */
    assert_int_equal(query_check(&both, NULL), STATUS_INVALID);
    terms[1] = NULL;
    assert_int_equal(query_check(&both, NULL), STATUS_INVALID);
    terms[1] = &term;
    both.kind = (enum query_kind)99;
    assert_int_equal(query_check(&both, NULL), STATUS_INVALID);
    struct query_node site = {.kind = QUERY_SITE, .text = {"a", 0}};
    assert_int_equal(query_check(&site, NULL), STATUS_INVALID);
    struct query_word words[2] = {word, word};
    struct query_node phrase = {.kind = QUERY_PHRASE, .fields = 1, .words = words, .word_count = 2};
    assert_int_equal(query_check(&phrase, NULL), STATUS_INVALID); /* both at one place */
    words[1].offset = 1;
    assert_int_equal(query_check(&phrase, NULL), STATUS_OK);
    phrase.slop = QUERY_SLOP_MAX + 1;
    assert_int_equal(query_check(&phrase, NULL), STATUS_INVALID);
    struct query_node dates = {.kind = QUERY_DATES, .day_begin = 5, .day_end = 5};
    assert_int_equal(query_check(&dates, NULL), STATUS_OK);
    dates.day_end = DATE_DAY_END + 1;
    assert_int_equal(query_check(&dates, NULL), STATUS_INVALID);
    struct query_node prefix = {.kind = QUERY_PREFIX, .fields = 1, .words = words, .word_count = 1};
    assert_int_equal(query_check(&prefix, NULL), STATUS_INVALID); /* a term without its mark */
    words[0].alternatives[0] = (struct query_term){(const uint8_t *)"\x02", 1};
    assert_int_equal(query_check(&prefix, NULL), STATUS_INVALID); /* any word whatever */
    words[0].alternatives[0] = (struct query_term){(const uint8_t *)"\x02x", 2};
    assert_int_equal(query_check(&prefix, NULL), STATUS_OK);
    prefix.kind = QUERY_TERM;
    assert_int_equal(query_check(&prefix, NULL), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_side_by_side),
        cmocka_unit_test(nothing_is_looked_for_in_nothing),
        cmocka_unit_test(or_binds_closer_than_standing_side_by_side),
        cmocka_unit_test(exclusions_are_taken_out),
        cmocka_unit_test(phrases_keep_their_order),
        cmocka_unit_test(hyphenated_words_keep_their_hyphens),
        cmocka_unit_test(a_hyphen_behind_a_quotation_mark_excludes_nothing),
        cmocka_unit_test(prefixes_choose_fields),
        cmocka_unit_test(sites_are_hosts),
        cmocka_unit_test(languages_and_types_have_one_form),
        cmocka_unit_test(dates_are_ranges_of_days),
        cmocka_unit_test(words_near_each_other),
        cmocka_unit_test(beginnings_of_words),
        cmocka_unit_test(parentheses_need_not_match),
        cmocka_unit_test(words_have_an_exact_form_and_a_stem),
        cmocka_unit_test(stems_of_the_languages_that_there_are_are_looked_for_too),
        cmocka_unit_test(languages_are_chosen_by_their_pages),
        cmocka_unit_test(scripts_without_spaces_are_phrases_of_pairs),
        cmocka_unit_test(terms_are_collected_once_and_without_exclusions),
        cmocka_unit_test(a_relaxed_query_asks_for_any_of_its_words),
        cmocka_unit_test(a_relaxed_query_asks_for_hyphenated_words_one_by_one),
        cmocka_unit_test(a_filter_of_one_branch_is_not_lifted_over_the_others),
        cmocka_unit_test(a_query_that_asks_for_no_more_is_not_relaxed),
        cmocka_unit_test(long_queries_are_cut_with_a_note),
        cmocka_unit_test(what_was_read_reads_the_same_again),
        cmocka_unit_test(trees_from_elsewhere_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up_storage, tear_down);
}
