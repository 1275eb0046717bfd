#include "tests/unit/unit.h"

#include <string.h>

#include "cli/command_table.h"

enum { WORDS_MAX = 16 };

/* The words of a line, which are apart by single blanks; `text` holds their bytes. */
static int split(const char *line, char *text, char **ret_words)
{
    int count = 0;
    strcpy(text, line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        ret_words[count++] = word;
    ret_words[count] = NULL;
    return count;
}

static void assert_separated(const char *line, const char *expected)
{
    char text[256];
    char joined[256] = "";
    char *words[WORDS_MAX + 1];
    char *separated[WORDS_MAX + 2];
    int count = command_table_separate(split(line, text, words), words, separated);
    for (int i = 0; i < count; i++) {
        strcat(joined, i == 0 ? "" : " ");
        strcat(joined, separated[i]);
    }
    assert_string_equal(joined, expected);
    assert_null(separated[count]);
}

static int found_in(const char *line)
{
    char text[256];
    char *words[WORDS_MAX + 1];
    int count = split(line, text, words);
    return command_table_find(count, words);
}

static void an_excluded_word_is_no_option(void **state)
{
    (void)state;
    assert_separated("tierce search red -green", "tierce -- search red -green");
}

static void options_come_first_with_their_values(void **state)
{
    (void)state;
    assert_separated("tierce search panda --size 20 -zoo --json --page=2",
                     "tierce --size 20 --json --page=2 -- search panda -zoo");
}

static void all_behind_two_dashes_are_words(void **state)
{
    (void)state;
    assert_separated("tierce search --json -- --size 20", "tierce --json -- search --size 20");
}

static void a_flag_takes_no_value(void **state)
{
    (void)state;
    assert_separated("tierce remove --site example.org", "tierce --site -- remove example.org");
}

static void a_last_option_without_its_value_stays_an_option(void **state)
{
    (void)state;
    assert_separated("tierce search x --size", "tierce --size -- search x");
}

static void the_command_is_found_behind_options_and_their_values(void **state)
{
    (void)state;
    assert_int_equal(found_in("tierce --data status --json crawl x"), 4);
    assert_int_equal(found_in("tierce --data=status crawl"), 2);
}

static void where_no_command_is_named_the_end_is_found(void **state)
{
    (void)state;
    assert_int_equal(found_in("tierce --json"), 2);
    assert_int_equal(found_in("tierce --data"), 2); /* its value is missing: not beyond the end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_excluded_word_is_no_option),
        cmocka_unit_test(options_come_first_with_their_values),
        cmocka_unit_test(all_behind_two_dashes_are_words),
        cmocka_unit_test(a_flag_takes_no_value),
        cmocka_unit_test(a_last_option_without_its_value_stays_an_option),
        cmocka_unit_test(the_command_is_found_behind_options_and_their_values),
        cmocka_unit_test(where_no_command_is_named_the_end_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
