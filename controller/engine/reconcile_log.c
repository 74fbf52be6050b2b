/* SPDX-License-Identifier: MIT */
#include "controller/engine/reconcile_log.h"

#include <string.h>

#include "controller/base/log.h"

static uint64_t hash_findings(const struct plan *p)
{
    uint64_t hash = HASH_INIT;
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        hash = hash_bytes(hash, f->message, strlen(f->message));
        hash = hash_bytes(hash, &f->severity, sizeof f->severity); /* what became an error is said again */
    }
    return hash;
}

void log_findings(struct look *l, const char *key)
{
    static const enum log_level log_levels[] = {[SEVERITY_INFO] = LOG_LEVEL_INFO,
                                                [SEVERITY_WARNING] = LOG_LEVEL_WARNING,
                                                [SEVERITY_ERROR] = LOG_LEVEL_ERROR};
    uint64_t hash = hash_findings(l->plan);
    if (hash == l->d->logged)
        return;
    l->d->logged = hash;
    l->d->findings = 0;
    for (size_t i = 0; i < l->plan->n_findings; i++)
        l->d->findings |= UINT64_C(1) << l->plan->findings[i].code;
    for (size_t i = 0; i < l->plan->n_findings; i++) {
        const struct finding *f = &l->plan->findings[i];
        const char *code = finding_code_name(f->code);
        const struct log_about about = {.row = row_name(l->plan->row), .finding = code};
        log_about(log_levels[f->severity], &about, "%s: %s: %s", key, code, f->message);
    }
}

void log_actions(struct look *l, const char *key)
{
    bool dry = l->e->cfg.dry_run && plan_acts(l->plan);
    if (dry && l->d->memory.row == l->plan->row && !l->first)
        return; /* said already */
    for (size_t i = 0; i < l->plan->n_actions; i++) {
        const char *action = action_name(l->plan->actions[i].kind);
        const struct log_about about = {.row = row_name(l->plan->row), .action = action};
        log_about(LOG_LEVEL_INFO, &about, "%s: %s%s: %s", key, dry ? "would " : "", action,
                  l->plan->actions[i].reason);
    }
}

const char *look_outcome_name(enum look_outcome outcome)
{
    static const char *const names[] = {[LOOK_DONE] = "done",
                                        [LOOK_FAILED] = "failed",
                                        [LOOK_CONFLICT] = "conflict",
                                        [LOOK_FOLLOWED] = "follows"};
    return names[outcome];
}

/* Before anything of it is remembered. */
void observe(const struct look *l, enum look_outcome outcome, int error)
{
    const struct engine *e = l->e;
    const struct device *d = l->d;
    if (!e->cfg.observe)
        return;
    struct looked looked = {.key = &d->key,
                            .policy = l->policy,
                            .view = l->view,
                            .plan = l->plan,
                            .memory = &d->memory,
                            .worker = l->worker.state != WORKER_NONE ? &l->worker : NULL,
                            .outcome = outcome,
                            .error = error,
                            .took = outcome == LOOK_FOLLOWED ? 0 : e->cfg.stopwatch(e->cfg.arg) - l->begun};
    looked.news = l->plan && (l->plan->n_actions || error || l->first || l->plan->row != d->memory.row ||
                              hash_findings(l->plan) != d->logged);
    e->cfg.observe(e->cfg.arg, &looked);
}
