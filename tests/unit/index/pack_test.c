#include <stdlib.h>
#include <string.h>

#include "index/pack.h"
#include "tests/unit/unit.h"

static uint32_t random_number(void)
{
    static uint64_t seed = 88172645463325252u;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

/* What the header says, bit by bit. */
static uint32_t bit_at(const uint8_t *bytes, size_t bit)
{
    return bytes[bit / 8] >> bit % 8 & 1;
}

static uint32_t read_plainly(const uint8_t *bytes, size_t count, unsigned width, size_t number)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < width; i++) {
        size_t bit = number * width + i;
        if (count == PACK_COUNT) {
            size_t in_lane = number / 4 * width + i;
            bit = in_lane / 32 * 128 + number % 4 * 32 + in_lane % 32;
        }
        value |= bit_at(bytes, bit) << i;
    }
    return value;
}

static void every_width_and_count_comes_back_and_lies_as_documented(void **state)
{
    (void)state;
    for (unsigned width = 0; width <= PACK_WIDTH_MAX; width++) {
        for (size_t count = 0; count <= PACK_COUNT; count += count < 5 || count > 120 ? 1 : 7) {
            uint32_t values[PACK_COUNT] = {0};
            uint32_t back[PACK_COUNT];
            uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
            for (size_t i = 0; i < count; i++)
                values[i] = random_number() & mask;
            size_t size = pack_bytes(count, width);
            uint8_t *bytes = malloc(size + (size == 0)); /* exactly: nothing behind is touched */
            assert_true(pack_width(values, count) <= width);
            pack(values, count, width, bytes);
            unpack(bytes, count, width, back);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(back[i], values[i]);
                assert_int_equal(unpack_one(bytes, count, width, i), values[i]);
                assert_int_equal(read_plainly(bytes, count, width, i), values[i]);
            }
            free(bytes);
        }
    }
}

static void rising_numbers_are_sums_of_their_distances(void **state)
{
    (void)state;
    for (size_t count = 1; count <= PACK_COUNT; count++) {
        uint32_t distances[PACK_COUNT];
        uint32_t back[PACK_COUNT];
        uint8_t bytes[16 * PACK_WIDTH_MAX];
        for (size_t i = 0; i < count; i++)
            distances[i] = random_number() % 1000;
        pack(distances, count, 10, bytes);
        unpack_rising(bytes, count, 10, 77, back);
        uint32_t expected = 77;
        for (size_t i = 0; i < count; i++) {
            expected += distances[i];
            assert_int_equal(back[i], expected++);
        }
    }
}

static void the_width_is_of_the_largest(void **state)
{
    (void)state;
    assert_int_equal(pack_width((uint32_t[]){0, 0}, 2), 0);
    assert_int_equal(pack_width((uint32_t[]){1, 0}, 2), 1);
    assert_int_equal(pack_width((uint32_t[]){1, 255}, 2), 8);
    assert_int_equal(pack_width((uint32_t[]){1, 256}, 2), 9);
    assert_int_equal(pack_width((uint32_t[]){UINT32_MAX}, 1), 32);
    assert_int_equal(pack_width(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_and_count_comes_back_and_lies_as_documented),
        cmocka_unit_test(rising_numbers_are_sums_of_their_distances),
        cmocka_unit_test(the_width_is_of_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
