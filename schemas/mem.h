/* SPDX-License-Identifier: MIT */
/* Memory: everything a guest can size is capped before it is allocated, so running out means that the host
 * is out of memory. We abort then; a level-triggered daemon recovers by being restarted. */
#ifndef XENRECON_MEM_H
#define XENRECON_MEM_H

#include <stddef.h>

void *xcalloc(size_t n, size_t size) __attribute__((returns_nonnull, malloc));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((returns_nonnull, malloc));
char *xstrndup(const char *s, size_t len) __attribute__((returns_nonnull, malloc));
/* Grows *array (elements of `size` bytes, *cap of them) so that at least n fit. */
void xgrow(void *array, size_t *cap, size_t n, size_t size);

#endif
