/* Fills in the proxies' configuration files. The rules stand at the top of proxy/nginx.conf. */
#ifndef TIERCE_ORCHESTRATOR_TEMPLATE_H
#define TIERCE_ORCHESTRATOR_TEMPLATE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

enum { TEMPLATE_VALUES_MAX = 16 };

struct template_name {
    const char *name;
    const char *values[TEMPLATE_VALUES_MAX]; /* borrowed */
    unsigned count;                          /* 0: its lines disappear */
};

/*
 * Appends the text with every {{name}} filled in. STATUS_INVALID: an unknown name, two names with
 * several values in one line, an unclosed {{, or a value with a character that could end the
 * directive it stands in; the words name the line.
 */
enum status template_fill(const char *text, size_t size, const struct template_name *names,
                          size_t name_count, struct buffer *ret_text, struct error *err);

#endif
