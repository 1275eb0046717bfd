/*
 * grpc.reflection.v1alpha: hands out the descriptors of the public services, which the build packs
 * into the program as a google.protobuf.FileDescriptorSet. What a symbol belongs to is found by
 * walking those bytes: a handful of fields of descriptor.proto, named below.
 */
#include <grpc/status.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "gateway/grpc_method.h"
#include "reflection.pb-c.h"

typedef Grpc__Reflection__V1alpha__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1alpha__ServerReflectionResponse reflection_response;

static const uint8_t descriptors[] = {
#include "public_descriptors.inc"
};

/* Field numbers of google/protobuf/descriptor.proto. */
enum {
    SET_FILE = 1,
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    SERVICE_METHOD = 2,
    NAME = 1, /* of messages, enums, services and methods */
};

enum { SYMBOL_MAX = 256, SERVICES_MAX = 16 };

/* ---- walking packed bytes (ours, so well formed) ---- */

struct span {
    const uint8_t *bytes;
    size_t size;
};

static uint64_t take_varint(struct span *span)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        CHECK(span->size > 0);
        uint8_t byte = *span->bytes++;
        span->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

static void skip_bytes(struct span *span, size_t size)
{
    CHECK(size <= span->size);
    span->bytes += size;
    span->size -= size;
}

/* The next field that holds bytes and has this number; false at the end. */
static bool next_field(struct span *span, unsigned number, struct span *ret)
{
    enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
    while (span->size > 0) {
        uint64_t tag = take_varint(span);
        switch (tag & 7) {
        case WIRE_VARINT:
            take_varint(span);
            break;
        case WIRE_FIXED64:
            skip_bytes(span, 8);
            break;
        case WIRE_FIXED32:
            skip_bytes(span, 4);
            break;
        default:
            CHECK((tag & 7) == WIRE_BYTES);
            *ret = (struct span){.size = take_varint(span)};
            ret->bytes = span->bytes;
            skip_bytes(span, ret->size);
            if (tag >> 3 == number)
                return true;
        }
    }
    return false;
}

static bool next_file(struct span *set, struct span *ret_file)
{
    return next_field(set, SET_FILE, ret_file);
}

static const struct span all = {descriptors, sizeof(descriptors)};

/* A string field of a message; empty where it has none. */
static struct span text_of(struct span message, unsigned number)
{
    struct span text = {0};
    next_field(&message, number, &text);
    return text;
}

/* ---- symbols ---- */

/* "scope.name" of a descriptor. */
static void qualify(char ret[SYMBOL_MAX], const char *scope, struct span descriptor)
{
    struct span name = text_of(descriptor, NAME);
    int size =
        snprintf(ret, SYMBOL_MAX, "%s.%.*s", scope, (int)name.size, (const char *)name.bytes);
    CHECK(size < SYMBOL_MAX);
}

/* Whether `symbol` is a message or an enum in `scope`, at any depth. */
static bool has_type(struct span parent, unsigned message_number, unsigned enum_number,
                     const char *scope, const char *symbol)
{
    struct span child, rest = parent;
    char name[SYMBOL_MAX];
    while (next_field(&rest, enum_number, &child)) {
        qualify(name, scope, child);
        if (strcmp(name, symbol) == 0)
            return true;
    }
    for (rest = parent; next_field(&rest, message_number, &child);) {
        qualify(name, scope, child);
        if (strcmp(name, symbol) == 0 ||
            has_type(child, MESSAGE_NESTED, MESSAGE_ENUM, name, symbol))
            return true;
    }
    return false;
}

static bool has_service(struct span file, const char *package, const char *symbol)
{
    struct span service;
    while (next_field(&file, FILE_SERVICE, &service)) {
        char name[SYMBOL_MAX], method_name[SYMBOL_MAX];
        qualify(name, package, service);
        if (strcmp(name, symbol) == 0)
            return true;
        struct span method;
        while (next_field(&service, SERVICE_METHOD, &method)) {
            qualify(method_name, name, method);
            if (strcmp(method_name, symbol) == 0)
                return true;
        }
    }
    return false;
}

static void package_of(struct span file, char ret[SYMBOL_MAX])
{
    struct span package = text_of(file, FILE_PACKAGE);
    int size = snprintf(ret, SYMBOL_MAX, "%.*s", (int)package.size, (const char *)package.bytes);
    CHECK(size < SYMBOL_MAX);
}

static bool find_symbol(const char *symbol, struct span *ret_file)
{
    struct span files = all, file;
    while (next_file(&files, &file)) {
        char package[SYMBOL_MAX];
        package_of(file, package);
        if (has_service(file, package, symbol) ||
            has_type(file, FILE_MESSAGE, FILE_ENUM, package, symbol)) {
            *ret_file = file;
            return true;
        }
    }
    return false;
}

static bool find_file(const char *name, struct span *ret_file)
{
    struct span files = all, file;
    while (next_file(&files, &file)) {
        struct span own = text_of(file, FILE_NAME);
        if (own.size > 0 && own.size == strlen(name) && memcmp(own.bytes, name, own.size) == 0) {
            *ret_file = file;
            return true;
        }
    }
    return false;
}

