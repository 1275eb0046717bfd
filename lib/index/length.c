#include "index/length.h"

#define EXACT      32 /* lengths below stand for themselves */
#define EXACT_BITS 5
#define STEPS      16 /* codes for each doubling from there on */
#define STEP_BITS  4

uint8_t length_code(uint32_t length)
{
    if (length < EXACT)
        return (uint8_t)length;
    unsigned exponent = 31 - (unsigned)__builtin_clz(length); /* at least EXACT_BITS */
    unsigned step = (length >> (exponent - STEP_BITS)) & (STEPS - 1);
    unsigned code = EXACT + (exponent - EXACT_BITS) * STEPS + step;
    return code < LENGTH_CODES ? (uint8_t)code : LENGTH_CODES - 1;
}

/* How many lengths have a code, and the first of them. */
static uint32_t width_of(uint8_t code, uint32_t *ret_first)
{
    unsigned exponent = (unsigned)(code - EXACT) / STEPS + EXACT_BITS;
    unsigned step = (unsigned)(code - EXACT) % STEPS;
    *ret_first = (STEPS + step) << (exponent - STEP_BITS);
    return 1u << (exponent - STEP_BITS);
}

uint32_t length_of_code(uint8_t code)
{
    uint32_t first;
    if (code < EXACT)
        return code;
    uint32_t width = width_of(code, &first);
    return first + width / 2;
}

uint32_t length_bound(uint8_t code)
{
    uint32_t first;
    if (code < EXACT)
        return code;
    if (code == LENGTH_CODES - 1)
        return UINT32_MAX;
    uint32_t width = width_of(code, &first);
    return first + width - 1;
}
