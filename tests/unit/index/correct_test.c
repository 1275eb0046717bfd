/* Corrections, against the distance of every word to every other. */
#include "index/correct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/index/fixture.h"

#define WORDS 4000
#define SIZE  24

static char words[WORDS][SIZE];
static uint64_t documents[WORDS]; /* that have each word */
static uint32_t word_count;

static void put(const char *url, const char *site, const char *title, const char *text,
                bool is_private)
{
    struct index_change change = {.kind = INDEX_PUT_DOCUMENT,
                                  .document = {.url = slice(url),
                                               .site = slice(site),
                                               .title = slice(title),
                                               .text = slice(text),
                                               .language = slice("ja"), /* none is guessed */
                                               .is_private = is_private}};
    apply(&change, 1);
}

/* ---- the oracle ---- */

static uint32_t decode(const char *text, uint32_t *ret)
{
    uint32_t count = 0;
    for (size_t at = 0, size = strlen(text); at < size;)
        at += text_decode(text + at, size - at, &ret[count++]);
    return count;
}

/* Characters inserted, left out, replaced or swapped; no swapped pair is changed again. */
static unsigned distance(const char *a_text, const char *b_text)
{
    uint32_t a[SIZE], b[SIZE];
    static unsigned table[SIZE + 1][SIZE + 1];
    uint32_t n = decode(a_text, a), m = decode(b_text, b);
    for (uint32_t i = 0; i <= n; i++) {
        for (uint32_t j = 0; j <= m; j++) {
            unsigned least = i == 0 ? j : j == 0 ? i : UINT32_MAX;
            if (i > 0 && j > 0) {
                least = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
                least = table[i - 1][j] + 1 < least ? table[i - 1][j] + 1 : least;
                least = table[i][j - 1] + 1 < least ? table[i][j - 1] + 1 : least;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                table[i - 2][j - 2] + 1 < least)
                least = table[i - 2][j - 2] + 1;
            table[i][j] = least;
        }
    }
    return table[n][m];
}

static bool is_candidate(const char *word, const char *other)
{
    uint32_t a[SIZE], b[SIZE];
    uint32_t size = decode(word, a);
    decode(other, b);
    /* Letters behind the Latin ones are not typed by mistake. */
    if (strstr(word, "ж") == NULL && strstr(other, "ж") != NULL)
        return false;
    unsigned allowed = size < 3 ? 0 : size < 6 || a[0] != b[0] ? 1 : 2;
    unsigned away = distance(word, other);
    return away > 0 && away <= allowed;
}

struct expected {
    const char *word;
    uint64_t likelihood;
};

static int compare_expected(const void *a_pointer, const void *b_pointer)
{
    const struct expected *a = a_pointer;
    const struct expected *b = b_pointer;
    if (a->likelihood != b->likelihood)
        return a->likelihood > b->likelihood ? -1 : 1;
    return strcmp(a->word, b->word);
}

static uint32_t expect(const char *word, struct expected *ret)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < word_count; i++) {
        if (!is_candidate(word, words[i]))
            continue;
        struct correction_candidate candidate = {.term = slice(words[i]),
                                                 .documents = documents[i],
                                                 .distance = distance(word, words[i])};
        ret[count++] = (struct expected){words[i], correction_likelihood(slice(word), &candidate)};
    }
    qsort(ret, count, sizeof(*ret), compare_expected);
    return count < CORRECT_CANDIDATES_MAX ? count : CORRECT_CANDIDATES_MAX;
}

/* ---- the tests ---- */

static struct correction correct(const char *word, bool include_private)
{
    struct correction correction;
    struct text_slice asked = slice(word);
    assert_int_equal(index_correct(tested, analyzer, &asked, 1, include_private, NULL, &arena,
                                   &correction, NULL),
                     STATUS_OK);
    return correction;
}

static void expect_corrections(const char *word)
{
    static struct expected expected[WORDS];
    uint32_t count = expect(word, expected);
    struct correction correction = correct(word, false);
    assert_int_equal(correction.candidate_count, count);
    for (uint32_t i = 0; i < count; i++) {
        struct correction_candidate *candidate = &correction.candidates[i];
        assert_int_equal(candidate->term.size, strlen(expected[i].word));
        assert_memory_equal(candidate->term.bytes, expected[i].word, candidate->term.size);
        assert_int_equal(correction_likelihood(slice(word), candidate), expected[i].likelihood);
    }
    arena_reset(&arena);
}

static void make_word(char *ret)
{
    static const char *const letters[] = {"a", "b", "c", "d", "é", "ж", "n", "o"};
    ret[0] = '\0';
    /* A script of its own, or the letters of two. */
    bool is_mixed = random_below(3) == 0;
    for (uint32_t size = 2 + random_below(7), i = 0; i < size; i++)
        strcat(ret, is_mixed ? letters[4 + random_below(2)] : letters[random_below(4)]);
}

static void add_word(const char *word)
{
    for (uint32_t i = 0; i < word_count; i++) {
        if (strcmp(words[i], word) == 0)
            return;
    }
    strcpy(words[word_count++], word);
}

