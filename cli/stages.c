#include "cli/stages.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/print.h"

static void print_details(const Wire__Stage *stage)
{
    for (size_t i = 0; i < stage->n_facts; i++) {
        printf("%22s", "");
        print_text(stdout, stage->facts[i]->name);
        fputs(": ", stdout);
        print_text(stdout, stage->facts[i]->value);
        fputc('\n', stdout);
    }
    if (stage->cure[0] != '\0' && strcmp(stage->verdict, "ok") != 0) {
        printf("%22sto change that: ", "");
        print_text(stdout, stage->cure);
        fputc('\n', stdout);
    }
}

void stages_print(Wire__Stage *const *stages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Wire__Stage *stage = stages[i];
        char time[CLOCK_RFC3339_SIZE] = "";
        if (stage->time_us > 0)
            clock_rfc3339(stage->time_us, time);
        printf("  %-10s %-8s %-20s  ", stage->name, stage->verdict, time);
        print_text(stdout, stage->words);
        fputc('\n', stdout);
        print_details(stage);
    }
}
