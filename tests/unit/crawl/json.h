/*
 * Just enough JSON to read the test suites of others: a tree in an arena. Lone surrogates, which
 * those suites use on purpose, become U+FFFD.
 */
#ifndef TIERCE_TESTS_JSON_H
#define TIERCE_TESTS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "crawl/utf8.h"

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    const char *name;   /* within an object */
    const char *text;   /* of a string */
    size_t text_size;   /* it may hold zeros */
    struct json *first; /* of an array or object */
    struct json *next;
};

struct json_reader {
    const char *at;
    struct arena *arena;
};

static struct json *json_value(struct json_reader *reader);

static void json_space(struct json_reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

static bool json_take(struct json_reader *reader, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(reader->at, word, size) != 0)
        return false;
    reader->at += size;
    return true;
}

static uint32_t json_unit(struct json_reader *reader)
{
    char digits[5] = {0};
    memcpy(digits, reader->at, 4);
    reader->at += 4;
    return (uint32_t)strtoul(digits, NULL, 16);
}

static uint32_t json_escape(struct json_reader *reader)
{
    char c = *reader->at++;
    const char *plain = strchr("b\bf\fn\nr\rt\t", c);
    if (c != 'u')
        return plain == NULL ? (uint8_t)c : (uint8_t)plain[1];
    uint32_t unit = json_unit(reader);
    if (unit >= 0xD800 && unit < 0xDC00 && strncmp(reader->at, "\\u", 2) == 0) {
        struct json_reader ahead = {.at = reader->at + 2};
        uint32_t low = json_unit(&ahead);
        if (low >= 0xDC00 && low < 0xE000) {
            reader->at = ahead.at;
            return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return unit >= 0xD800 && unit < 0xE000 ? UTF8_REPLACEMENT : unit;
}

static const char *json_string(struct json_reader *reader, size_t *ret_size)
{
    CHECK(json_take(reader, "\""));
    size_t room = strlen(reader->at) + 1;
    for (size_t i = 0; reader->at[i] != '"'; i++) {
        i += reader->at[i] == '\\';
        room = i + 3;
    }
    char *text = check_alloc(arena_alloc(reader->arena, room));
    size_t size = 0;
    while (*reader->at != '"') {
        char c = *reader->at++;
        if (c == '\\')
            size += utf8_put(json_escape(reader), text + size);
        else
            text[size++] = c;
    }
    reader->at++;
    text[size] = '\0';
    *ret_size = size;
    return text;
}

static void json_members(struct json_reader *reader, struct json *parent, char end)
{
    struct json **place = &parent->first;
    json_space(reader);
    while (*reader->at != end) {
        const char *name = NULL;
        size_t name_size;
        if (end == '}') {
            name = json_string(reader, &name_size);
            json_space(reader);
            CHECK(json_take(reader, ":"));
        }
        struct json *member = json_value(reader);
        member->name = name;
        *place = member;
        place = &member->next;
        json_space(reader);
        if (!json_take(reader, ","))
            CHECK(*reader->at == end);
        json_space(reader);
    }
    reader->at++;
}

static struct json *json_value(struct json_reader *reader)
{
    struct json *value = check_alloc(arena_zalloc(reader->arena, sizeof(*value)));
    json_space(reader);
    if (*reader->at == '"') {
        value->kind = JSON_STRING;
        value->text = json_string(reader, &value->text_size);
    } else if (json_take(reader, "[")) {
        value->kind = JSON_ARRAY;
        json_members(reader, value, ']');
    } else if (json_take(reader, "{")) {
        value->kind = JSON_OBJECT;
        json_members(reader, value, '}');
    } else if (json_take(reader, "true")) {
        value->kind = JSON_TRUE;
    } else if (json_take(reader, "false")) {
        value->kind = JSON_FALSE;
    } else if (json_take(reader, "null")) {
        value->kind = JSON_NULL;
    } else {
        value->kind = JSON_NUMBER;
        size_t size = strspn(reader->at, "+-.0123456789eE");
        CHECK(size > 0);
        reader->at += size;
    }
    return value;
}

/* The tree of a zero-terminated text; aborts on what is no JSON. */
static inline struct json *json_read(const char *text, struct arena *arena)
{
    struct json_reader reader = {.at = text, .arena = arena};
    return json_value(&reader);
}

/* NULL where there is none. */
static inline const struct json *json_member(const struct json *object, const char *name)
{
    const struct json *member = object->kind == JSON_OBJECT ? object->first : NULL;
    while (member != NULL && strcmp(member->name, name) != 0)
        member = member->next;
    return member;
}

/* The text of a member; NULL where there is none or it is no string. */
static inline const char *json_text(const struct json *object, const char *name)
{
    const struct json *member = json_member(object, name);
    return member == NULL || member->kind != JSON_STRING ? NULL : member->text;
}

#endif
