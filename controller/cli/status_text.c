/* SPDX-License-Identifier: MIT */
#include "controller/cli/status_text.h"

#include <inttypes.h>
#include <string.h>

#include "schemas/json.h"

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

static void print_head(const json_t *d, const struct terminal *term, FILE *to)
{
    print_daemon(d, term, to);
    print_store(json_object_get(d, "store"), term, to);
    print_queue(json_object_get(d, "queue"), json_object_get(d, "resync"), term, to);
    print_policies(json_object_get(d, "policies"), term, to);
    subject("devices", term, to);
    fprintf(to, "%" PRId64 ", %" PRId64 " worker%s\n", count(d, "devices"), count(d, "workers"),
            plural(count(d, "workers")));
}

/* ---- devices ---- */

enum { DEVICE, PHASE, ROW, SINCE, BACKEND_STATE, FRONTEND_STATE, ONLINE, WORKER, RETRIES, CELLS };

static const struct table_column columns[CELLS] = {
    [DEVICE] = {"DEVICE", 0}, [PHASE] = {"PHASE", 2},           [ROW] = {"ROW", 0},
    [SINCE] = {"SINCE", 1},   [BACKEND_STATE] = {"BACKEND", 3}, [FRONTEND_STATE] = {"FRONTEND", 3},
    [ONLINE] = {"ONLINE", 6}, [WORKER] = {"WORKER", 5},         [RETRIES] = {"RETRIES", 4},
};

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

static void add_device(struct table *t, const json_t *d)
{
    char since[AGE_SIZE], worker[64] = "", retries[24] = "";
    const json_t *w = json_object_get(d, "worker"), *online = json_object_get(d, "online");
    const char *state = jget_text(w, "state");
    if (state)
        snprintf(worker, sizeof worker, "%s", state);
    if (jget_int(w, "pid", 0))
        snprintf(worker, sizeof worker, "%s %" PRId64, state ? state : "?", count(w, "pid"));
    if (count(d, "retries"))
        snprintf(retries, sizeof retries, "%" PRId64, count(d, "retries"));
    const char *cells[CELLS] = {
        [DEVICE] = jget_text(d, "device"),
        [PHASE] = jget_text(d, "phase"),
        [ROW] = jget_text(d, "row"),
        [SINCE] = age_of(d, "row_seconds", since),
        [BACKEND_STATE] = jget_text(d, "backend_state"),
        [FRONTEND_STATE] = jget_text(d, "frontend_state"),
        [ONLINE] = json_is_boolean(online) ? (json_is_true(online) ? "yes" : "no") : NULL,
        [WORKER] = worker,
        [RETRIES] = retries,
    };
    enum colour colours[CELLS] = {[PHASE] = phase_colour(cells[PHASE]),
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
        if (name && n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "! ", name);
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

void status_text_print(const json_t *daemon, const json_t *devices, const struct terminal *term, FILE *to)
{
    const json_t *d;
    size_t i;
    print_head(daemon, term, to);
    if (!json_array_size(devices))
        return;
    struct table *t = table_new(columns, CELLS);
    json_array_foreach(devices, i, d)
    {
        add_device(t, d);
    }
    table_fit(t, term->width);
    fputc('\n', to);
    table_print_titles(t, term, to);
    json_array_foreach(devices, i, d)
    {
        table_print_row(t, i, term, to);
        print_notes(d, term, to);
    }
    table_free(t);
}
