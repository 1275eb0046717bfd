/* Which URLs a REMOVE covers. */
#ifndef TIERCE_INDEXSERVER_REMOVAL_H
#define TIERCE_INDEXSERVER_REMOVAL_H

#include "indexserver/views.h"

/* A URL (and its value) of a column whose keys are URLs. Return false to stop. */
typedef bool removal_visitor(void *context, const char *url, struct kv_slice value);

/* Visits what the REMOVE covers, in the order of the URLs. */
enum status removal_visit(struct views *views, enum column column, const Log__Remove *remove,
                          removal_visitor *visit, void *context, struct error *err);

#endif
