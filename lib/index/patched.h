/*
 * Up to 128 numbers most of which need few bits: packed with the width that makes them smallest,
 * and what the larger ones have beyond it behind them (PFOR: Zukowski, Heman, Nes, Boncz:
 * "Super-scalar RAM-CPU cache compression", 2006).
 *
 *     u8 width | u8 bytes of patches | packed | patches: u8 number, varint: its bits beyond width
 */
#ifndef TIERCE_INDEX_PATCHED_H
#define TIERCE_INDEX_PATCHED_H

#include <stdbool.h>

#include "index/pack.h"

#define PATCHED_BYTES_MAX (2 + 16 * PACK_WIDTH_MAX + 255)

/* Writes 1 to PACK_COUNT numbers; returns how many bytes, at most PATCHED_BYTES_MAX. */
size_t patched_pack(const uint32_t *values, size_t count, uint8_t *out);

/* Bytes of `count` numbers that begin at `bytes`; 0 where they do not end before `end`. The others
 * below take only bytes that this has looked at. */
size_t patched_size(const uint8_t *bytes, const uint8_t *end, size_t count);

/* Reads all of them; false where a patch is wrong. `ret` has room for PACK_COUNT. */
bool patched_unpack(const uint8_t *bytes, size_t count, uint32_t *ret);

/* Reads `wanted` of them from number `start` on. */
bool patched_unpack_some(const uint8_t *bytes, size_t count, size_t start, size_t wanted,
                         uint32_t *ret);

#endif
