/* SPDX-License-Identifier: MIT */
#include "schemas/report/report.h"

#include "schemas/json.h"
#include "schemas/report/report_json.h"

static json_t *state(enum xenbus_state s)
{
    return s == XENBUS_ABSENT || s == XENBUS_INVALID ? json_null() : jtext(xenbus_state_name(s)); /* or "?" */
}

static json_t *words(const char *const *list)
{
    json_t *array = jarray();
    for (; *list; list++)
        jappend(array, jtext(*list));
    return array;
}

static json_t *action_json(const struct action *act)
{
    json_t *o = jobject(), *writes = jarray(), *removes = jarray();
    for (size_t i = 0; i < act->n_writes; i++) {
        json_t *one = jobject();
        jput(one, "path", jtext(act->writes[i].path));
        jput(one, "value", jtext(act->writes[i].value));
        jappend(writes, one);
    }
    for (size_t i = 0; i < act->n_removals; i++)
        jappend(removes, jtext(act->removals[i].path));
    jput(o, "action", jtext(action_name(act->kind)));
    jput(o, "reason", jtext(act->reason));
    jput(o, "writes", writes);
    jput(o, "removes", removes);
    if (act->argv) {
        jput(o, "command", words(act->argv));
        jput(o, "environment", words(act->env));
    }
    return o;
}

/* null where it is not known. */
static json_t *time_json(const struct report *r, uint64_t at)
{
    return jtime(r->epoch && at ? r->epoch + at : 0);
}

static json_t *findings_json(const struct report *r, const struct plan *p)
{
    json_t *list = jarray();
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        json_t *o = jobject();
        jput(o, "code", jtext(finding_code_name(f->code)));
        jput(o, "severity", jtext(severity_name(f->severity)));
        jput(o, "message", jtext(f->message));
        jput(o, "advice", jtext(finding_advice(f->code)));
        jput(o, "waits_for", jtext(waits_for_name(f->who)));
        jput(o, "since", time_json(r, f->since));
        jappend(list, o);
    }
    return list;
}

static json_t *device_json(const struct report *r, const struct report_device *d)
{
    char key[DEVICE_KEY_SIZE];
    device_key_format(&d->key, key);
    json_t *o = jobject(), *actions = jarray();
    for (size_t i = 0; i < d->plan->n_actions; i++)
        jappend(actions, action_json(&d->plan->actions[i]));
    jput(o, "device", jtext(key));
    jput(o, "backend_domid", jcount(d->backend_domid));
    jput(o, "type", jtext(d->key.type));
    jput(o, "frontend_domid", jcount(d->key.domid));
    jput(o, "frontend_name", jtext(d->frontend_name));
    jput(o, "devid", jtext(d->key.devid));
    jput(o, "health", jtext(health_name(health_of(d->plan))));
    jput(o, "owner", jtext(owner_name(d->owner)));
    jput(o, "online", d->online < 0 ? json_null() : json_boolean(d->online));
    jput(o, "backend_state", state(d->backend_state));
    jput(o, "frontend_state", state(d->frontend_state));
    jput(o, "frontend", d->frontend ? jtext(d->frontend) : json_null());
    jput(o, "row", jtext(row_name(d->plan->row)));
    jput(o, "wanted", jtext(wanted_name(d->plan->condition.wanted)));
    jput(o, "wanted_since", time_json(r, d->plan->condition.wanted_since));
    jput(o, "actions", actions);
    jput(o, "findings", findings_json(r, d->plan));
    return o;
}

static json_t *summary_json(const struct report *r)
{
    struct report_summary s = report_summarize(r);
    json_t *o = jobject(), *health = jobject();
    jput(o, "devices", jcount(s.devices));
    jput(o, "actions", jcount(s.actions));
    jput(o, "errors", jcount(s.errors));
    jput(o, "warnings", jcount(s.warnings));
    for (enum health h = 0; h < HEALTH_COUNT; h++)
        jput(health, health_name(h), jcount(s.health[h]));
    jput(o, "health", health);
    return o;
}

json_t *report_json(const struct report *r)
{
    json_t *root = jobject(), *devices = jarray();
    for (size_t i = 0; i < r->n_devices; i++) {
        jappend(devices, device_json(r, &r->devices[i]));
    }
    jput(root, "version", jcount(1));
    jput(root, "host", jtext(r->hostname));
    jput(root, "source", jtext(r->source));
    jput(root, "generated", jtime(r->generated));
    jput(root, "program", jtext("xenrecon " XENRECON_VERSION));
    jput(root, "domid", jcount(r->domid));
    jput(root, "summary", summary_json(r));
    jput(root, "devices", devices);
    jput(root, "findings", findings_json(r, r->host));
    return root;
}

void report_print_json(const struct report *r, FILE *to)
{
    json_t *root = report_json(r);
    json_dumpf(root, to, JSON_INDENT(2));
    fputc('\n', to);
    json_decref(root);
}
