/* SPDX-License-Identifier: MIT */
#include "schemas/finding.h"

struct finding_text {
    const char *name, *advice;
};

static const struct finding_text findings[] = {
#define X(name, text, advice) [FINDING_##name] = {(text), (advice)},
    FINDINGS(X)
#undef X
};
_Static_assert(sizeof findings / sizeof *findings == FINDING_COUNT, "every code has a name and advice");

static const char *const severities[] = {
#define X(name, text) [SEVERITY_##name] = (text),
    SEVERITIES(X)
#undef X
};
_Static_assert(sizeof severities / sizeof *severities == SEVERITY_ERROR + 1, "every severity has a name");

const char *finding_code_name(enum finding_code code)
{
    return findings[code].name;
}

const char *finding_advice(enum finding_code code)
{
    return findings[code].advice;
}

const char *waits_for_name(enum waits_for who)
{
    static const char *const names[] = {
#define X(name, text) [WAITS_FOR_##name] = (text),
        WAITED_FOR(X)
#undef X
    };
    return names[who];
}

const char *severity_name(enum severity severity)
{
    return severities[severity];
}
