/* SPDX-License-Identifier: MIT */
/* The earliest device is the first, whatever was taken in, moved and taken out. */
#include "controller/engine/due_heap.h"

#include <check.h>
#include <stdlib.h>

#include "controller/engine/device_table.h"
#include "test/lib/unit.h"

enum { DEVICES = 200, CHANGES = 20000 };

static uint64_t earliest(const struct device *devices, size_t *ret_n)
{
    uint64_t first = 0;
    *ret_n = 0;
    for (size_t i = 0; i < DEVICES; i++) {
        uint64_t time = due_heap_time(&devices[i]);
        *ret_n += time != 0;
        if (time && (!first || time < first))
            first = time;
    }
    return first;
}

START_TEST(the_earliest_is_first)
{
    static struct device devices[DEVICES];
    struct due_heap w = {0};
    size_t n;
    srand(1);
    for (int i = 0; i < CHANGES; i++) {
        struct device *d = &devices[rand() % DEVICES];
        uint64_t time = rand() % 3 ? (uint64_t)(rand() % 50 + 1) : 0;
        if (rand() % 2)
            d->due = time;
        else
            d->held = time;
        due_heap_update(&w, d);
        uint64_t first = earliest(devices, &n);
        ck_assert_uint_eq(w.n, n);
        ck_assert(n ? due_heap_first(&w) && due_heap_time(due_heap_first(&w)) == first : !due_heap_first(&w));
        bool placed = true;
        for (size_t at = 0; at < w.n; at++)
            placed &= w.heap[at]->heap_place == at + 1;
        ck_assert(placed);
    }
    due_heap_finish(&w);
    ck_assert_ptr_null(due_heap_first(&w));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("due heap");
    TCase *tc = tcase_create("due heap");
    tcase_add_test(tc, the_earliest_is_first);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
