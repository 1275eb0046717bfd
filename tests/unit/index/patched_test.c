#include <stdlib.h>
#include <string.h>

#include "index/patched.h"
#include "tests/unit/unit.h"

static uint32_t random_number(void)
{
    static uint64_t seed = 88172645463325252u;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

/* Mostly small numbers; one in `rare` of up to 32 bits. */
static void fill(uint32_t *values, size_t count, unsigned rare)
{
    for (size_t i = 0; i < count; i++)
        values[i] = random_number() % rare == 0 ? random_number() >> random_number() % 32
                                                : random_number() % 16;
}

static void numbers_come_back_whole_and_in_part(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        uint32_t values[PACK_COUNT];
        uint32_t back[PACK_COUNT];
        uint8_t room[PATCHED_BYTES_MAX];
        size_t count = 1 + random_number() % PACK_COUNT;
        if (round % 3 == 0)
            count = PACK_COUNT;
        fill(values, count, 1 + round % 40);
        size_t size = patched_pack(values, count, room);
        assert_true(size <= 2 + pack_bytes(count, pack_width(values, count)));
        uint8_t *bytes = malloc(size);
        memcpy(bytes, room, size);
        assert_int_equal(patched_size(bytes, bytes + size, count), size);
        for (size_t less = 0; less < size; less++)
            assert_int_equal(patched_size(bytes, bytes + less, count), 0);
        assert_true(patched_unpack(bytes, count, back));
        assert_memory_equal(back, values, count * sizeof(*values));
        size_t start = random_number() % count;
        size_t wanted = 1 + random_number() % (count - start);
        assert_true(patched_unpack_some(bytes, count, start, wanted, back));
        assert_memory_equal(back, values + start, wanted * sizeof(*values));
        free(bytes);
    }
}

static void few_large_numbers_cost_little(void **state)
{
    (void)state;
    uint32_t values[PACK_COUNT] = {0};
    uint8_t bytes[PATCHED_BYTES_MAX];
    values[77] = 1000000;
    assert_int_equal(patched_pack(values, PACK_COUNT, bytes), 2 + 1 + 3);
}

static void wrong_bytes_are_refused_or_read_but_never_harm(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t back[PACK_COUNT];
        size_t size = random_number() % 300;
        size_t count = 1 + random_number() % PACK_COUNT;
        uint8_t *bytes = malloc(size + (size == 0));
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)random_number();
        if (size > 0)
            bytes[0] %= 40;
        if (patched_size(bytes, bytes + size, count) > 0) {
            patched_unpack(bytes, count, back);
            patched_unpack_some(bytes, count, count / 2, 1, back);
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back_whole_and_in_part),
        cmocka_unit_test(few_large_numbers_cost_little),
        cmocka_unit_test(wrong_bytes_are_refused_or_read_but_never_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
