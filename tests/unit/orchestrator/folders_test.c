/* Where everything is, and that one orchestrator has it. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orchestrator/folders.h"
#include "orchestrator/lock.h"

enum { PATH_BYTES = 256 };

static char root[64];

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tierce-folders-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    (void)state;
    char command[PATH_BYTES];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

/* `root` and a path under it, in memory that the next four calls leave alone. */
static const char *under(const char *path)
{
    static char texts[4][PATH_BYTES];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, PATH_BYTES, "%s/%s", root, path);
    return text;
}

static struct folders_wish all_given(void)
{
    return (struct folders_wish){.config = under("../config.yaml"),
                                 .data = under("data/deep"),
                                 .bin = root,
                                 .proxy = root,
                                 .share = root};
}

static void the_data_folder_is_made_and_others_may_pass_through_it(void **state)
{
    (void)state;
    static struct folders folders;
    struct folders_wish wish = all_given();
    struct error err;
    if (folders_find(&wish, &folders, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_string_equal(folders.data, under("data/deep"));
    struct stat info;
    assert_int_equal(stat(folders.data, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0711);
    assert_string_equal(folders.bin, root);
}

static void the_configuration_need_not_exist_and_its_path_becomes_absolute(void **state)
{
    (void)state;
    static struct folders folders;
    struct folders_wish wish = all_given();
    assert_int_equal(folders_find(&wish, &folders, NULL), STATUS_OK);
    assert_string_equal(folders.config, "/tmp/config.yaml");
    wish.config = NULL;
    char here[PATH_MAX], expected[PATH_MAX + 32];
    assert_non_null(getcwd(here, sizeof(here)));
    snprintf(expected, sizeof(expected), "%s/config.yaml", here);
    assert_int_equal(folders_find(&wish, &folders, NULL), STATUS_OK);
    assert_string_equal(folders.config, expected);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    static struct folders folders;
    struct folders_wish wish = all_given();
    struct error err;
    wish.proxy = under("no-templates");
    assert_int_not_equal(folders_find(&wish, &folders, &err), STATUS_OK);
    assert_non_null(strstr(err.text, "no-templates"));
}

/* A lock is a process's until it ends: so each is taken in a process of its own. */
static enum status lock_apart(struct error *err)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        lock_folder(root, err);
        _exit(write(pipes[1], err, sizeof(*err)) != sizeof(*err));
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], err, sizeof(*err)), sizeof(*err));
    close(pipes[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return err->status;
}

static void the_second_of_a_data_folder_is_told_who_has_it(void **state)
{
    (void)state;
    struct error err = {0};
    char words[64];
    assert_int_equal(lock_apart(&err), STATUS_OK);
    assert_int_equal(lock_apart(&err), STATUS_OK); /* the first has ended */
    assert_int_equal(lock_folder(root, NULL), STATUS_OK);
    assert_int_equal(lock_apart(&err), STATUS_CONFLICT);
    snprintf(words, sizeof(words), "(PID %ld)", (long)getpid());
    assert_non_null(strstr(err.text, words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_data_folder_is_made_and_others_may_pass_through_it),
        cmocka_unit_test(the_configuration_need_not_exist_and_its_path_becomes_absolute),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
        cmocka_unit_test(the_second_of_a_data_folder_is_told_who_has_it),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
