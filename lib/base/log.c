#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

/* set by one thread while others log */
static const char *_Atomic log_name = "tierce";
static _Atomic(enum log_level) log_lowest = LOG_INFO_LEVEL;
static bool log_to_journal;
static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_open(const char *name, enum log_level lowest)
{
    log_name = name;
    log_lowest = lowest;
    log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_set_name(const char *name)
{
    log_name = name;
}

void log_set_lowest(enum log_level lowest)
{
    log_lowest = lowest;
}

bool log_level_parse(const char *text, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_COUNT(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* One write per line, so that lines of several processes do not mix. */
static void log_line(enum log_level level, const char *format, va_list arguments)
{
    static const char journal_priority[] = {'7', '6', '4', '3'};
    if (level < log_lowest)
        return;
    char line[1200];
    int size;
    if (log_to_journal) {
        size = snprintf(line, sizeof(line), "<%c>", journal_priority[level]);
    } else {
        char now[CLOCK_RFC3339_SIZE];
        size = snprintf(line, sizeof(line), "%s %s %s: ", clock_rfc3339(clock_unix_us(), now),
                        log_name, level_names[level]);
    }
    size_t used = (size_t)size;
    int words = vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
    if (words > 0)
        used += (size_t)words < sizeof(line) - used - 1 ? (size_t)words : sizeof(line) - used - 2;
    for (size_t i = 0; i < used; i++) {
        if ((unsigned char)line[i] < ' ')
            line[i] = ' '; /* a logged string must not forge a line */
    }
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0)
        return; /* nowhere left to say so */
}

#define LOG_AT(level)                                                                              \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        log_line(level, format, arguments);                                                        \
        va_end(arguments);                                                                         \
    } while (0)

void log_debug(const char *format, ...)
{
    LOG_AT(LOG_DEBUG_LEVEL);
}

void log_info(const char *format, ...)
{
    LOG_AT(LOG_INFO_LEVEL);
}

void log_warning(const char *format, ...)
{
    LOG_AT(LOG_WARNING_LEVEL);
}

void log_error(const char *format, ...)
{
    LOG_AT(LOG_ERROR_LEVEL);
}
