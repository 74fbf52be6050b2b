/* SPDX-License-Identifier: MIT */
#include "schemas/report.h"

#include <jansson.h>
#include <stdlib.h>

#include "schemas/printable.h"

/* jansson makes objects only of what it could allocate, and strings only of valid UTF-8: ours always is. */
static json_t *must(json_t *value)
{
    if (!value) {
        fputs("xenrecon: out of memory\n", stderr);
        abort();
    }
    return value;
}

static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(object, key, must(value)))
        must(NULL);
}

static void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, must(value)))
        must(NULL);
}

static json_t *text(struct arena *a, const char *s)
{
    return must(json_string(printable(a, s)));
}

static json_t *number(size_t n)
{
    return must(json_integer((json_int_t)n));
}

static json_t *state(struct arena *a, enum xenbus_state s)
{
    return s == XENBUS_ABSENT || s == XENBUS_INVALID ? json_null() : text(a, xenbus_state_name(s));
}

static json_t *words(struct arena *a, const char *const *list)
{
    json_t *array = must(json_array());
    for (; *list; list++)
        append(array, text(a, *list));
    return array;
}

static json_t *action_json(struct arena *a, const struct action *act)
{
    json_t *o = must(json_object()), *writes = must(json_array()), *removes = must(json_array());
    for (size_t i = 0; i < act->n_writes; i++) {
        json_t *one = must(json_object());
        put(one, "path", text(a, act->writes[i].path));
        put(one, "value", text(a, act->writes[i].value));
        append(writes, one);
    }
    for (size_t i = 0; i < act->n_removals; i++)
        append(removes, text(a, act->removals[i].path));
    put(o, "action", text(a, action_name(act->kind)));
    put(o, "reason", text(a, act->reason));
    put(o, "writes", writes);
    put(o, "removes", removes);
    if (act->argv) {
        put(o, "command", words(a, act->argv));
        put(o, "environment", words(a, act->env));
    }
    return o;
}

static json_t *findings_json(struct arena *a, const struct plan *p)
{
    json_t *list = must(json_array());
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        json_t *o = must(json_object());
        put(o, "code", text(a, finding_code_name(f->code)));
        put(o, "severity", text(a, severity_name(f->severity)));
        put(o, "message", text(a, f->message));
        put(o, "advice", text(a, finding_advice(f->code)));
        append(list, o);
    }
    return list;
}

static json_t *device_json(struct arena *a, const struct report_device *d)
{
    char key[DEVICE_KEY_SIZE];
    device_key_format(&d->key, key);
    json_t *o = must(json_object()), *actions = must(json_array());
    for (size_t i = 0; i < d->plan->n_actions; i++)
        append(actions, action_json(a, &d->plan->actions[i]));
    put(o, "device", text(a, key));
    put(o, "backend_domid", number(d->self));
    put(o, "type", text(a, d->key.type));
    put(o, "frontend_domid", number(d->key.domid));
    put(o, "devid", text(a, d->key.devid));
    put(o, "owner", text(a, owner_name(d->owner)));
    put(o, "online", d->online < 0 ? json_null() : json_boolean(d->online));
    put(o, "backend_state", state(a, d->backend_state));
    put(o, "frontend_state", state(a, d->frontend_state));
    put(o, "frontend", d->frontend ? text(a, d->frontend) : json_null());
    put(o, "row", text(a, row_name(d->plan->row)));
    put(o, "actions", actions);
    put(o, "findings", findings_json(a, d->plan));
    return o;
}

static json_t *summary_json(const struct report *r)
{
    struct report_summary s = report_summarize(r);
    json_t *o = must(json_object());
    put(o, "devices", number(s.devices));
    put(o, "actions", number(s.actions));
    put(o, "errors", number(s.errors));
    put(o, "warnings", number(s.warnings));
    return o;
}

void report_print_json(const struct report *r, FILE *to)
{
    struct arena scratch = {0}; /* of escaped texts, freed after each device */
    json_t *root = must(json_object()), *devices = must(json_array());
    for (size_t i = 0; i < r->n_devices; i++) {
        append(devices, device_json(&scratch, &r->devices[i]));
        arena_free(&scratch);
    }
    put(root, "version", number(1));
    put(root, "domid", number(r->domid));
    put(root, "summary", summary_json(r));
    put(root, "devices", devices);
    put(root, "findings", findings_json(&scratch, r->host));
    arena_free(&scratch);
    json_dumpf(root, to, JSON_INDENT(2));
    fputc('\n', to);
    json_decref(root);
}
