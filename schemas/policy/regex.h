/* SPDX-License-Identifier: MIT */
/* Regular expressions: POSIX extended ones, without what would let a text of 4 KiB take more than a moment to
 * match, or a short expression more than a moment to compile. */
#ifndef XENRECON_EXPRESSION_H
#define XENRECON_EXPRESSION_H

#include <regex.h>

enum {
    EXPRESSION_COST_MAX = 1000, /* characters, once each repetition is written out */
    EXPRESSION_WHY_SIZE = 128,
};

/* 0 and *ret_regex, or -EINVAL and a phrase in `why`. */
int expression_compile(const char *text, regex_t *ret_regex, char why[static EXPRESSION_WHY_SIZE]);

#endif
