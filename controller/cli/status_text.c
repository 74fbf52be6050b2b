/* SPDX-License-Identifier: MIT */
#include "controller/cli/status_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schemas/age.h"
#include "schemas/domain_name.h"
#include "schemas/health_text.h"
#include "schemas/json.h"
#include "schemas/mem.h"
#include "schemas/table.h"

static int64_t count(const json_t *o, const char *key)
{
    return jget_int(o, key, 0);
}

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

static const char *age_of(const json_t *o, const char *key, char buf[static AGE_SIZE])
{
    return age_format(jget_real(o, key, -1), buf);
}

/* ---- the daemon: one subject a line ---- */

static void subject(const char *name, const struct terminal *term, FILE *to)
{
    terminal_begin(term, BOLD, to);
    fprintf(to, "%-9s", name);
    terminal_end(term, BOLD, to);
}

static void print_daemon(const json_t *d, const struct terminal *term, FILE *to)
{
    char up[AGE_SIZE];
    const char *version = jget_text(d, "xenrecon");
    subject("daemon", term, to);
    fprintf(to, "xenrecon %s, process %" PRId64 ", up %s", version ? version : "?", count(d, "pid"),
            age_of(d, "up_seconds", up));
    if (json_is_integer(json_object_get(d, "domid")))
        fprintf(to, ", domain %" PRId64, count(d, "domid"));
    fputs(json_is_true(json_object_get(d, "dry_run")) ? ", dry run\n" : "\n", to);
}

/* What is odd about it; nothing for xenstored. */
static void print_store_trouble(const json_t *store, const struct terminal *term, FILE *to)
{
    const json_t *lacks = json_object_get(store, "lacks");
    char silent[AGE_SIZE];
    if (json_is_number(json_object_get(store, "silent_seconds"))) {
        subject("", term, to);
        fprintf(to, "it has not answered for %s\n", age_of(store, "silent_seconds", silent));
    }
    if (count(store, "unanswered") || count(store, "unasked")) {
        subject("", term, to);
        fprintf(to, "%" PRId64 " request%s not answered, %" PRId64 " answer%s that nobody asked for\n",
                count(store, "unanswered"), plural(count(store, "unanswered")), count(store, "unasked"),
                plural(count(store, "unasked")));
    }
    if (!json_array_size(lacks))
        return;
    subject("", term, to);
    fputs("it lacks", to);
    for (size_t i = 0; i < json_array_size(lacks); i++) {
        const char *name = json_string_value(json_array_get(lacks, i));
        fprintf(to, "%s %s", i ? "," : "", name ? name : "?");
    }
    fputc('\n', to);
}

static void print_store(const json_t *store, const struct terminal *term, FILE *to)
{
    char since[AGE_SIZE];
    bool connected = json_is_true(json_object_get(store, "connected"));
    const char *path = jget_text(store, "path");
    enum colour c = connected ? GOOD : BAD;
    bool ever = json_is_number(json_object_get(store, "since_seconds"));
    subject("store", term, to);
    terminal_begin(term, c, to);
    fputs(connected ? "connected" : ever ? "lost" : "not there yet", to);
    terminal_end(term, c, to);
    if (ever)
        fprintf(to, " %s", age_of(store, "since_seconds", since));
    if (count(store, "losses"))
        fprintf(to, ", lost %" PRId64 " time%s", count(store, "losses"), plural(count(store, "losses")));
    fprintf(to, ", %s\n", path ? path : "");
    print_store_trouble(store, term, to);
}

static void print_queue(const json_t *q, const json_t *resync, const struct terminal *term, FILE *to)
{
    char age[AGE_SIZE], next[AGE_SIZE];
    subject("queue", term, to);
    fprintf(to, "%" PRId64 " queued, %" PRId64 " in flight, %" PRId64 " waiting", count(q, "queued"),
            count(q, "in_flight"), count(q, "waiting"));
    if (count(q, "scripts"))
        fprintf(to, ", %" PRId64 " script%s", count(q, "scripts"), plural(count(q, "scripts")));
    fputc('\n', to);
    subject("resync", term, to);
    fprintf(to, "%s ago, next in %s\n", age_of(resync, "age_seconds", age),
            age_of(resync, "next_seconds", next));
}

static void print_policies(const json_t *policies, const struct terminal *term, FILE *to)
{
    static const char *const owners[] = {"xenrecon", "kernel", "external"};
    const char *sep = ": ";
    subject("policies", term, to);
    fprintf(to, "%zu", json_array_size(policies));
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        const json_t *p;
        size_t at, n = 0;
        json_array_foreach(policies, at, p)
        {
            const char *owner = jget_text(p, "owner");
            n += owner && strcmp(owner, owners[i]) == 0;
        }
        if (n)
            fprintf(to, "%s%zu %s", sep, n, owners[i]);
        sep = n ? ", " : sep;
    }
    fputc('\n', to);
}

