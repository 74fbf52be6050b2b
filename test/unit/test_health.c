/* SPDX-License-Identifier: MIT */
/* How a device is, in one word: the worst counts. */
#include "schemas/health.h"
#include "test/lib/unit.h"

enum { NOTHING = -1 };
static const struct {
    int action;
    bool unmet;
    int code[2];
    enum severity severity[2];
    enum health want;
} cases[] = {
    {NOTHING, false, {NOTHING, NOTHING}, {0, 0}, HEALTH_OK},
    {NOTHING, true, {NOTHING, NOTHING}, {0, 0}, HEALTH_PENDING},
    {ACTION_CREATE, false, {NOTHING, NOTHING}, {0, 0}, HEALTH_PENDING},
    {NOTHING, false, {FINDING_CLOSED_ONLINE, NOTHING}, {SEVERITY_INFO, 0}, HEALTH_OK},
    {NOTHING, true, {FINDING_STUCK_CONNECT, NOTHING}, {SEVERITY_WARNING, 0}, HEALTH_DEGRADED},
    {NOTHING,
     true,
     {FINDING_STUCK_CONNECT, FINDING_LOST_WRITE},
     {SEVERITY_WARNING, SEVERITY_ERROR},
     HEALTH_FAILED},
    {NOTHING,
     true,
     {FINDING_LOST_WRITE, FINDING_STUCK_CONNECT},
     {SEVERITY_ERROR, SEVERITY_WARNING},
     HEALTH_FAILED},
    {NOTHING, false, {FINDING_UNREADABLE, NOTHING}, {SEVERITY_WARNING, 0}, HEALTH_UNKNOWN},
    {NOTHING,
     false,
     {FINDING_UNREADABLE, FINDING_GUEST_ERROR},
     {SEVERITY_WARNING, SEVERITY_WARNING},
     HEALTH_DEGRADED},
};

START_TEST(test_health)
{
    struct plan *p = plan_new();
    p->condition.unmet = cases[_i].unmet;
    if (cases[_i].action != NOTHING)
        plan_add_action(p, (enum action_kind)cases[_i].action, "so");
    for (int i = 0; i < 2; i++)
        if (cases[_i].code[i] != NOTHING)
            plan_add_finding(p, (enum finding_code)cases[_i].code[i], cases[_i].severity[i], "so");
    ck_assert_str_eq(health_name(health_of(p)), health_name(cases[_i].want));
    plan_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("health");
    TCase *t = tcase_create("health");
    tcase_add_loop_test(t, test_health, 0, COUNT(cases));
    suite_add_tcase(s, t);
    return run_suite(s);
}
