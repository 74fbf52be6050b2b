/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The address sanitizer sees to it that only pieces are touched, and no further than they are long. */
#if defined __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

enum { PAGE = 4096 };

static size_t pages(size_t len)
{
    return (len + PAGE - 1) / PAGE;
}

static void *reserve(size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return base;
}

void space_init(struct space *s, void *base, size_t size)
{
    *s = (struct space){.base = base ? base : reserve(size), .shared = base, .n_pages = size / PAGE};
    s->used = reserve(s->n_pages);
    ASAN_POISON_MEMORY_REGION(s->base, size);
}

void space_finish(struct space *s)
{
    if (s->base) {
        ASAN_UNPOISON_MEMORY_REGION(s->base, s->n_pages * PAGE); /* for who is there next */
        if (!s->shared)
            munmap(s->base, s->n_pages * PAGE);
        munmap(s->used, s->n_pages);
    }
    *s = (struct space){0};
}

/* The first stretch of so many free pages; n_pages: there is none. */
static size_t find(const struct space *s, size_t n)
{
    size_t at = s->first_free;
    while (at + n <= s->n_pages) {
        const unsigned char *in_use = memchr(s->used + at, 1, n);
        if (!in_use)
            return at;
        const unsigned char *next = memchr(in_use, 0, s->n_pages - (size_t)(in_use - s->used));
        if (!next)
            break;
        at = (size_t)(next - s->used);
    }
    return s->n_pages;
}

void *space_take(struct space *s, size_t len)
{
    size_t n = pages(len), at = find(s, n);
    if (at == s->n_pages)
        return NULL;
    memset(s->used + at, 1, n);
    if (at == s->first_free)
        s->first_free = at + n;
    if (s->touched < at + n)
        s->touched = at + n;
    ASAN_UNPOISON_MEMORY_REGION(s->base + at * PAGE, len);
    return s->base + at * PAGE;
}

void space_return(struct space *s, void *piece, size_t len)
{
    size_t at = (size_t)((char *)piece - s->base) / PAGE;
    memset(s->used + at, 0, pages(len));
    if (at < s->first_free)
        s->first_free = at;
    ASAN_POISON_MEMORY_REGION(piece, pages(len) * PAGE);
}

bool space_trim(struct space *s)
{
    const unsigned char *last = s->touched ? memrchr(s->used, 1, s->touched) : NULL;
    size_t end = last ? (size_t)(last - s->used) + 1 : 0;
    if (end < s->touched)
        madvise(s->base + end * PAGE, (s->touched - end) * PAGE, s->shared ? MADV_REMOVE : MADV_DONTNEED);
    s->touched = end;
    return end > 0;
}
