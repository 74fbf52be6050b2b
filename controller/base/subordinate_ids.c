/* SPDX-License-Identifier: MIT */
#include "controller/base/subordinate_ids.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/arena.h"
#include "schemas/device.h"
#include "schemas/printable.h"

struct range {
    const char *owner;
    uint64_t first, n;
};

static bool parse_number(const char *text, char end, const char **ret_rest, uint64_t *ret)
{
    char *rest;
    if (!isdigit((unsigned char)*text))
        return false;
    *ret = strtoull(text, &rest, 10);
    *ret_rest = rest + 1;
    return *ret <= UINT32_MAX && (*rest == end || (end == '\n' && !*rest));
}

/* "<user>:<first>:<count>" */
static bool parse_line(char *line, struct range *ret)
{
    const char *at = strchr(line, ':');
    if (!at)
        return false;
    line[at++ - line] = '\0';
    ret->owner = line;
    return parse_number(at, ':', &at, &ret->first) && parse_number(at, '\n', &at, &ret->n);
}

bool subordinate_ids_overlap(const char *path, const char *policy, uint32_t uid_base,
                             struct diagnostic *ret_why)
{
    uint64_t first = uid_base, last = (uint64_t)uid_base + DOMID_MAX;
    struct arena a = {0};
    struct range r;
    char *line = NULL;
    size_t size = 0;
    bool overlaps = false;
    FILE *f = fopen(path, "re");
    for (unsigned n = 1; f && !overlaps && getline(&line, &size, f) > 0; n++) {
        overlaps = parse_line(line, &r) && strcmp(r.owner, SUBORDINATE_OWNER) != 0 && r.n > 0 &&
                   r.first <= last && r.first + r.n > first;
        if (overlaps)
            diagnostic_set(
                ret_why, policy, 0, 0, NULL, 0,
                "`uid-base`: the users %u to %llu would share numbers with those that %s:%u gives to "
                "%s, %llu to %llu; 1900000000 is out of their way",
                uid_base, (unsigned long long)last, path, n, printable(&a, r.owner),
                (unsigned long long)r.first, (unsigned long long)(r.first + r.n - 1));
    }
    if (f)
        fclose(f);
    free(line);
    arena_free(&a);
    return overlaps;
}
