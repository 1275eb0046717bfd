/* What goes to the terminal: made for people, and safe for the terminal. */
#ifndef TIERCE_CLI_PRINT_H
#define TIERCE_CLI_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Text that a stranger may have written (a URL, a query, a page's title): control characters, and
 * bytes that are no UTF-8, come out as '?', so that no page can command the terminal.
 */
void print_text(FILE *file, const char *text);

/* The snippet of a search's answer: <mark> becomes bold where `is_terminal`, entities become their
 * characters. */
void print_snippet(FILE *file, const char *html, bool is_terminal);

enum { PRINT_BYTES = 32 };
/* All write into `ret` and return it. */
char *text_of_count(uint64_t count, char ret[PRINT_BYTES]);    /* "12,345" */
char *text_of_bytes(uint64_t bytes, char ret[PRINT_BYTES]);    /* "830 B", "1.5 MB" */
char *text_of_seconds(int64_t seconds, char ret[PRINT_BYTES]); /* "45 s", "2 h 14 min" */
char *text_of_latency(uint64_t us, char ret[PRINT_BYTES]);     /* "0.4 ms" */

#endif
