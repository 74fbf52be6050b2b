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
        hash = hash_bytes(hash, &f->severity,
                          sizeof f->severity); /* a warning that has become an error is said again */
    }
    return hash;
}

/* The end of a finding is said, too. What could not be looked at has not ended. */
static void say_cleared(struct reconcile *r, const char *key)
{
    bool unread = r->plan->row == ROW_UNREADABLE;
    uint64_t found = unread ? r->d->findings : 0;
    r->d->errors = unread ? r->d->errors : 0;
    r->d->warnings = unread ? r->d->warnings : 0;
    for (size_t i = 0; i < r->plan->n_findings; i++) {
        const struct finding *f = &r->plan->findings[i];
        uint64_t bit = UINT64_C(1) << f->code;
        found |= bit;
        r->d->errors |= f->severity == SEVERITY_ERROR ? bit : 0;
        r->d->warnings |= f->severity == SEVERITY_WARNING ? bit : 0;
    }
    for (int i = 0; i < FINDING_COUNT; i++)
        if (r->d->findings & ~found & UINT64_C(1) << i) {
            const char *code = finding_code_name((enum finding_code)i);
            const struct log_about about = {.row = row_name(r->plan->row), .finding = code, .cleared = true};
            log_about(LOG_LEVEL_INFO, &about, "%s: cleared: %s", key, code);
        }
    r->d->findings = found;
}

void reconcile_log_findings(struct reconcile *r, const char *key)
{
    static const enum log_level log_levels[] = {[SEVERITY_INFO] = LOG_LEVEL_INFO,
                                                [SEVERITY_WARNING] = LOG_LEVEL_WARNING,
                                                [SEVERITY_ERROR] = LOG_LEVEL_ERROR};
    uint64_t hash = hash_findings(r->plan);
    if (hash == r->d->logged)
        return;
    r->d->logged = hash;
    say_cleared(r, key);
    for (size_t i = 0; i < r->plan->n_findings; i++) {
        const struct finding *f = &r->plan->findings[i];
        const char *code = finding_code_name(f->code);
        const struct log_about about = {.row = row_name(r->plan->row), .finding = code};
        log_about(log_levels[f->severity], &about, "%s: %s: %s", key, code, f->message);
    }
}

void reconcile_log_actions(struct reconcile *r, const char *key)
{
    bool dry = r->e->cfg.dry_run && plan_acts(r->plan);
    if (dry && r->d->memory.row == r->plan->row && !r->first)
        return; /* said already */
    for (size_t i = 0; i < r->plan->n_actions; i++) {
        const char *action = action_name(r->plan->actions[i].kind);
        const struct log_about about = {.row = row_name(r->plan->row), .action = action};
        log_about(LOG_LEVEL_INFO, &about, "%s: %s%s: %s", key, dry ? "would " : "", action,
                  r->plan->actions[i].reason);
    }
}

void reconcile_log_observe(const struct reconcile *r, enum reconcile_outcome outcome, int error)
{
    const struct engine *e = r->e;
    const struct device *d = r->d;
    if (!e->cfg.observe)
        return;
    struct reconciled reconciled = {
        .key = &d->key,
        .policy = r->policy,
        .view = r->view,
        .plan = r->plan,
        .memory = &d->memory,
        .worker = r->worker.state != WORKER_NONE ? &r->worker : NULL,
        .outcome = outcome,
        .error = error,
        .took = outcome == RECONCILE_FOLLOWED ? 0 : e->cfg.stopwatch(e->cfg.arg) - r->begun};
    reconciled.news = r->plan && (r->plan->n_actions || error || r->first || r->plan->row != d->memory.row ||
                                  hash_findings(r->plan) != d->logged);
    e->cfg.observe(e->cfg.arg, &reconciled);
}
