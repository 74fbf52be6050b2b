/* SPDX-License-Identifier: MIT */
#include "reconcilers/object.h"

const char *object_phase_name(enum object_phase phase)
{
    static const char *const names[] = {
#define X(name, text) [OBJECT_##name] = (text),
        OBJECT_PHASES(X)
#undef X
    };
    return names[phase];
}
