/*
 * The safety valve of a source. A site that is broken, moved to another owner or set up anew by
 * mistake says that its pages are gone, or that nobody may index them; a crawler that believes it
 * empties the index within hours. So a source may lose only so many of its pages within a window of
 * time, whatever they are lost by; then what it holds stays until the owner confirms, or until its
 * pages are there again.
 *
 * The rule: a loss that would be at least the VALVE_LOST_MIN'th of the window, and bring what is
 * lost over VALVE_LOST_PERCENT of what was held when the window began, closes the valve. A page
 * that is new makes up for one that was lost. The window begins with its first loss and lasts as
 * long as pages are left alone before anything is known of them, at least a day. Once the owner
 * confirmed, everything may go until a day has passed without a loss.
 *
 * Pure: all times are those of the log's entries. What a valve decided is in the log, so that a
 * replay decides nothing anew.
 */
#ifndef TIERCE_INDEXSERVER_VALVE_H
#define TIERCE_INDEXSERVER_VALVE_H

#include <stdbool.h>
#include <stdint.h>

enum { VALVE_LOST_MIN = 10, VALVE_LOST_PERCENT = 20, VALVE_BYTES = 29 };

struct valve {
    int64_t window_us;    /* when the window began */
    int64_t confirmed_us; /* the owner's word, or the last loss under it; 0: there is none */
    uint32_t held;        /* pages of the source when it began */
    uint32_t lost;        /* in the window */
    uint32_t kept;        /* pages that would have gone */
    bool closed;
};

/*
 * Whether one more page may go; counts it where it may.
 *
 * held       pages of the source
 * recrawl_s  the crawl's interval
 */
bool valve_lets_go(struct valve *valve, uint64_t held, uint32_t recrawl_s, int64_t time_us);
/* A page was kept: also where the log is replayed, in which losses of the past are forgotten. */
void valve_keep(struct valve *valve);
/* A page came where none was. */
void valve_gain(struct valve *valve);
/* A page that was kept is there again, or went: when none is left, the valve opens. */
void valve_settle(struct valve *valve);
/* The owner lets them go. */
void valve_confirm(struct valve *valve, int64_t time_us);

void valve_encode(const struct valve *valve, uint8_t ret[VALVE_BYTES]);
void valve_decode(const uint8_t bytes[VALVE_BYTES], struct valve *ret_valve);

#endif
