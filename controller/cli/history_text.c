/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "controller/cli/status_text.h"
#include "schemas/json.h"

/* In the reader's time zone, as in logs. */
static void print_when(double when, FILE *to)
{
    uint64_t ms = (uint64_t)(when * 1000 + 0.5);
    char text[LOCAL_TIME_SIZE];
    fprintf(to, "%s.%03u", local_time_format(ms, text), (unsigned)(ms % 1000));
}

/* Prints one line, as much of it as fits. */
static void note(const struct terminal *term, enum colour c, const char *mark, const char *name,
                 const char *text, FILE *to)
{
    size_t left = term->width > 8 ? term->width - 8 : 0;
    fprintf(to, "    %s ", mark);
    terminal_begin(term, c, to);
    left -= terminal_print(name, left, to);
    if (left > 2) {
        fputs(": ", to);
        terminal_print(text, left - 2, to);
    }
    terminal_end(term, c, to);
    fputc('\n', to);
}

static const char *or_nothing(const char *text)
{
    return text ? text : "-";
}

static void print_values(const json_t *values, const char *side, const struct terminal *term, FILE *to)
{
    const json_t *v;
    size_t i, at = 0, indent = 4;
    json_array_foreach(values, i, v)
    {
        const char *key = or_nothing(jget_text(v, "key")), *value = jget_text(v, "value");
        const char *of = jget_text(v, "side");
        if (!of || strcmp(of, side) != 0)
            continue;
        size_t len = strlen(key) + 1 + strlen(value ? value : "unreadable") + 1;
        if (!at)
            at = (size_t)fprintf(to, "    %-8s", side);
        else if (at + len > (term->width < 100 ? term->width : 100))
            at = (size_t)fprintf(to, "\n%*s", (int)(indent + 8), "") - 1;
        terminal_begin(term, FAINT, to);
        fprintf(to, " %s=", key);
        terminal_end(term, FAINT, to);
        fprintf(to, "%s", value ? value : "(unreadable)");
        at += len;
    }
    if (at)
        fputc('\n', to);
}

static enum colour outcome_colour(const char *outcome)
{
    return strcmp(outcome, "failed") == 0 ? BAD : strcmp(outcome, "conflict") == 0 ? UNSURE : PLAIN;
}

static void print_decision(const json_t *d, const struct terminal *term, FILE *to)
{
    const char *outcome = or_nothing(jget_text(d, "outcome")), *error = jget_text(d, "error");
    const json_t *o;
    size_t i;
    print_when(jget_real(d, "when", 0), to);
    fputs("  ", to);
    terminal_begin(term, BOLD, to);
    fputs(or_nothing(jget_text(d, "row")), to);
    terminal_end(term, BOLD, to);
    terminal_begin(term, outcome_colour(outcome), to);
    fprintf(to, "  %s%s%s", outcome, error ? ": " : "", error ? error : "");
    terminal_end(term, outcome_colour(outcome), to);
    fprintf(to, "  (%s", or_nothing(jget_text(d, "phase")));
    if (jget_text(d, "worker"))
        fprintf(to, ", worker %s", jget_text(d, "worker"));
    fputs(")", to);
    if (jget_int(d, "count", 1) > 1) {
        fprintf(to, "  x%lld, last ", (long long)jget_int(d, "count", 1));
        print_when(jget_real(d, "last", 0), to);
    }
    fputc('\n', to);
    json_array_foreach(json_object_get(d, "actions"), i, o)
    {
        note(term, PLAIN, "*", or_nothing(jget_text(o, "action")), or_nothing(jget_text(o, "reason")), to);
    }
    json_array_foreach(json_object_get(d, "findings"), i, o)
    {
        const char *severity = or_nothing(jget_text(o, "severity"));
        enum colour c = strcmp(severity, "error") == 0     ? BAD
                        : strcmp(severity, "warning") == 0 ? UNSURE
                                                           : PLAIN;
        note(term, c, "!", or_nothing(jget_text(o, "code")), or_nothing(jget_text(o, "message")), to);
    }
    print_values(json_object_get(d, "values"), "backend", term, to);
    print_values(json_object_get(d, "values"), "frontend", term, to);
}

void history_text_print(const char *device, const json_t *decisions, const struct terminal *term, FILE *to)
{
    const json_t *d;
    size_t i;
    if (!json_array_size(decisions))
        fprintf(to, "%s: nothing of it is remembered\n", device);
    json_array_foreach(decisions, i, d)
    {
        print_decision(d, term, to);
    }
}
