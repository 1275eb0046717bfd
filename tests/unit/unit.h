/* cmocka with what it needs before it. */
#ifndef TIERCE_TESTS_UNIT_H
#define TIERCE_TESTS_UNIT_H

/* clang-format off: the order matters */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#endif
