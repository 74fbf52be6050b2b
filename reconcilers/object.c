/* SPDX-License-Identifier: MIT */
#include "reconcilers/object.h"

#include "reconcilers/worker.h"

const char *object_phase_name(enum object_phase phase)
{
    static const char *const names[] = {
#define X(name, text) [OBJECT_##name] = (text),
        OBJECT_PHASES(X)
#undef X
    };
    return names[phase];
}

const char *worker_state_name(enum worker_state state)
{
    static const char *const names[] = {
#define X(name, text) [WORKER_##name] = (text),
        WORKER_STATES(X)
#undef X
    };
    return names[state];
}
