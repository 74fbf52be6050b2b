/* SPDX-License-Identifier: MIT */
#include "controller/daemon/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "controller/daemon/events.h"
#include "controller/daemon/status_books.h"
#include "controller/daemon/status_json.h"
#include "schemas/json.h"
#include "schemas/mem.h"

/* ---- the answer to `status`: one device after the other, as they are when their turn comes ---- */

struct status_listing {
    const struct status *s;
    bool began, memory;
    struct device_key *keys;
    size_t n, at;
};

static json_t *line_of(const char *what, json_t *value)
{
    json_t *line = jobject();
    jput(line, what, value);
    return line;
}

static json_t *next_device(void *state)
{
    struct status_listing *l = state;
    if (!l->began) {
        l->began = true;
        return line_of("daemon", status_json_daemon(l->s));
    }
    while (l->at < l->n) {
        struct engine_device d;
        bool known = engine_find_device(l->s->engine, &l->keys[l->at++], &d);
        if (known) /* it may have gone since they were listed */
            return line_of("device", status_json_device(l->s, &d, l->memory));
    }
    return NULL;
}

static void end_listing(void *state)
{
    struct status_listing *l = state;
    free(l->keys);
    free(l);
}

static void add_key(void *arg, const struct engine_device *d)
{
    struct status_listing *l = arg;
    l->keys[l->n++] = *d->key;
}

static int by_key(const void *a, const void *b)
{
    return device_key_compare(a, b);
}

static void list_all(struct status_listing *l)
{
    if (!l->s->engine)
        return;
    l->keys = xcalloc(engine_figures(l->s->engine).devices, sizeof *l->keys);
    engine_each_device(l->s->engine, add_key, l);
    if (l->n)
        qsort(l->keys, l->n, sizeof *l->keys, by_key);
}

/* False: it is no device's name, or no device that the engine knows. */
static bool device_named(const struct status *s, const char *name, struct device_key *ret_key)
{
    struct engine_device d;
    return name && !device_key_parse(name, strlen(name), ret_key) &&
           engine_find_device(s->engine, ret_key, &d);
}

static struct control_answer unknown_device(const char *name)
{
    return control_server_error("unknown-device", "%s: the daemon knows no such device", name ? name : "");
}

static struct control_answer ask_status(const struct status *s, const json_t *request)
{
    const json_t *names = json_object_get(request, "devices"), *name;
    struct status_listing *l = xcalloc(1, sizeof *l);
    size_t i;
    *l = (struct status_listing){.s = s, .memory = json_is_true(json_object_get(request, "memory"))};
    if (!names)
        list_all(l);
    else
        l->keys = xcalloc(json_array_size(names), sizeof *l->keys);
    json_array_foreach(names, i, name)
    {
        if (!device_named(s, json_string_value(name), &l->keys[l->n++])) {
            end_listing(l);
            return unknown_device(json_string_value(name));
        }
    }
    return (struct control_answer){next_device, end_listing, l};
}

/* ---- the others: an array of lines ---- */

static json_t *next_line(void *state)
{
    json_t *lines = state, *line = json_incref(json_array_get(lines, 0));
    json_array_remove(lines, 0);
    return line;
}

static void end_lines(void *state)
{
    json_decref(state);
}

static struct control_answer ask_history(const struct status *s, const json_t *request)
{
    const char *name = jget_text(request, "device");
    struct device_key key;
    json_t *lines = jarray(), *decision;
    size_t i;
    bool known = device_named(s, name, &key);
    if (!name || device_key_parse(name, strlen(name), &key)) {
        json_decref(lines);
        return unknown_device(name);
    }
    json_t *list = history_of(s->history, &key, (size_t)jget_int(request, "last", 100));
    json_array_foreach(list, i, decision)
    {
        jappend(lines, line_of("decision", json_incref(decision)));
    }
    json_decref(list);
    if (!known && !json_array_size(lines)) {
        json_decref(lines);
        return unknown_device(name);
    }
    return (struct control_answer){next_line, end_lines, lines};
}

