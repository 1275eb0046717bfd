/*
 * XML as feeds and sitemaps are written: read as a stream, and further than its rules allow where
 * people break them. Nothing is loaded, nothing declared is expanded: the document type is passed
 * over, and only the five references that every document has, and those by number, mean anything.
 */
#ifndef TIERCE_PAGE_XML_H
#define TIERCE_PAGE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    XML_DEPTH_MAX = 200,           /* of elements within elements */
    XML_ELEMENTS_MAX = 1000000,    /* in a document */
    XML_TAG_BYTES_MAX = 8 * 1024,  /* of one tag with its attributes */
    XML_ATTRIBUTES_MAX = 64,       /* of one tag */
    XML_OPEN_NAMESPACES_MAX = 256, /* declared by the elements that are open */
    XML_CPU_MS_MAX = 1500,         /* of the thread that reads, for a document */
};

struct xml_element {
    const char *name;  /* without its prefix */
    const char *space; /* its namespace, or its prefix where that is not declared; "": neither */
    unsigned depth;    /* 1: the root */
    bool kin;          /* in its parent's namespace: what a stranger's vocabulary adds is not */
    /* private */
    const unsigned char **attributes;
    unsigned attribute_count;
};

/* Called in the document's order; false ends the reading. What they are given is gone afterwards.
 * `text` and `close` may be NULL. */
struct xml_handler {
    bool (*open)(void *context, const struct xml_element *element);
    bool (*text)(void *context, const char *text, size_t size); /* a piece of what lies within */
    bool (*close)(void *context, unsigned depth);
};

/*
 * Where the root element begins: behind white space, comments, processing instructions and the
 * document type; `size` where no element follows them.
 */
size_t xml_find_root(const char *text, size_t size);

/* The label in "<?xml ... encoding='label'?>" at the beginning; false where none is declared. */
bool xml_declared_encoding(const char *text, size_t size, const char **ret_label,
                           size_t *ret_label_size);

/* The value of an attribute, by its name without a prefix; false where there is none. */
bool xml_attribute(const struct xml_element *element, const char *name, const char **ret_value,
                   size_t *ret_size);

/*
 * Reads a document as far as it goes: to its end, to a limit, or to where nothing can be made of
 * it.
 *
 * text         UTF-8, without a byte order mark.
 * ret_is_cut   a limit above ended it.
 *
 * Returns STATUS_OK or STATUS_NO_MEMORY.
 */
enum status xml_read(const char *text, size_t size, const struct xml_handler *handler,
                     void *context, bool *ret_is_cut, struct error *err);

/* Loads what xml_read() would set up at its first call. */
void xml_load(void);

#endif
