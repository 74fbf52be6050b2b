/* SPDX-License-Identifier: MIT */
/* A dump, from its text. */
#ifndef XENRECON_TEST_DUMP_TEXT_H
#define XENRECON_TEST_DUMP_TEXT_H

#include "schemas/dump/dump.h"
#include "test/lib/unit.h"

/* The text with nothing behind it, so that a sanitizer sees who reads too far. */
static inline struct dump *parsed(const char *text, size_t len)
{
    struct dump *d = NULL;
    struct diagnostic why = {.message = ""};
    char *copy = exactly(text, len);
    int error = dump_parse("x", copy, len, &d, &why);
    free(copy);
    ck_assert_msg(error == 0, "%s", why.message);
    return d;
}

#endif
