/* SPDX-License-Identifier: MIT */
/* An assertion for what is looked at thousands of times in a test: libcheck's own ones tell a pipe where they
 * are each time, which costs more than all that is tested there. */
#ifndef XENRECON_TEST_REQUIRE_H
#define XENRECON_TEST_REQUIRE_H

#include <check.h>

#define require(condition, ...)        \
    do {                               \
        if (!(condition))              \
            ck_abort_msg(__VA_ARGS__); \
    } while (0)

#endif
