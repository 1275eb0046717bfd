/* The public HTTP API as an OpenAPI 3.1 document. */
#ifndef TIERCE_GATEWAY_JSON_OPENAPI_H
#define TIERCE_GATEWAY_JSON_OPENAPI_H

extern const char json_openapi[];

#endif
