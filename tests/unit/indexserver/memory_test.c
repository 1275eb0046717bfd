/* The stores take their part of the share that the orchestrator hands out. */
#include <dirent.h>

#include "base/file.h"
#include "indexserver/memory.h"
#include "tests/unit/indexserver/harness.h"

#define MIB ((uint64_t)1024 * 1024)

/* What RocksDB says that it was opened with. */
static uint64_t opened_with(const struct indexserver *ix, const char *store, const char *option)
{
    char folder[PATH_MAX + 16], path[PATH_MAX + 300], newest[256] = "";
    struct buffer text = {0};
    snprintf(folder, sizeof(folder), "%s/%s/db", ix->folder, store);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strncmp(entry->d_name, "OPTIONS-", 8) == 0 && strcmp(entry->d_name, newest) > 0)
            snprintf(newest, sizeof(newest), "%s", entry->d_name);
    }
    closedir(dir);
    snprintf(path, sizeof(path), "%s/%s", folder, newest);
    assert_int_equal(file_read(path, MIB, &text, NULL), STATUS_OK);
    const char *at = strstr(buffer_string(&text), option);
    assert_non_null(at);
    uint64_t value = strtoull(at + strlen(option), NULL, 10);
    buffer_release(&text);
    return value;
}

static void open_with_share(struct indexserver *ix, uint64_t share_bytes)
{
    struct service_options options = {.folder = ix->folder};
    Wire__Settings settings = WIRE__SETTINGS__INIT;
    char level[] = "info";
    settings.log_level = level;
    settings.memory_bytes = share_bytes;
    ix->service = service_new(&options);
    if (share_bytes > 0)
        assert_int_equal(service_take_settings(ix->service, &settings, &ix->err), STATUS_OK);
    assert_int_equal(service_open(ix->service, &ix->err), STATUS_OK);
}

static void each_store_opens_with_its_part_of_the_share(void **state)
{
    (void)state;
    static const uint64_t shares[] = {26 * MIB, 0, 100 * MIB, 20000 * MIB};
    struct indexserver *ix = indexserver_new();
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        struct memory_division parts = memory_divide(shares[i]);
        open_with_share(ix, shares[i]);
        assert_int_equal(opened_with(ix, "log", "db_write_buffer_size="), parts.log / 2);
        assert_int_equal(opened_with(ix, "views", "db_write_buffer_size="), parts.views / 2);
        stop(ix);
    }
    indexserver_free(ix);
}

static void the_parts_grow_with_the_share_and_never_pass_its_half(void **state)
{
    (void)state;
    struct memory_division last = {0};
    for (uint64_t share = 20 * MIB; share < 100000 * MIB; share *= 2) {
        struct memory_division parts = memory_divide(share);
        assert_true(parts.log > 0 && parts.views > 0 && parts.log + parts.views <= share / 2);
        assert_true(parts.log >= last.log && parts.views >= last.views);
        /* read again after a crash, before anyone is answered */
        assert_true(parts.log + parts.views <= 320 * MIB);
        last = parts;
    }
    assert_true(last.views > memory_divide(200 * MIB).views);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_store_opens_with_its_part_of_the_share),
        cmocka_unit_test(the_parts_grow_with_the_share_and_never_pass_its_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
