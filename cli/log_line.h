/* Lines of the log: what an operator should see of them. */
#ifndef TIERCE_CLI_LOG_LINE_H
#define TIERCE_CLI_LOG_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A warning or an error of ours, "TIME NAME warning: WORDS", or what keeps a proxy from starting.
 */
bool log_line_is_notable(const char *line);

/* Without its time, and safe for a terminal. */
void log_line_print(const char *line, FILE *file);

/*
 * Whether the line says that a port is taken; one of ours, NGINX's or Caddy's words.
 *
 * ret_setting  how to choose another port: "ports.grpc in config.yaml"
 */
bool log_line_port_in_use(const char *line, uint16_t *ret_port, const char **ret_setting);

/* Lines that were shown lately, so that what repeats itself is shown once. A zeroed struct has
 * none. */
enum { LOG_LINES_REMEMBERED = 16, LOG_LINE_REPEAT_MS = 60000 };
struct log_lines_shown {
    struct {
        uint64_t hash;
        int64_t ms;
    } lines[LOG_LINES_REMEMBERED];
    unsigned next;
};

/* Whether the line, numbers aside, was not shown in the last minute; from now on it was. */
bool log_line_is_new(struct log_lines_shown *shown, const char *line, int64_t now_ms);

#endif
