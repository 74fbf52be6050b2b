/* SPDX-License-Identifier: MIT */
#include "reconcilers/ring.h"

#include <string.h>

bool ring_has_key(const struct policy *p, const struct key_spec *spec)
{
    return spec->required == REQUIRED_CONNECT || (p->worker.command && spec->required != REQUIRED_CREATE);
}

uint64_t ring_of(const struct policy *p, const struct view *v)
{
    uint64_t h = HASH_INIT;
    for (size_t i = 0; i < v->n_keys[FRONTEND]; i++) {
        const struct view_key *k = &v->keys[FRONTEND][i];
        const struct key_spec *spec = policy_find_key(p, FRONTEND, k->name);
        if (!spec || !ring_has_key(p, spec) || k->value.presence != PRESENT)
            continue;
        h = hash_bytes(h, k->name, strlen(k->name) + 1);
        h = hash_bytes(h, k->value.text, k->value.len);
        h = hash_bytes(h, "", 1);
    }
    return h;
}
