/* SPDX-License-Identifier: MIT */
#include "schemas/health_text.h"

enum colour health_text_colour(enum health health)
{
    static const enum colour colours[HEALTH_COUNT] = {[HEALTH_FAILED] = BAD,
                                                      [HEALTH_DEGRADED] = UNSURE,
                                                      [HEALTH_UNKNOWN] = UNSURE,
                                                      [HEALTH_PENDING] = PLAIN,
                                                      [HEALTH_OK] = GOOD};
    return colours[health];
}

void health_text_counts(const size_t n[static HEALTH_COUNT], const struct terminal *term, FILE *to)
{
    const char *before = ": ";
    for (enum health h = 0; h < HEALTH_COUNT; h++) {
        if (!n[h])
            continue;
        fputs(before, to);
        terminal_begin(term, health_text_colour(h), to);
        fprintf(to, "%zu %s", n[h], health_name(h));
        terminal_end(term, health_text_colour(h), to);
        before = ", ";
    }
}