static void print_host_findings(const json_t *findings, const struct terminal *term, FILE *to)
{
    const json_t *f;
    size_t i;
    json_array_foreach(findings, i, f)
    {
        const char *code = jget_text(f, "code"), *message = jget_text(f, "message");
        subject("", term, to);
        terminal_begin(term, UNSURE, to);
        fprintf(to, "! %s: %s", code ? code : "?", message ? message : "");
        terminal_end(term, UNSURE, to);
        fputc('\n', to);
    }
}

static void print_head(const json_t *d, const struct terminal *term, FILE *to)
{
    print_daemon(d, term, to);
    print_store(json_object_get(d, "store"), term, to);
    print_queue(json_object_get(d, "queue"), json_object_get(d, "resync"), term, to);
    print_policies(json_object_get(d, "policies"), term, to);
    print_host_findings(json_object_get(d, "findings"), term, to);
}

/* ---- devices ---- */

static enum health health_in(const json_t *device)
{
    return health_parse(jget_text(device, "health"));
}

/* How many there are, and how many are how. */
static void print_counts(const json_t *daemon, const json_t *devices, const struct terminal *term, FILE *to)
{
    size_t n[HEALTH_COUNT] = {0}, i;
    const json_t *d;
    json_array_foreach(devices, i, d)
    {
        n[health_in(d)]++;
    }
    subject("devices", term, to);
    fprintf(to, "%zu", json_array_size(devices));
    health_text_counts(n, term, to);
    fprintf(to, "; %" PRId64 " worker%s\n", count(daemon, "workers"), plural(count(daemon, "workers")));
}

enum {
    HEALTH,
    DEVICE,
    DOMAIN,
    SINCE,
    PHASE,
    ROW,
    BACKEND_STATE,
    FRONTEND_STATE,
    ONLINE,
    WORKER,
    RETRIES,
    CELLS
};

static const struct table_column columns[CELLS] = {
    [HEALTH] = {"HEALTH", 0}, [DEVICE] = {"DEVICE", 0},         [DOMAIN] = {"DOMAIN", 2},
    [SINCE] = {"SINCE", 1},   [PHASE] = {"PHASE", 4},           [ROW] = {"ROW", 7},
    [ONLINE] = {"ONLINE", 6}, [BACKEND_STATE] = {"BACKEND", 3}, [FRONTEND_STATE] = {"FRONTEND", 3},
    [WORKER] = {"WORKER", 5}, [RETRIES] = {"RETRIES", 4},
};

/* Seconds since a time of RFC 3339; -1: it is none. */
static double seconds_since(const char *text)
{
    uint64_t then, now = (uint64_t)time(NULL) * 1000;
    if (!moment_parse(text, &then))
        return -1;
    uint64_t age = now > then ? (now - then) / 1000 : 0;
    return (double)age;
}

/* Since when a device is as it is: what is found of it, or what is wanted and not true; else its phase. */
static double age_of_device(const json_t *d)
{
    const json_t *since;
    const char *code;
    double oldest = seconds_since(jget_text(d, "wanted_since"));
    json_object_foreach(json_object_get(d, "findings_since"), code, since)
    {
        double age = seconds_since(json_string_value(since));
        oldest = age > oldest ? age : oldest;
    }
    return oldest >= 0 ? oldest : jget_real(d, "phase_seconds", -1);
}

static enum colour phase_colour(const char *phase)
{
    static const struct {
        const char *name;
        enum colour colour;
    } colours[] = {{"connected", GOOD},
                   {"starting", UNSURE},
                   {"connecting", UNSURE},
                   {"disconnecting", UNSURE},
                   {"dead", BAD}};
    for (size_t i = 0; phase && i < sizeof colours / sizeof *colours; i++)
        if (strcmp(phase, colours[i].name) == 0)
            return colours[i].colour;
    return PLAIN;
}

