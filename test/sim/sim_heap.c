/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_heap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZE = 64 << 20,
    STEP = 16,
    SMALL = 1024, /* sizes up to here are multiples of STEP; beyond, four to each power of two */
    CLASSES = SMALL / STEP + 4 * 20,
};

/* At the heap's beginning, so that it is saved with it. */
struct state {
    size_t used, live;
    void *freed[CLASSES + 1];
};

static _Alignas(16) char heap[SIZE];
static bool in_use;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker makes these names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void __wrap_free(void *p);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct state *state(void)
{
    return (struct state *)(void *)heap;
}

static bool is_ours(const void *p)
{
    return (uintptr_t)p >= (uintptr_t)heap && (uintptr_t)p < (uintptr_t)heap + SIZE;
}

static unsigned class_of(size_t n, size_t *ret_size)
{
    if (n <= SMALL) {
        unsigned class = (unsigned)((n + STEP - 1) / STEP);
        *ret_size = (size_t) class * STEP;
        return class;
    }
    unsigned shift = 63 - (unsigned)__builtin_clzl(n - 1);
    size_t quarter = (size_t)1 << (shift - 2), part = (n - 1 - ((size_t)1 << shift)) / quarter;
    *ret_size = ((size_t)1 << shift) + (part + 1) * quarter;
    return SMALL / STEP + 1 + (shift - 10) * 4 + (unsigned)part;
}

/* Each piece has its size in front. */
static size_t size_of(const void *p)
{
    size_t size;
    memcpy(&size, (const char *)p - STEP, sizeof size);
    return size;
}

static void *take(size_t n)
{
    struct state *s = state();
    size_t size;
    unsigned class = class_of(n ? n : 1, &size);
    char *p = s->freed[class];
    s->live++;
    if (p) {
        memcpy(&s->freed[class], p, sizeof s->freed[0]);
    } else if (s->used + STEP + size > SIZE) {
        fputs("sim: the heap is full\n", stderr);
        abort();
    } else {
        p = heap + s->used + STEP;
        s->used += STEP + size;
    }
    memcpy(p - STEP, &n, sizeof n);
    return p;
}

void *__wrap_malloc(size_t size)
{
    return in_use ? take(size) : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return in_use ? memset(take(n * size), 0, n * size) : __real_calloc(n, size);
}

void __wrap_free(void *p)
{
    struct state *s = state();
    size_t size;
    if (!is_ours(p)) {
        __real_free(p);
        return;
    }
    unsigned class = class_of(size_of(p) ? size_of(p) : 1, &size);
    memcpy(p, &s->freed[class], sizeof s->freed[0]);
    s->freed[class] = p;
    s->live--;
}

void *__wrap_realloc(void *p, size_t size)
{
    if (!(p ? is_ours(p) : in_use))
        return __real_realloc(p, size);
    char *grown = take(size);
    if (p)
        memcpy(grown, p, size_of(p) < size ? size_of(p) : size);
    __wrap_free(p);
    return grown;
}

char *__wrap_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = __wrap_calloc(1, len + 1);
    return copy ? memcpy(copy, s, len) : NULL;
}

char *__wrap_strdup(const char *s)
{
    return __wrap_strndup(s, strlen(s));
}

void sim_heap_use(bool use)
{
    in_use = use;
}

void sim_heap_reset(void)
{
    memset(heap, 0, sizeof(struct state));
    state()->used = (sizeof(struct state) + STEP - 1) / STEP * STEP;
}

size_t sim_heap_live(void)
{
    return state()->live;
}

void sim_heap_save(struct sim_image *to)
{
    to->len = state()->used;
    if (to->cap < to->len) {
        to->cap = to->len;
        to->bytes = __real_realloc(to->bytes, to->cap);
        if (!to->bytes)
            abort();
    }
    memcpy(to->bytes, heap, to->len);
}

void sim_heap_restore(const struct sim_image *from)
{
    memcpy(heap, from->bytes, from->len);
}
