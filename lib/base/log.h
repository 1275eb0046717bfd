/*
 * Lines for the operator, on standard error: "2026-11-22T14:42:28Z barrel-0 warning: words". No
 * query, no client's full address and no secret is ever logged.
 */
#ifndef TIERCE_BASE_LOG_H
#define TIERCE_BASE_LOG_H

#include <stdbool.h>

#include "base/error.h"

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARNING_LEVEL, LOG_ERROR_LEVEL };

/* `name` (borrowed for ever) stands in front of each line. Under systemd (JOURNAL_STREAM) times are
 * left out and levels are <N>. */
void log_open(const char *name, enum log_level lowest);
void log_set_name(const char *name); /* borrowed for ever */
void log_set_lowest(enum log_level lowest);

/* "debug", "info", "warning", "error" */
bool log_level_parse(const char *text, enum log_level *ret_level);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