static struct control_answer ask_events(const struct status *s, const json_t *request)
{
    int64_t after = jget_int(request, "after", 0), since = jget_int(request, "since", 0);
    json_t *lines = jarray(), *event;
    size_t i;
    json_t *list = events_list(s->events, after < 0 ? 0 : (uint64_t)after, since < 0 ? 0 : (uint64_t)since);
    json_array_foreach(list, i, event)
    {
        jappend(lines, line_of("event", json_incref(event)));
    }
    json_decref(list);
    return (struct control_answer){next_line, end_lines, lines};
}

static struct control_answer ask_policies(const struct status *s)
{
    json_t *lines = jarray();
    const struct policy_set *policies = engine_figures(s->engine).policies;
    for (size_t i = 0; i < policies->n; i++) {
        const struct policy *p = policies->list[i];
        json_t *o = jobject();
        jput(o, "source", jtext(p->source));
        jput(o, "text", json_stringn(p->text, p->text_len)); /* YAML is UTF-8 */
        jappend(lines, line_of("policy", o));
    }
    return (struct control_answer){next_line, end_lines, lines};
}

struct control_answer status_ask(void *arg, const json_t *request, bool reader)
{
    const struct status *s = arg;
    const char *what = jget_text(request, "request");
    if (reader && (strcmp(what, "policies") == 0 || json_is_true(json_object_get(request, "memory"))))
        return control_server_error("not-allowed", "only root may ask for that; readers may ask for status, "
                                                   "history and events");
    if (strcmp(what, "status") == 0)
        return ask_status(s, request);
    if (strcmp(what, "history") == 0)
        return ask_history(s, request);
    if (strcmp(what, "events") == 0)
        return ask_events(s, request);
    if (strcmp(what, "policies") == 0)
        return ask_policies(s);
    return control_server_error("unknown-request", "this is xenrecon %s, which knows no request \"%.32s\"",
                                XENRECON_VERSION, what);
}

/* ---- life ---- */

void status_open(struct status *s, const struct status_config *config)
{
    uint64_t now = config->clock(config->clock_arg);
    *s = (struct status){.cfg = *config, .started = now, .loaded = now};
    s->control = control_server_new(&(struct control_server_config){.loop = config->loop,
                                                                    .run_dir = config->run_dir,
                                                                    .readers = config->readers,
                                                                    .ask = status_ask,
                                                                    .arg = s});
    status_books_open(s);
}

void status_listen(struct status *s, bool take)
{
    int error = control_server_listen(s->control, take);
    if (take && !s->cfg.dry_run)
        status_books_own(s);
    if (error && (take || error != -EADDRINUSE || s->cfg.dry_run))
        log_warning("nobody can ask how it goes: cannot listen on %s/%s: %s", s->cfg.run_dir, CONTROL_SOCKET,
                    strerror(-error));
}

void status_mend(struct status *s)
{
    int mended = control_server_mend(s->control);
    if (mended < 0)
        log_error("nobody can ask how it goes: %s/%s is gone, and cannot be made again: %s", s->cfg.run_dir,
                  CONTROL_SOCKET, strerror(-mended));
    else if (mended)
        log_warning("somebody removed %s/%s: made again", s->cfg.run_dir, CONTROL_SOCKET);
    events_mend(s->events);
}

void status_set_engine(struct status *s, struct engine *e, uint16_t backend_domid)
{
    s->engine = e;
    s->backend_domid = backend_domid;
}

void status_set_workers(struct status *s, struct workers *w)
{
    s->workers = w;
}

void status_connected(struct status *s, bool connected)
{
    s->connected = connected;
    s->since = s->cfg.clock(s->cfg.clock_arg);
    s->losses += !connected;
    status_books_changed(s);
}

void status_reloaded(struct status *s, bool taken)
{
    s->refused = !taken;
    if (taken)
        s->loaded = s->cfg.clock(s->cfg.clock_arg);
    status_books_changed(s);
}

void status_close(struct status *s)
{
    status_books_close(s); /* while all that it counts is there */
    control_server_close(s->control);
    s->control = NULL;
    s->workers = NULL;
}

void status_finish(struct status *s)
{
    status_books_finish(s);
}
