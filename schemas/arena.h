/* SPDX-License-Identifier: MIT */
/* Arena: memory of values that live and die together (a view, a plan, a report). Zero-initialise it to
 * begin; arena_free() gives everything back and leaves it empty and usable. */
#ifndef XENRECON_ARENA_H
#define XENRECON_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *head;
};

void *arena_alloc(struct arena *a, size_t size)
    __attribute__((returns_nonnull)); /* zeroed, aligned for all */
char *arena_strndup(struct arena *a, const char *s, size_t len) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
char *arena_join(struct arena *a, const char *directory, const char *name)
    __attribute__((returns_nonnull)); /* "directory/name" */
char *arena_printf(struct arena *a, const char *format, ...)
    __attribute__((returns_nonnull, format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list ap)
    __attribute__((returns_nonnull, format(printf, 2, 0)));
void arena_free(struct arena *a);

#endif
