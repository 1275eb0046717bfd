/* The stages of a URL's story, on the terminal. */
#ifndef TIERCE_CLI_STAGES_H
#define TIERCE_CLI_STAGES_H

#include <stddef.h>

#include "wire.pb-c.h"

void stages_print(Wire__Stage *const *stages, size_t count);

#endif
