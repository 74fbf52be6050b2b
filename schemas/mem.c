/* SPDX-License-Identifier: MIT */
#include "schemas/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
    if (!p) { /* GCOVR_EXCL_START: there is always memory in a test */
        fputs("xenrecon: out of memory\n", stderr);
        abort();
    } /* GCOVR_EXCL_STOP */
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
    return must(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
    return must(strdup(s));
}

char *xstrndup(const char *s, size_t len)
{
    return must(strndup(s, len));
}

void xgrow(void *array, size_t *cap, size_t n, size_t size)
{
    void *p;
    if (n <= *cap)
        return;
    size_t want = *cap ? *cap * 2 : 8;
    if (want < n)
        want = n;
    memcpy(&p, array, sizeof p);
    p = must(want > SIZE_MAX / size ? NULL : realloc(p, want * size));
    memcpy(array, &p, sizeof p);
    *cap = want;
}