/* Fills the index with documents of the words, in several segments. */
static void fill(void)
{
    char word[SIZE], url[64];
    static char text[1 << 16];
    for (uint32_t i = 0; i < WORDS; i++) {
        make_word(word);
        /* Terms are folded: é is e. */
        char *marked;
        while ((marked = strstr(word, "é")) != NULL)
            memcpy(marked, "ww", 2);
        add_word(word);
    }
    for (uint32_t d = 0; d < 12; d++) {
        text[0] = '\0';
        size_t used = 0;
        for (uint32_t i = 0; i < word_count; i++) {
            if (d > 0 && random_below(1 + i % 5) > 0)
                continue;
            documents[i]++;
            used += (size_t)sprintf(text + used, "%s ", words[i]);
        }
        snprintf(url, sizeof(url), "http://e.org/%u", d);
        put(url, "e.org", "", text, false);
        if (d % 4 == 3)
            assert_int_equal(index_flush(tested, NULL), STATUS_OK);
    }
}

static void corrections_are_the_likeliest_words_near(void **state)
{
    (void)state;
    char word[SIZE];
    fill();
    for (int round = 0; round < 400; round++) {
        if (random_below(2) == 0)
            strcpy(word, words[random_below(word_count)]);
        else
            make_word(word);
        char *marked;
        while ((marked = strstr(word, "é")) != NULL)
            memcpy(marked, "ww", 2);
        expect_corrections(word);
    }
    assert_int_equal(index_merge_down(tested, 1, NULL), STATUS_OK);
    for (uint32_t i = 0; i < word_count; i += 37)
        expect_corrections(words[i]);
}

static bool proposes(const struct correction *correction, const char *word)
{
    for (size_t i = 0; i < correction->candidate_count; i++) {
        if (correction->candidates[i].text.size == strlen(word) &&
            memcmp(correction->candidates[i].text.bytes, word, strlen(word)) == 0)
            return true;
    }
    return false;
}

static void a_word_of_hidden_pages_is_proposed_to_admins_alone(void **state)
{
    (void)state;
    put("http://e.org/1", "e.org", "", "falcons fly", false);
    put("http://10.0.0.1/2", "10.0.0.1", "", "the falcon project is secretive", true);
    struct correction stranger = correct("secretivf", false);
    struct correction admin = correct("secretivf", true);
    assert_false(proposes(&stranger, "secretive"));
    assert_true(proposes(&admin, "secretive"));
    stranger = correct("secretive", false);
    assert_int_equal(stranger.documents, 0);
    admin = correct("secretive", true);
    assert_int_equal(admin.documents, 1);
}

static void words_of_hidden_pages_take_the_place_of_no_others(void **state)
{
    (void)state;
    char text[256] = "";
    for (char letter = 'a'; letter <= 'z'; letter++) {
        if (letter != 'n')
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "falco%c ", letter);
    }
    put("http://10.0.0.1/1", "10.0.0.1", "", text, true);
    put("http://10.0.0.1/2", "10.0.0.1", "", text, true);
    put("http://e.org/1", "e.org", "", "falkon", false);
    for (unsigned round = 0; round < 2; round++) {
        struct correction correction = correct("falcon", false);
        assert_int_equal(correction.candidate_count, 1);
        assert_memory_equal(correction.candidates[0].term.bytes, "falkon", 6);
        assert_int_equal(correct("falcon", true).candidate_count, CORRECT_CANDIDATES_MAX);
        assert_int_equal(index_flush(tested, NULL), STATUS_OK);
        assert_int_equal(index_merge_down(tested, 1, NULL), STATUS_OK);
    }
}

static void a_word_of_removed_pages_is_not_proposed(void **state)
{
    (void)state;
    put("http://e.org/1", "e.org", "", "confidential", false);
    struct correction before = correct("confidentail", false);
    assert_true(proposes(&before, "confidential"));
    struct index_change removal = {.kind = INDEX_REMOVE_URL, .url = slice("http://e.org/1")};
    apply(&removal, 1);
    struct correction after = correct("confidentail", false);
    assert_int_equal(after.candidate_count, 0);
}

static void a_correction_has_the_diacritics_of_titles(void **state)
{
    (void)state;
    put("http://e.org/1", "e.org", "Zürich im Winter", "Zurich", false);
    struct correction correction = correct("zurcih", false);
    assert_int_equal(correction.candidate_count, 1);
    assert_true(proposes(&correction, "zürich"));
}

static void numbers_and_very_long_words_are_left_alone(void **state)
{
    (void)state;
    put("http://e.org/1", "e.org", "", "version 20190 ab abcdefghijklmnopqrstuvwxyzabcdefghijklm",
        false);
    assert_int_equal(correct("20191", false).candidate_count, 0);
    assert_int_equal(correct("version1", false).candidate_count, 0);
    assert_int_equal(correct("ac", false).candidate_count, 0);
    assert_int_equal(correct("", false).candidate_count, 0);
    assert_int_equal(correct("abcdefghijklmnopqrstuvwxyzabcdefghijkl", false).candidate_count, 0);
    struct text_slice many[CORRECT_WORDS_MAX + 1] = {{0}};
    struct correction corrections[CORRECT_WORDS_MAX + 1];
    assert_int_equal(index_correct(tested, analyzer, many, CORRECT_WORDS_MAX + 1, false, NULL,
                                   &arena, corrections, NULL),
                     STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(corrections_are_the_likeliest_words_near),
        TEST(a_word_of_hidden_pages_is_proposed_to_admins_alone),
        TEST(words_of_hidden_pages_take_the_place_of_no_others),
        TEST(a_word_of_removed_pages_is_not_proposed),
        TEST(a_correction_has_the_diacritics_of_titles),
        TEST(numbers_and_very_long_words_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
