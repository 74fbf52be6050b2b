/* SPDX-License-Identifier: MIT */
#include "schemas/nearest.h"

#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 64, TOO_FAR = 3 };

/* Characters to insert, remove or replace to make b of a. Both are at most WORD_MAX long. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t len = strlen(b);
    for (unsigned j = 0; j <= len; j++)
        row[j] = j;
    for (unsigned i = 1; *a; a++, i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            unsigned best = diagonal + (*a != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[len];
}

void nearest_try(struct nearest *n, const char *word)
{
    size_t len = strlen(n->written);
    if (len > WORD_MAX || strlen(word) > WORD_MAX)
        return;
    unsigned distance = edit_distance(n->written, word);
    if (distance > len / 2 || distance >= TOO_FAR)
        return;
    size_t at = 0;
    while (at < NEAREST_MAX && n->words[at] && n->distances[at] <= distance)
        if (strcmp(n->words[at++], word) == 0)
            return;
    for (size_t i = NEAREST_MAX; i-- > at + 1;) {
        n->words[i] = n->words[i - 1];
        n->distances[i] = n->distances[i - 1];
    }
    if (at < NEAREST_MAX) {
        n->words[at] = word;
        n->distances[at] = distance;
    }
}
