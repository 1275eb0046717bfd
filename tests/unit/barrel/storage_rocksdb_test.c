/* The index's storage contract, held by RocksDB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "barrel/storage_rocksdb.h"
#include "tests/unit/unit.h"

struct fixture {
    char folder[64];
    struct storage_rocksdb *rocksdb;
    struct storage storage;
};

static int open_store(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct error err;
    strcpy(fixture->folder, "/tmp/tierce-storage-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    if (storage_rocksdb_open(fixture->folder, 8 << 20, &fixture->rocksdb, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    fixture->storage = storage_rocksdb_storage(fixture->rocksdb);
    *state = fixture;
    return 0;
}

static void reopen(struct fixture *fixture)
{
    struct error err;
    storage_rocksdb_close(fixture->rocksdb);
    assert_int_equal(storage_rocksdb_open(fixture->folder, 8 << 20, &fixture->rocksdb, &err),
                     STATUS_OK);
    fixture->storage = storage_rocksdb_storage(fixture->rocksdb);
}

static int close_store(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    storage_rocksdb_close(fixture->rocksdb);
    snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static struct storage_slice text(const char *words)
{
    return (struct storage_slice){(const uint8_t *)words, strlen(words)};
}

static void put(struct fixture *fixture, const char *key, const char *value)
{
    struct storage_operation operation = {STORAGE_PUT, text(key), text(value)};
    assert_int_equal(fixture->storage.ops->write(fixture->storage.self, &operation, 1, true, NULL),
                     STATUS_OK);
}

static void add_bulk(struct fixture *fixture, const char *key, struct storage_slice value)
{
    void *bulk;
    const struct storage_ops *ops = fixture->storage.ops;
    assert_int_equal(ops->bulk_open(fixture->storage.self, &bulk, NULL), STATUS_OK);
    assert_int_equal(ops->bulk_add(fixture->storage.self, bulk, text(key), value, NULL), STATUS_OK);
    assert_int_equal(ops->bulk_finish(fixture->storage.self, bulk, NULL), STATUS_OK);
}

static void what_was_written_is_read_after_reopening(void **state)
{
    struct fixture *fixture = *state;
    struct buffer value = {0};
    put(fixture, "a", "one");
    reopen(fixture);
    assert_int_equal(fixture->storage.ops->get(fixture->storage.self, text("a"), &value, NULL),
                     STATUS_OK);
    assert_string_equal(buffer_string(&value), "one");
    assert_int_equal(fixture->storage.ops->get(fixture->storage.self, text("b"), &value, NULL),
                     STATUS_NOT_FOUND);
    buffer_release(&value);
}

static void a_batch_deletes_and_puts_in_its_order(void **state)
{
    struct fixture *fixture = *state;
    struct buffer value = {0};
    struct storage_operation operations[] = {{STORAGE_PUT, text("k"), text("1")},
                                             {STORAGE_DELETE, text("k"), {0}},
                                             {STORAGE_PUT, text("k"), text("2")}};
    assert_int_equal(fixture->storage.ops->write(fixture->storage.self, operations, 3, false, NULL),
                     STATUS_OK);
    assert_int_equal(fixture->storage.ops->get(fixture->storage.self, text("k"), &value, NULL),
                     STATUS_OK);
    assert_string_equal(buffer_string(&value), "2");
    buffer_release(&value);
}

static void a_pinned_value_outlives_its_key(void **state)
{
    struct fixture *fixture = *state;
    const struct storage_ops *ops = fixture->storage.ops;
    size_t size = 3 << 20;
    uint8_t *large = malloc(size);
    struct storage_pin pin;
    for (size_t i = 0; i < size; i++)
        large[i] = (uint8_t)(i * 31);
    add_bulk(fixture, "S1", (struct storage_slice){large, size});
    add_bulk(fixture, "S2", text("small"));
    assert_int_equal(ops->pin(fixture->storage.self, text("S1"), &pin, NULL), STATUS_OK);
    assert_int_equal(ops->delete_prefix(fixture->storage.self, text("S1"), NULL), STATUS_OK);
    assert_int_equal(pin.size, size);
    assert_memory_equal(pin.bytes, large, size);
    ops->unpin(fixture->storage.self, &pin);
    assert_int_equal(ops->pin(fixture->storage.self, text("S1"), &pin, NULL), STATUS_NOT_FOUND);
    assert_int_equal(ops->pin(fixture->storage.self, text("S"), &pin, NULL), STATUS_NOT_FOUND);
    assert_int_equal(ops->pin(fixture->storage.self, text("S2"), &pin, NULL), STATUS_OK);
    ops->unpin(fixture->storage.self, &pin);
    free(large);
}

static enum status collect(void *context, struct storage_slice key, struct storage_slice value)
{
    struct buffer *seen = context;
    (void)value;
    buffer_append(seen, key.bytes, key.size);
    buffer_append_byte(seen, ' ');
    return key.bytes[key.size - 1] == '!' ? STATUS_END : STATUS_OK;
}

static void a_walk_stays_within_its_prefix_and_stops_when_told(void **state)
{
    struct fixture *fixture = *state;
    struct buffer seen = {0};
    const char *keys[] = {"a", "b1", "b2", "b3", "b3!", "b4", "c"};
    for (size_t i = 0; i < 7; i++)
        put(fixture, keys[i], "");
    assert_int_equal(fixture->storage.ops->iterate(fixture->storage.self, text("b"), text("b2"),
                                                   collect, &seen, NULL),
                     STATUS_OK);
    assert_string_equal(buffer_string(&seen), "b2 b3 b3! ");
    buffer_clear(&seen);
    assert_int_equal(fixture->storage.ops->delete_prefix(fixture->storage.self, text("b3"), NULL),
                     STATUS_OK);
    assert_int_equal(fixture->storage.ops->iterate(fixture->storage.self, text("b"), text(""),
                                                   collect, &seen, NULL),
                     STATUS_OK);
    assert_string_equal(buffer_string(&seen), "b1 b2 b4 ");
    buffer_release(&seen);
}

static void an_aborted_bulk_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct storage_ops *ops = fixture->storage.ops;
    void *bulk;
    struct storage_pin pin;
    assert_int_equal(ops->bulk_open(fixture->storage.self, &bulk, NULL), STATUS_OK);
    assert_int_equal(ops->bulk_add(fixture->storage.self, bulk, text("S9"), text("x"), NULL),
                     STATUS_OK);
    ops->bulk_abort(fixture->storage.self, bulk);
    assert_int_equal(ops->pin(fixture->storage.self, text("S9"), &pin, NULL), STATUS_NOT_FOUND);
}

static void without_room_nothing_is_written_and_all_is_read(void **state)
{
    struct fixture *fixture = *state;
    const struct storage_ops *ops = fixture->storage.ops;
    struct storage_operation change = {STORAGE_DELETE, text("key"), {0}};
    struct buffer value = {0};
    struct error err;
    void *bulk = NULL;
    put(fixture, "key", "value");
    storage_rocksdb_keep_free(fixture->rocksdb, UINT64_MAX);
    assert_int_equal(ops->write(fixture->storage.self, &change, 1, true, &err), STATUS_NO_SPACE);
    assert_non_null(strstr(err.text, fixture->folder));
    assert_int_equal(ops->bulk_open(fixture->storage.self, &bulk, NULL), STATUS_NO_SPACE);
    assert_int_equal(ops->delete_prefix(fixture->storage.self, text("k"), NULL), STATUS_NO_SPACE);
    assert_int_equal(ops->get(fixture->storage.self, text("key"), &value, NULL), STATUS_OK);
    storage_rocksdb_keep_free(fixture->rocksdb, 1);
    assert_int_equal(ops->write(fixture->storage.self, &change, 1, true, NULL), STATUS_OK);
    assert_int_equal(ops->get(fixture->storage.self, text("key"), &value, NULL), STATUS_NOT_FOUND);
    buffer_release(&value);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_was_written_is_read_after_reopening),
        WITH_STORE(a_batch_deletes_and_puts_in_its_order),
        WITH_STORE(a_pinned_value_outlives_its_key),
        WITH_STORE(a_walk_stays_within_its_prefix_and_stops_when_told),
        WITH_STORE(an_aborted_bulk_leaves_nothing),
        WITH_STORE(without_room_nothing_is_written_and_all_is_read),
    };
    return cmocka_run_group_tests_name("storage_rocksdb", tests, NULL, NULL);
}