/* ---- answers; false: no memory ---- */

static bool say_error(struct arena *arena, int code, const char *words, reflection_response *reply)
{
    Grpc__Reflection__V1alpha__ErrorResponse *error = arena_alloc(arena, sizeof(*error));
    if (error == NULL)
        return false;
    grpc__reflection__v1alpha__error_response__init(error);
    error->error_code = code;
    error->error_message = (char *)words;
    reply->message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    reply->error_response = error;
    return true;
}

static bool say_file(struct arena *arena, bool found, struct span file, reflection_response *reply)
{
    if (!found)
        return say_error(arena, GRPC_STATUS_NOT_FOUND, "there is no such file or symbol here",
                         reply);
    Grpc__Reflection__V1alpha__FileDescriptorResponse *answer = arena_alloc(arena, sizeof(*answer));
    ProtobufCBinaryData *bytes = arena_alloc(arena, sizeof(*bytes));
    if (answer == NULL || bytes == NULL)
        return false;
    grpc__reflection__v1alpha__file_descriptor_response__init(answer);
    *bytes = (ProtobufCBinaryData){.len = file.size, .data = (uint8_t *)file.bytes};
    answer->file_descriptor_proto = bytes;
    answer->n_file_descriptor_proto = 1;
    reply->message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    reply->file_descriptor_response = answer;
    return true;
}

static bool add_service(struct arena *arena, const char *package, struct span service,
                        Grpc__Reflection__V1alpha__ListServiceResponse *list)
{
    char name[SYMBOL_MAX];
    Grpc__Reflection__V1alpha__ServiceResponse *item = arena_alloc(arena, sizeof(*item));
    if (item == NULL)
        return false;
    qualify(name, package, service);
    grpc__reflection__v1alpha__service_response__init(item);
    item->name = arena_string(arena, name);
    CHECK(list->n_service < SERVICES_MAX);
    list->service[list->n_service++] = item;
    return item->name != NULL;
}

static bool say_services(struct arena *arena, reflection_response *reply)
{
    Grpc__Reflection__V1alpha__ListServiceResponse *list = arena_alloc(arena, sizeof(*list));
    if (list == NULL)
        return false;
    grpc__reflection__v1alpha__list_service_response__init(list);
    list->service = arena_alloc(arena, SERVICES_MAX * sizeof(*list->service));
    if (list->service == NULL)
        return false;
    struct span files = all, file, service;
    while (next_file(&files, &file)) {
        char package[SYMBOL_MAX];
        package_of(file, package);
        while (next_field(&file, FILE_SERVICE, &service)) {
            if (!add_service(arena, package, service, list))
                return false;
        }
    }
    reply->message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    reply->list_services_response = list;
    return true;
}

/* Extensions are a thing of proto2: no message of ours has any. */
static bool say_no_extensions(struct arena *arena, const char *type, reflection_response *reply)
{
    struct span file;
    if (!find_symbol(type, &file))
        return say_error(arena, GRPC_STATUS_NOT_FOUND, "there is no such type here", reply);
    Grpc__Reflection__V1alpha__ExtensionNumberResponse *answer =
        arena_alloc(arena, sizeof(*answer));
    if (answer == NULL)
        return false;
    grpc__reflection__v1alpha__extension_number_response__init(answer);
    answer->base_type_name = (char *)type;
    reply->message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    reply->all_extension_numbers_response = answer;
    return true;
}

static bool say(struct arena *arena, const reflection_request *request, reflection_response *reply)
{
    struct span file = {0};
    bool found;
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        found = find_file(request->file_by_filename, &file);
        return say_file(arena, found, file, reply);
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        found = find_symbol(request->file_containing_symbol, &file);
        return say_file(arena, found, file, reply);
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        return say_file(arena, false, file, reply);
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        return say_no_extensions(arena, request->all_extension_numbers_of_type, reply);
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        return say_services(arena, reply);
    default:
        return say_error(arena, GRPC_STATUS_INVALID_ARGUMENT, "nothing was asked", reply);
    }
}

static enum status answer(struct grpc_job *job, const ProtobufCMessage *message,
                          ProtobufCMessage **ret_reply, struct error *err)
{
    const reflection_request *request = (const reflection_request *)message;
    reflection_response *reply = arena_alloc(job->arena, sizeof(*reply));
    if (reply == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for the answer");
    grpc__reflection__v1alpha__server_reflection_response__init(reply);
    reply->valid_host = request->host;
    reply->original_request = (reflection_request *)request;
    if (!say(job->arena, request, reply))
        return error_set(err, STATUS_NO_MEMORY, "no memory for the answer");
    *ret_reply = &reply->base;
    return STATUS_OK;
}

const struct grpc_method grpc_reflection_methods[] = {
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", GRPC_CONVERSATION,
     GRPC_LIMITED, &grpc__reflection__v1alpha__server_reflection_request__descriptor, answer},
    /* the same messages under a newer name, which newer tools try first */
    {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", GRPC_CONVERSATION, GRPC_LIMITED,
     &grpc__reflection__v1alpha__server_reflection_request__descriptor, answer},
};
const unsigned grpc_reflection_method_count = ARRAY_COUNT(grpc_reflection_methods);
