/* SPDX-License-Identifier: MIT */
#include "reconcilers/worker.h"

#include <string.h>

const char *worker_state_name(enum worker_state state)
{
    static const char *const names[] = {
#define X(name, text) [WORKER_##name] = (text),
        WORKER_STATES(X)
#undef X
    };
    return names[state];
}

uint64_t worker_published(const struct worker *w)
{
    uint64_t h = HASH_INIT;
    for (size_t i = 0; i < w->n_published; i++) {
        h = hash_bytes(h, w->published[i].key, strlen(w->published[i].key) + 1);
        h = hash_bytes(h, w->published[i].value, strlen(w->published[i].value) + 1);
    }
    return h | 1;
}
