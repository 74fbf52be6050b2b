/* SPDX-License-Identifier: MIT */
/* A line of the file of ages, damaged in any way: it is refused, or what it says can be written and read
 * again, and lies neither in the future nor outside of what is remembered. */
#include "reconcilers/ages_line.h"

#include "test/fuzz/fuzz.h"

enum { NOW = 1000000 };

static void check(const struct ages *a)
{
    const struct memory *m = &a->memory;
    holds(a->identity && m->n_said <= SAID_MAX && strlen(a->said) <= AGES_SAID_MAX, "sizes");
    holds(m->row < ROW_COUNT && m->failure.row < ROW_COUNT && m->condition.wanted <= WANTED_GONE, "names");
    holds(m->condition.wanted_since <= NOW && m->condition.who_since <= NOW && m->row_since <= NOW, "times");
    for (size_t i = 0; i < m->n_said; i++)
        holds(m->said[i].code < FINDING_COUNT && m->said[i].since && m->said[i].since <= NOW, "findings");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char first[AGES_LINE_SIZE], second[AGES_LINE_SIZE];
    struct ages a, b;
    char *line = fuzz_string(data, size);
    if (!ages_line_parse(line, size, NOW, &a)) {
        check(&a);
        size_t len = ages_line_format(&a, first);
        const char *wrong = ages_line_parse(first, len, NOW, &b);
        holds(!wrong, "%s: %s", first, wrong);
        holds(ages_line_format(&b, second) == len && memcmp(first, second, len) == 0, "%s and %s", first,
              second);
    }
    free(line);
    return 0;
}
