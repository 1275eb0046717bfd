#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/own_folder.h"

static void a_program_knows_its_folder(void **state)
{
    (void)state;
    char folder[PATH_MAX], path[PATH_MAX + 32], self[PATH_MAX];
    assert_int_equal(own_folder(folder, NULL), STATUS_OK);
    snprintf(path, sizeof(path), "%s/own_folder_test", folder);
    assert_non_null(realpath("/proc/self/exe", self));
    assert_string_equal(path, self);
}

static void the_first_folder_that_holds_the_file_is_found(void **state)
{
    (void)state;
    static const char *const folders[] = {"no-such-folder", ".", "../base"};
    char own[PATH_MAX], found[PATH_MAX] = "";
    assert_int_equal(own_folder(own, NULL), STATUS_OK);
    assert_int_equal(own_folder_find(folders, ARRAY_COUNT(folders), "own_folder_test", found, NULL),
                     STATUS_OK);
    assert_string_equal(found, own);
}

static void what_is_nowhere_is_told_with_the_places(void **state)
{
    (void)state;
    static const char *const folders[] = {"one", "two", "three"};
    char found[PATH_MAX] = "untouched";
    struct error err;
    assert_int_equal(own_folder_find(folders, ARRAY_COUNT(folders), "nothing", found, &err),
                     STATUS_NOT_FOUND);
    assert_string_equal(found, "untouched");
    assert_non_null(strstr(err.text, "there is no nothing in "));
    assert_non_null(strstr(err.text, "/one or "));
    assert_non_null(strstr(err.text, "/three"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_knows_its_folder),
        cmocka_unit_test(the_first_folder_that_holds_the_file_is_found),
        cmocka_unit_test(what_is_nowhere_is_told_with_the_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
