/* SPDX-License-Identifier: MIT */
#include "schemas/health.h"

#include <string.h>

const char *health_name(enum health health)
{
    static const char *const names[] = {
#define X(name, text) [HEALTH_##name] = (text),
        HEALTHS(X)
#undef X
    };
    return names[health];
}

enum health health_parse(const char *name)
{
    for (enum health h = 0; name && h < HEALTH_COUNT; h++)
        if (strcmp(name, health_name(h)) == 0)
            return h;
    return HEALTH_UNKNOWN;
}

enum health health_of(const struct plan *plan)
{
    enum health worst = plan->unread                               ? HEALTH_UNKNOWN
                        : plan->n_actions || plan->condition.unmet ? HEALTH_PENDING
                                                                   : HEALTH_OK;
    for (size_t i = 0; i < plan->n_findings; i++) {
        const struct finding *f = &plan->findings[i];
        enum health health = f->severity == SEVERITY_ERROR     ? HEALTH_FAILED
                             : f->code == FINDING_UNREADABLE   ? HEALTH_UNKNOWN
                             : f->severity == SEVERITY_WARNING ? HEALTH_DEGRADED
                                                               : worst;
        if (health < worst)
            worst = health;
    }
    return worst;
}
