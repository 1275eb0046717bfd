/*
 * Which language a text is in, by the text: the script says it where one language alone is written
 * in it, else the runs of letters do that are common in each language (Cavnar, Trenkle: "N-gram-
 * based text categorization", 1994), with the fingerprints of libexttextcat. A sample of the text
 * is looked at, so that the cost of a long one is bounded. Any thread.
 */
#ifndef TIERCE_TEXT_LANGUAGE_DETECT_H
#define TIERCE_TEXT_LANGUAGE_DETECT_H

#include "text/analyze.h"

/* Most bytes of a text that are looked at, and fewest letters that say anything. */
#define LANGUAGE_SAMPLE_BYTES 768
#define LANGUAGE_LETTERS_MIN  40

/* A tag such as "de"; empty where the text is too short or is like no language, or like two. The
 * tag is never freed. */
struct text_slice language_detect(struct text_slice text);

/*
 * The language of a page: what it says (`tag`, may be empty), unless that is plainly not so: its
 * text has another script, or is much more like another language. Then, and where it says nothing,
 * the text's; empty where neither is known.
 */
struct text_slice language_settle(struct text_slice tag, struct text_slice text);

#endif
