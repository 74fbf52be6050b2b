/* SPDX-License-Identifier: MIT */
#include "schemas/lasting.h"

const struct lasting lasting_lines[] = {
#define X(owners, online, b, f, aid, who, code, aged, unaged, limit, ends, words)                        \
    {(owners),        (online),          (b),           (f),    (aid),  WAITS_FOR_##who, FINDING_##code, \
     SEVERITY_##aged, SEVERITY_##unaged, LIMIT_##limit, (ends), (words)},
    LASTING(X)
#undef X
};
const size_t lasting_count = sizeof lasting_lines / sizeof *lasting_lines;

unsigned lasting_state(enum xenbus_state state)
{
    return 1u << ((int)state + 1);
}

const struct lasting *lasting_find(unsigned owner, unsigned online, unsigned b, unsigned f, unsigned aid)
{
    for (size_t i = 0; i < lasting_count; i++) {
        const struct lasting *l = &lasting_lines[i];
        if (l->owners & owner && l->online & online && l->b & b && l->f & f && l->aid & aid)
            return l;
    }
    return NULL;
}