static void add_device(struct table *t, const struct status_view *v, const json_t *d)
{
    char since[AGE_SIZE], worker[64] = "", retries[24] = "", domain[DOMAIN_NAME_SIZE];
    const json_t *w = json_object_get(d, "worker"), *online = json_object_get(d, "online");
    const char *state = jget_text(w, "state");
    enum health health = health_in(d);
    uint16_t domid = (uint16_t)count(d, "frontend_domid");
    if (state)
        snprintf(worker, sizeof worker, "%s", state);
    if (jget_int(w, "pid", 0))
        snprintf(worker, sizeof worker, "%s %" PRId64, state ? state : "?", count(w, "pid"));
    if (count(d, "retries"))
        snprintf(retries, sizeof retries, "%" PRId64, count(d, "retries"));
    const char *cells[CELLS] = {
        [HEALTH] = health_name(health),
        [DEVICE] = jget_text(d, "device"),
        [DOMAIN] = domain_name_format(naming_domain(v->naming, domid), domid, domain),
        [SINCE] = age_format(age_of_device(d), since),
        [PHASE] = jget_text(d, "phase"),
        [ROW] = jget_text(d, "row"),
        [BACKEND_STATE] = jget_text(d, "backend_state"),
        [FRONTEND_STATE] = jget_text(d, "frontend_state"),
        [ONLINE] = json_is_boolean(online) ? (json_is_true(online) ? "yes" : "no") : NULL,
        [WORKER] = worker,
        [RETRIES] = retries,
    };
    enum colour colours[CELLS] = {[HEALTH] = health_text_colour(health),
                                  [PHASE] = phase_colour(cells[PHASE]),
                                  [WORKER] = phase_colour(state),
                                  [RETRIES] = *retries ? BAD : PLAIN};
    table_add(t, cells, colours);
}

static void print_note(const char *text, enum colour c, const struct terminal *term, FILE *to)
{
    fputs("    ", to);
    terminal_begin(term, c, to);
    terminal_print(text, term->width > 4 ? term->width - 4 : 0, to);
    terminal_end(term, c, to);
    fputc('\n', to);
}

/* Prints only their codes: `explain` has the words. */
static void print_findings(const json_t *d, const struct terminal *term, FILE *to)
{
    char text[600];
    size_t i, n = 0;
    const json_t *code;
    json_array_foreach(json_object_get(d, "findings"), i, code)
    {
        const char *name = json_string_value(code);
        double age = seconds_since(jget_text(json_object_get(d, "findings_since"), name ? name : ""));
        char since[AGE_SIZE];
        if (name && n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s%s", n ? ", " : "! ", name,
                                  age >= 0 ? " for " : "", age >= 0 ? age_format(age, since) : "");
    }
    if (n)
        print_note(text, UNSURE, term, to);
}

/* The last lines that a worker in trouble has printed. */
static void print_output(const json_t *w, const struct terminal *term, FILE *to)
{
    enum { LINES = 5 };
    char text[600];
    const json_t *lines = json_object_get(w, "output");
    size_t n = json_array_size(lines);
    for (size_t i = n > LINES ? n - LINES : 0; i < n; i++) {
        const char *line = json_string_value(json_array_get(lines, i));
        snprintf(text, sizeof text, "| %s", line ? line : "");
        print_note(text, PLAIN, term, to);
    }
}

static void print_notes(const json_t *d, const struct terminal *term, FILE *to)
{
    char text[600], in[AGE_SIZE];
    const json_t *w = json_object_get(d, "worker");
    const char *error = jget_text(d, "error"), *said = jget_text(w, "said");
    print_findings(d, term, to);
    if (error) {
        snprintf(text, sizeof text, "! %s; tried again in %s", error, age_of(d, "next_look_seconds", in));
        print_note(text, BAD, term, to);
    }
    if (said || count(w, "failures")) {
        bool dead = json_is_number(json_object_get(w, "restart_seconds"));
        snprintf(text, sizeof text, "! its worker: %s; %" PRId64 " failure%s%s%s", said ? said : "-",
                 count(w, "failures"), plural(count(w, "failures")), dead ? ", started again in " : "",
                 dead ? age_of(w, "restart_seconds", in) : "");
        print_note(text, dead ? BAD : UNSURE, term, to);
        print_output(w, term, to);
    }
}

/* The sickest first; those that are alike as they came. */
static const json_t **sorted(const json_t *devices)
{
    size_t n = json_array_size(devices), at = 0, i;
    const json_t **list = xcalloc(n + 1, sizeof *list), *d;
    for (enum health h = 0; h < HEALTH_COUNT; h++)
        json_array_foreach(devices, i, d)
        {
            if (health_in(d) == h)
                list[at++] = d;
        }
    return list;
}

void status_text_print(const json_t *daemon, const json_t *devices, const struct status_view *v, FILE *to)
{
    const struct terminal *term = v->term;
    size_t n = json_array_size(devices);
    print_head(daemon, term, to);
    print_counts(daemon, devices, term, to);
    if (!n)
        return;
    const json_t **list = sorted(devices);
    struct table *t = table_new(columns, CELLS);
    for (size_t i = 0; i < n; i++)
        add_device(t, v, list[i]);
    table_hide(t, ROW, !v->wide);
    table_fit(t, term->width);
    fputc('\n', to);
    table_print_titles(t, term, to);
    for (size_t i = 0; i < n; i++) {
        table_print_row(t, i, "", term, to);
        print_notes(list[i], term, to);
    }
    table_free(t);
    free(list);
}
