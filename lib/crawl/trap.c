#include "crawl/trap.h"

#include <stdlib.h>
#include <string.h>

struct piece {
    const char *data;
    size_t size;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_same(const struct piece *a, const struct piece *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static bool is_number(const struct piece *piece)
{
    for (size_t i = 0; i < piece->size; i++)
        if (!is_digit(piece->data[i]))
            return false;
    return true;
}

/* The pieces between `separator`, without empty ones; at most `max`. Returns how many there are,
 * even beyond. */
static size_t split(const char *text, char separator, struct piece *pieces, size_t max)
{
    size_t count = 0;
    while (*text != '\0') {
        const char *end = strchr(text, separator);
        size_t size = end == NULL ? strlen(text) : (size_t)(end - text);
        if (size > 0 && count < max)
            pieces[count] = (struct piece){text, size};
        count += size > 0;
        text += size + (end != NULL);
    }
    return count;
}

/* ---- shapes ------------------------------------------------------------------------------------
 */

/* Whether the `length` parts from `at` on come TRAP_TIMES times in a row. Numbers alone are a date
 * or the like. */
static bool comes_again(const struct piece *parts, size_t count, size_t at, size_t length)
{
    bool numbers = true;
    if (at + length * TRAP_TIMES > count)
        return false;
    for (size_t i = at; i < at + length * (TRAP_TIMES - 1); i++)
        if (!is_same(&parts[i], &parts[i + length]))
            return false;
    for (size_t i = at; i < at + length; i++)
        numbers = numbers && is_number(&parts[i]);
    return !numbers;
}

static bool goes_round(const struct piece *parts, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        size_t times = 0;
        for (size_t length = 1; length <= TRAP_SEQUENCE_MAX; length++)
            if (comes_again(parts, count, at, length))
                return true;
        for (size_t i = at; i < count; i++)
            times += is_same(&parts[at], &parts[i]);
        if (times >= TRAP_TIMES_APART && !is_number(&parts[at]))
            return true;
    }
    return false;
}

const char *trap_shape(const struct url *url)
{
    struct piece parts[TRAP_PARTS_MAX];
    size_t count = split(url->path, '/', parts, TRAP_PARTS_MAX);
    if (count > TRAP_PARTS_MAX)
        return "its path has more than 32 parts, as those have that never end";
    if (goes_round(parts, count))
        return "its path repeats itself, as where a relative link goes round";
    if (url->query != NULL && split(url->query, '&', NULL, 0) > TRAP_PARAMETERS_MAX)
        return "its query has more than 16 parameters, as filters have that never end";
    return NULL;
}

/* ---- patterns ----------------------------------------------------------------------------------
 */

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* How long the number is that begins there; 0: none does. */
static size_t number_size(const char *text)
{
    enum { HEX_DIGITS_MIN = 8 };
    size_t hex = 0, decimal = 0;
    bool has_digit = false;
    while (is_hex(text[hex]))
        has_digit = is_digit(text[hex++]) || has_digit;
    while (is_digit(text[decimal]))
        decimal++;
    return hex >= HEX_DIGITS_MIN && has_digit ? hex : decimal;
}

static int compare_pieces(const void *a, const void *b)
{
    const struct piece *left = a, *right = b;
    size_t size = left->size < right->size ? left->size : right->size;
    int order = memcmp(left->data, right->data, size);
    return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

static void add_names(const char *query, struct buffer *ret_pattern)
{
    struct piece names[TRAP_PARAMETERS_MAX];
    size_t count = split(query, '&', names, TRAP_PARAMETERS_MAX);
    if (count > TRAP_PARAMETERS_MAX)
        count = TRAP_PARAMETERS_MAX;
    for (size_t i = 0; i < count; i++) {
        const char *end = memchr(names[i].data, '=', names[i].size);
        if (end != NULL)
            names[i].size = (size_t)(end - names[i].data);
    }
    qsort(names, count, sizeof(*names), compare_pieces);
    for (size_t i = 0; i < count; i++) {
        buffer_append_byte(ret_pattern, i == 0 ? '?' : '&');
        buffer_append(ret_pattern, names[i].data, names[i].size);
    }
}

bool trap_pattern(const struct url *url, struct buffer *ret_pattern)
{
    bool is_shared = url->query != NULL;
    for (const char *at = url->path; *at != '\0';) {
        size_t number = number_size(at);
        buffer_append_byte(ret_pattern, number > 0 ? '0' : (uint8_t)*at);
        at += number > 0 ? number : 1;
        is_shared = is_shared || number > 0;
    }
    if (url->query != NULL)
        add_names(url->query, ret_pattern);
    return is_shared;
}
