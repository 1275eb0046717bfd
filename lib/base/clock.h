/* Times. Gaps are measured by CLOCK_BOOTTIME, which goes on while the machine sleeps and never
 * jumps. */
#ifndef TIERCE_BASE_CLOCK_H
#define TIERCE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_boot_ms(void);
int64_t clock_boot_us(void);
int64_t clock_unix_us(void); /* microseconds since 1970, UTC; may jump */
int64_t clock_unix_s(void);

#define CLOCK_RFC3339_SIZE 32
/* "2026-11-22T14:42:28Z", zero-terminated, into `ret`, whose size is CLOCK_RFC3339_SIZE. Returns
 * `ret`. */
char *clock_rfc3339(int64_t unix_us, char *ret);

#endif
