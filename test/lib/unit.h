/* SPDX-License-Identifier: MIT */
/* What unit tests share. */
#ifndef XENRECON_TEST_UNIT_H
#define XENRECON_TEST_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define BYTES(text)  (text), sizeof(text) - 1 /* a literal, with the NULs in it, and its length */

/* libcheck's limit, which is 4 s otherwise, is there to end what hangs: what is measured, is so in the test.
 * Read when a test case is made. */
__attribute__((constructor)) static void limit_tests(void)
{
    setenv("CK_DEFAULT_TIMEOUT", "900", 0);
}

/* A copy with nothing behind it, so that a sanitizer sees who reads too far. For free(). */
static inline char *exactly(const char *text, size_t len)
{
    char *p = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(p);
    memcpy(p, text, len);
    return p;
}

/* All of a file of the repository, from whose root tests are run; ends in a NUL. For free(). */
static inline char *file_text(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "r");
    ck_assert_msg(f && fseek(f, 0, SEEK_END) == 0, "cannot open %s: run this from the root of the repository",
                  path);
    long size = ftell(f);
    ck_assert_int_ge(size, 0);
    rewind(f);
    char *text = calloc(1, (size_t)size + 1);
    ck_assert_ptr_nonnull(text);
    *ret_len = fread(text, 1, (size_t)size, f);
    fclose(f);
    return text;
}

/* Takes the suite over; returns main's exit status. */
static inline int run_suite(Suite *s)
{
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
