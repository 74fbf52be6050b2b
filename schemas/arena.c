/* SPDX-License-Identifier: MIT */
#include "schemas/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(max_align_t) char data[];
};

/* With its header a KiB: allocators are quick with blocks of that size, and most plans fit one */
enum { BLOCK = (int)(1024 - sizeof(struct arena_block)) };

/* A block with room for so much */
static struct arena_block *room_for(struct arena *a, size_t size)
{
    struct arena_block *b = a->head;
    if (b && b->size - b->used >= size)
        return b;
    size_t room = size > BLOCK ? size : BLOCK;
    b = xrealloc(NULL, sizeof *b + room);
    b->used = 0;
    b->size = room;
    b->next = a->head;
    return a->head = b;
}

/* Not zeroed */
static void *take(struct arena *a, size_t size)
{
    size_t align = _Alignof(max_align_t);
    size_t need = (size + align - 1) / align * align;
    struct arena_block *b = room_for(a, need);
    void *p = b->data + b->used;
    b->used += need;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return memset(take(a, size), 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *p = take(a, len + 1);
    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_join(struct arena *a, const char *directory, const char *name)
{
    size_t n = strlen(directory), len = strlen(name);
    char *p = take(a, n + 1 + len + 1);
    memcpy(p, directory, n);
    p[n] = '/';
    memcpy(p + n + 1, name, len + 1);
    return p;
}

char *arena_vprintf(struct arena *a, const char *format, va_list ap)
{
    enum { LIKELY = 128 }; /* so much room will do, mostly: printing twice is what costs */
    struct arena_block *b = room_for(a, LIKELY);
    char *first = b->data + b->used;
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(first, b->size - b->used, format, ap);
    assert(n >= 0); /* our formats are good, and their results are shorter than 2 GiB */
    char *p = take(a, (size_t)n + 1);
    if (p != first) /* this block had no room for it and its alignment */
        vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *p = arena_vprintf(a, format, ap);
    va_end(ap);
    return p;
}

void arena_free(struct arena *a)
{
    struct arena_block *next;
    for (struct arena_block *b = a->head; b; b = next) {
        next = b->next;
        free(b);
    }
    a->head = NULL;
}
