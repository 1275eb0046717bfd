#include "indexserver/valve.h"

#include "base/bytes.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)

/* The owner's word holds as long as losses follow each other. */
static bool is_confirmed(struct valve *valve, int64_t time_us)
{
    if (valve->confirmed_us == 0)
        return false;
    if (time_us - valve->confirmed_us > DAY_US)
        valve->confirmed_us = 0;
    return valve->confirmed_us != 0;
}

bool valve_lets_go(struct valve *valve, uint64_t held, uint32_t recrawl_s, int64_t time_us)
{
    int64_t window_us = (int64_t)recrawl_s * 1000000;
    if (is_confirmed(valve, time_us)) {
        valve->confirmed_us = time_us;
        return true;
    }
    if (valve->closed)
        return false;
    if (valve->lost == 0 ||
        time_us - valve->window_us > (window_us < DAY_US ? DAY_US : window_us)) {
        valve->window_us = time_us;
        valve->held = (uint32_t)(held > UINT32_MAX ? UINT32_MAX : held);
        valve->lost = 0;
    }
    uint64_t lost = valve->lost + 1u;
    if (lost >= VALVE_LOST_MIN && lost * 100 > (uint64_t)valve->held * VALVE_LOST_PERCENT) {
        valve->closed = true;
        return false;
    }
    valve->lost++;
    return true;
}

void valve_keep(struct valve *valve)
{
    valve->kept++;
    valve->closed = valve->confirmed_us == 0;
}

void valve_gain(struct valve *valve)
{
    if (valve->lost > 0)
        valve->lost--;
}

void valve_settle(struct valve *valve)
{
    if (valve->kept > 0)
        valve->kept--;
    if (valve->kept == 0)
        valve->closed = false;
}

void valve_confirm(struct valve *valve, int64_t time_us)
{
    valve->confirmed_us = time_us;
    valve->closed = false;
    valve->lost = 0;
}

void valve_encode(const struct valve *valve, uint8_t ret[VALVE_BYTES])
{
    put_le64(ret, (uint64_t)valve->window_us);
    put_le64(ret + 8, (uint64_t)valve->confirmed_us);
    put_le32(ret + 16, valve->lost);
    put_le32(ret + 20, valve->kept);
    put_le32(ret + 24, valve->held);
    ret[28] = valve->closed;
}

void valve_decode(const uint8_t bytes[VALVE_BYTES], struct valve *ret_valve)
{
    *ret_valve = (struct valve){.window_us = (int64_t)get_le64(bytes),
                                .confirmed_us = (int64_t)get_le64(bytes + 8),
                                .lost = get_le32(bytes + 16),
                                .kept = get_le32(bytes + 20),
                                .held = get_le32(bytes + 24),
                                .closed = bytes[28] != 0};
}
