#include "downloader/bandwidth.h"

#define SECOND_US ((int64_t)1000 * 1000)

void bandwidth_set(struct bandwidth *bandwidth, uint64_t rate, int64_t now_us)
{
    if (rate > INT64_MAX / (10 * SECOND_US))
        rate = 0; /* no line is that fast */
    if (rate == bandwidth->rate)
        return;
    bandwidth->rate = rate;
    bandwidth->credit = 0;
    bandwidth->at_us = now_us;
}

static void fill(struct bandwidth *bandwidth, int64_t now_us)
{
    int64_t most = (int64_t)bandwidth->rate * BANDWIDTH_BURST_MS / 1000;
    int64_t passed_us = now_us - bandwidth->at_us;
    if (passed_us > 10 * SECOND_US) { /* so that nothing overflows */
        passed_us = 10 * SECOND_US;
        bandwidth->at_us = now_us - passed_us;
    }
    int64_t earned = (int64_t)bandwidth->rate * passed_us / SECOND_US;
    bandwidth->at_us += earned * SECOND_US / (int64_t)bandwidth->rate; /* part of a byte waits */
    bandwidth->credit += earned;
    if (bandwidth->credit > most)
        bandwidth->credit = most > 0 ? most : 1;
}

bool bandwidth_has_credit(struct bandwidth *bandwidth, int64_t now_us)
{
    if (bandwidth->rate == 0)
        return true;
    fill(bandwidth, now_us);
    return bandwidth->credit > 0;
}

void bandwidth_take(struct bandwidth *bandwidth, size_t bytes)
{
    if (bandwidth->rate != 0)
        bandwidth->credit -= (int64_t)bytes;
}

int64_t bandwidth_wait_ms(struct bandwidth *bandwidth, int64_t now_us)
{
    if (bandwidth_has_credit(bandwidth, now_us))
        return 0;
    int64_t missing = 1 - bandwidth->credit;
    return missing * 1000 / (int64_t)bandwidth->rate + 1;
}
