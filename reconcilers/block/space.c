/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/space.h"

#include <stdio.h>
#include <stdlib.h>
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

/* From this offset on, and over the end. */
static void forbid(const struct space *s, size_t at, size_t len)
{
    size_t to_end = s->size - at;
    size_t first = len < to_end ? len : to_end;
    ASAN_POISON_MEMORY_REGION(s->base + at, first);
    ASAN_POISON_MEMORY_REGION(s->base, len - first);
}

void space_init(struct space *s, size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        fputs("xenrecon-blk: out of memory\n", stderr);
        abort();
    }
    *s = (struct space){.base = base, .size = size};
    forbid(s, 0, size);
}

void space_finish(struct space *s)
{
    if (s->base) {
        ASAN_UNPOISON_MEMORY_REGION(s->base, s->size); /* for who is there next */
        munmap(s->base, s->size);
    }
    *s = (struct space){0};
}

void *space_take(struct space *s, size_t len, size_t *held)
{
    size_t need = (len + PAGE - 1) / PAGE * PAGE, skip = 0;
    if (s->used == 0)
        s->next = 0;
    if (s->next + need > s->size)
        skip = s->size - s->next;
    if (need > s->size || s->used + skip + need > s->size)
        return NULL;
    size_t at = skip ? 0 : s->next;
    s->next = (at + need) % s->size;
    s->used += skip + need;
    *held += skip + need;
    s->touched = true;
    ASAN_UNPOISON_MEMORY_REGION(s->base + at, len);
    return s->base + at;
}

void space_undo(struct space *s, size_t held)
{
    s->next = (s->next + s->size - held % s->size) % s->size;
    s->used -= held;
    forbid(s, s->next, held);
}

void space_return(struct space *s, size_t held)
{
    forbid(s, (s->next + s->size - s->used) % s->size, held);
    s->used -= held;
}

void space_trim(struct space *s)
{
    if (s->used > 0 || !s->touched)
        return;
    madvise(s->base, s->size, MADV_DONTNEED);
    s->touched = false;
}
