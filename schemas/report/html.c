/* SPDX-License-Identifier: MIT */
#include "schemas/report/report.h"

#include <inttypes.h>
#include <string.h>

#include "schemas/domain_name.h"
#include "schemas/printable.h"
#include "schemas/report/fold.h"
#include "schemas/report/html_parts.h"
#include "schemas/report/html_strip.h"
#include "schemas/report/html_style.h"

/* The report as one HTML file, which is well-formed XML, too. Whatever is not a literal or a number here goes
 * through put_bytes(): nothing else prints what somebody else wrote. Should it ever be forgotten, the file's
 * policy still keeps a browser from running or loading anything. */

/* Fit for what stands between tags, and between the quotes of an attribute. */
static void put_bytes(FILE *to, const char *text, size_t len, bool quoted)
{
    for (size_t i = 0; i < len;) {
        size_t n = printable_char(text + i, len - i);
        if (quoted && n && (text[i] == '"' || text[i] == '\\'))
            fputc('\\', to);
        if (n == 0)
            fprintf(to, "\\x%02x", (unsigned char)text[i]);
        else if (n == 1 && strchr("<>&\"'`", text[i]))
            fprintf(to, "&#%d;", text[i]);
        else
            fwrite(text + i, 1, n, to);
        i += n ? n : 1;
    }
}

void report_html_text(FILE *to, const char *text)
{
    put_bytes(to, text, strlen(text), false);
}

static void put_code(FILE *to, const char *text)
{
    fputs("<code>", to);
    report_html_text(to, text);
    fputs("</code>", to);
}

/* In quotes of its own, so that one sees where it begins and ends. */
static void put_value(FILE *to, const char *text, size_t len)
{
    fputs("<code>&#34;", to);
    put_bytes(to, text, len, true);
    fputs("&#34;</code>", to);
}

/* ---- findings and actions ---- */

enum { HOST = -1 }; /* for the number of a device: it is of no single one */

static const struct plan *plan_of(const struct report *r, long device)
{
    return device == HOST ? r->host : r->devices[device].plan;
}

static void put_said(FILE *to, const char *text)
{
    fputs("<span class=\"said\">", to);
    report_html_text(to, text);
    fputs("</span>", to);
}

/* d7; h2d7 where there are several reports */
static void put_id(FILE *to, const struct report *r, long device)
{
    if (r->number)
        fprintf(to, "h%zu", r->number);
    fprintf(to, "d%ld", device);
}

static void put_link(FILE *to, const struct report *r, long device)
{
    char key[DEVICE_KEY_SIZE];
    device_key_format(&r->devices[device].key, key);
    fputs("<a href=\"#", to);
    put_id(to, r, device);
    fputs("\">", to);
    put_code(to, key);
    fputs("</a> ", to);
}

static void put_since(FILE *to, const struct report *r, uint64_t since)
{
    char text[REPORT_SINCE_SIZE];
    if (report_since(r, since, text))
        fprintf(to, " <span class=\"dim\">%s</span>", text);
}

/* For the list of all. `fold` is NULL for one that stands alone. */
static void put_finding(FILE *to, const struct report *r, long device, const struct finding *f,
                        const struct report_fold *fold)
{
    fputs("<li>", to);
    for (size_t i = 0; fold && i < fold->n; i++)
        put_link(to, r, (long)fold->devices[i]);
    if (!fold && device != HOST)
        put_link(to, r, device);
    put_said(to, fold ? fold->message : f->message);
    put_since(to, r, fold ? fold->since : f->since);
    fputs("</li>\n", to);
}

/* All of one code, with what to do about them, if there are any. What is folded comes with its first device.
 */
static void put_findings_of(FILE *to, const struct report *r, const struct report_folds *folds,
                            enum severity severity, enum finding_code code)
{
    bool begun = false;
    for (long device = HOST; device < (long)r->n_devices; device++) {
        const struct plan *p = plan_of(r, device);
        for (size_t i = 0; i < p->n_findings; i++) {
            const struct finding *f = &p->findings[i];
            const struct report_fold *fold =
                device == HOST ? NULL : report_folds_find(folds, (size_t)device, i);
            if (f->severity != severity || f->code != code || (fold && fold->devices[0] != (size_t)device))
                continue;
            if (!begun) {
                fprintf(to, "<div class=\"found %s\"><b>%s %s</b><p class=\"advice\">",
                        severity_name(severity), severity_name(severity), finding_code_name(code));
                report_html_text(to, finding_advice(code));
                fputs("</p>\n<ul>\n", to);
            }
            begun = true;
            put_finding(to, r, device, f, fold);
        }
    }
    if (begun)
        fputs("</ul></div>\n", to);
}

/* The worst first. */
void report_html_findings(FILE *to, const struct report *r)
{
    struct report_folds folds;
    size_t n = 0;
    report_folds_make(r, &folds);
    for (long device = HOST; device < (long)r->n_devices; device++)
        n += plan_of(r, device)->n_findings;
    fprintf(to, "<h2>Findings</h2>\n%s", n ? "" : "<p>None.</p>\n");
    for (int severity = SEVERITY_ERROR; severity >= SEVERITY_INFO; severity--)
        for (int code = 0; code < FINDING_COUNT; code++)
            put_findings_of(to, r, &folds, (enum severity)severity, (enum finding_code)code);
    report_folds_free(&folds);
}

static void put_words(FILE *to, const char *title, const char *const *words)
{
    fprintf(to, "<div>%s", title);
    for (; words && *words; words++) {
        fputc(' ', to);
        put_code(to, *words);
    }
    fputs("</div>", to);
}

static void put_action(FILE *to, const struct action *act)
{
    fprintf(to, "<li class=\"act\"><b>%s</b> ", action_name(act->kind));
    put_said(to, act->reason);
    for (size_t i = 0; i < act->n_writes; i++) {
        fputs("<div>write ", to);
        put_code(to, act->writes[i].path);
        fputs(" = ", to);
        put_value(to, act->writes[i].value, strlen(act->writes[i].value));
        fputs("</div>", to);
    }
    for (size_t i = 0; i < act->n_removals; i++) {
        fputs("<div>remove ", to);
        put_code(to, act->removals[i].path);
        fprintf(to, "%s</div>", act->removals[i].if_empty ? " (if it is empty)" : "");
    }
    if (act->argv) {
        put_words(to, "run", act->argv);
        put_words(to, "with", act->env);
    }
    fputs("</li>\n", to);
}

/* ---- the values ---- */

static void put_one(FILE *to, const struct report_value *v)
{
    enum xenbus_state state;
    fputs("<tr><th scope=\"row\">", to);
    report_html_text(to, v->name);
    fputs("</th><td>", to);
    if (v->value.presence != PRESENT) {
        fprintf(to, "<i>%s</i>", v->value.presence == ABSENT ? "absent" : "unreadable");
    } else if (v->secret) {
        fputs("<i>(secret)</i>", to);
    } else {
        put_value(to, v->value.text, v->value.len);
        if (strcmp(v->name, "state") == 0 && !xenbus_state_parse(v->value.text, v->value.len, &state))
            fprintf(to, " %s", xenbus_state_name(state));
    }
    fputs("</td></tr>\n", to);
}

static void put_side(FILE *to, const struct report_device *d, enum side side, const char *path)
{
    fprintf(to, "<p class=\"path\">%s ", side == BACKEND ? "backend B" : "frontend F");
    report_html_text(to, path ? path : "is not known");
    fputs("</p>\n", to);
    if (d->n_values[side] == 0)
        return;
    fputs("<table>\n", to);
    for (size_t i = 0; i < d->n_values[side]; i++)
        put_one(to, &d->values[side][i]);
    fputs("</table>\n", to);
}

static void put_values(FILE *to, const struct report_device *d)
{
    char path[BACKEND_PATH_SIZE];
    device_backend_path(d->backend_domid, &d->key, path);
    fprintf(to, "<details><summary>values (%zu)</summary>\n", d->n_values[BACKEND] + d->n_values[FRONTEND]);
    put_side(to, d, BACKEND, path);
    put_side(to, d, FRONTEND, d->frontend);
    fputs("</details>\n", to);
}

/* ---- devices ---- */

void report_html_health(FILE *to, enum health health)
{
    fprintf(to, "<b class=\"%s\">%s</b>", health_name(health), health_name(health));
}

static void put_head(FILE *to, const struct report *r, const struct report_device *d)
{
    static const char *const online[] = {"?", "unknown", "no", "yes"};
    char key[DEVICE_KEY_SIZE], domain[DOMAIN_NAME_SIZE];
    device_key_format(&d->key, key);
    fputs("<h3>", to);
    put_code(to, key);
    fputs("</h3>\n<p>", to);
    report_html_health(to, health_of(d->plan));
    if (d->frontend_name) {
        fputs(" of ", to);
        put_said(to, domain_name_format(d->frontend_name, d->key.domid, domain));
    }
    fprintf(to,
            ": backend <strong>%s</strong>, frontend <strong>%s</strong>, online <strong>%s</strong> "
            "<span class=\"dim\">owner %s",
            xenbus_state_name(d->backend_state), xenbus_state_name(d->frontend_state), online[d->online + 2],
            owner_name(d->owner));
    if (d->backend_domid != r->domid)
        fprintf(to, ", backend domain %" PRIu16, d->backend_domid);
    fputs("</span></p>\n", to);
}

static void put_device(FILE *to, const struct report *r, long n)
{
    const struct report_device *d = &r->devices[n];
    const struct plan *p = d->plan;
    fprintf(to, "<article class=\"device %s\" id=\"", health_name(health_of(p)));
    put_id(to, r, n);
    fprintf(to, "\" data-busy=\"%d\">\n", p->n_findings || p->n_actions);
    put_head(to, r, d);
    if (r->number && health_of(p) == HEALTH_OK && !p->n_findings) { /* of many hosts that would be too much */
        fputs("</article>\n", to);
        return;
    }
    report_html_strip(to, d);
    fprintf(to, "<p>row <strong>%s</strong>: ", row_name(p->row));
    report_html_text(to, row_condition(p->row));
    fputs("</p>\n", to);
    if (p->n_findings || p->n_actions) {
        fputs("<ul>\n", to);
        for (size_t i = 0; i < p->n_findings; i++) {
            const char *severity = severity_name(p->findings[i].severity);
            fprintf(to, "<li class=\"%s\"><b>%s %s</b> ", severity, severity,
                    finding_code_name(p->findings[i].code));
            put_said(to, p->findings[i].message);
            put_since(to, r, p->findings[i].since);
            fputs("</li>\n", to);
        }
        for (size_t i = 0; i < p->n_actions; i++)
            put_action(to, &p->actions[i]);
        fputs("</ul>\n", to);
    }
    put_values(to, d);
    fputs("</article>\n", to);
}

/* Those that are alike from this one on; returns the next. What is well is folded. */
static size_t put_group(FILE *to, const struct report *r, size_t from)
{
    enum health health = health_of(r->devices[from].plan);
    size_t to_here = from;
    while (to_here < r->n_devices && health_of(r->devices[to_here].plan) == health)
        to_here++;
    fprintf(to, "<section><details class=\"group\"%s><summary>", health == HEALTH_OK ? "" : " open=\"\"");
    report_html_health(to, health);
    fprintf(to, " %zu device%s</summary>\n", to_here - from, to_here - from == 1 ? "" : "s");
    for (size_t i = from; i < to_here; i++)
        put_device(to, r, (long)i);
    fputs("</details></section>\n", to);
    return to_here;
}

void report_html_devices(FILE *to, const struct report *r)
{
    for (size_t i = 0; i < r->n_devices;)
        i = put_group(to, r, i);
}

void report_html_bar(FILE *to)
{
    fputs("<p class=\"dim\">A dot is where an end is, a ring where the backend would be put.</p>\n"
          "<div class=\"bar\" id=\"bar\" hidden=\"\"><input type=\"search\" id=\"words\" "
          "placeholder=\"Filter: words that a device must have\" aria-label=\"Filter\" />"
          "<label><input type=\"checkbox\" id=\"busy\" /> only with something to do or to say</label>"
          "<output id=\"count\"></output></div>\n",
          to);
}

/* ---- the whole ---- */

void report_html_count(FILE *to, size_t n, const char *look, const char *what, const char *plural)
{
    fprintf(to, "<li class=\"%s\"><span class=\"n\">%zu</span>%s%s</li>\n", n ? look : "rest", n, what,
            n == 1 ? "" : plural);
}

/* Whose devices these are. */
static void put_title(FILE *to, const struct report *r)
{
    uint16_t domid;
    if (report_domains(r, &domid, 1) == 1)
        fprintf(to, "evices of backend domain %" PRIu16, domid);
    else
        fputs("evices of several backend domains", to);
}

static void put_summary(FILE *to, const struct report *r)
{
    struct report_summary s = report_summarize(r);
    fputs("<h1>D", to);
    put_title(to, r);
    fputs("</h1>\n", to);
    if (r->origin) {
        fputs("<p class=\"dim\">", to);
        report_html_text(to, r->origin);
        fputs("</p>\n", to);
    }
    fputs("<ul class=\"sum\">\n", to);
    for (enum health h = 0; h < HEALTH_COUNT; h++)
        if (s.health[h])
            report_html_count(to, s.health[h], health_name(h), health_name(h), "");
    report_html_count(to, s.devices, "rest", "device", "s");
    report_html_count(to, s.errors, "error", "error", "s");
    report_html_count(to, s.warnings, "warning", "warning", "s");
    report_html_count(to, s.actions, "act", "action", "s");
    fputs("</ul>\n", to);
    if (s.devices > r->n_devices)
        fprintf(to, "<p class=\"dim\">Of %zu of them there is nothing to be said: they are left out.</p>\n",
                s.devices - r->n_devices);
    if (report_lasts_unknown(r))
        fputs("<p class=\"dim\">Since when things last is not known.</p>\n", to);
}

void report_html_begin(FILE *to)
{
    fprintf(to,
            "<!DOCTYPE html>\n"
            "<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\" />\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '%s'; "
            "script-src '%s'; base-uri 'none'; form-action 'none'\" />\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
            "<meta name=\"referrer\" content=\"no-referrer\" />\n"
            "<title>xenrecon: d",
            report_html_style_hash, report_html_script_hash);
}

void report_html_body(FILE *to)
{
    fprintf(to, "</title>\n<style>%s</style>\n</head>\n<body>\n", report_html_style);
}

void report_html_end(FILE *to, bool devices)
{
    if (devices)
        fprintf(to, "<script>%s</script>\n", report_html_script);
    fputs("</body>\n</html>\n", to);
}

void report_print_html(const struct report *r, FILE *to)
{
    report_html_begin(to);
    put_title(to, r);
    report_html_body(to);
    put_summary(to, r);
    report_html_findings(to, r);
    report_html_strip_define(to);
    fputs("<h2>Devices</h2>\n", to);
    if (r->n_devices)
        report_html_bar(to);
    else
        fputs("<p>None.</p>\n", to);
    report_html_devices(to, r);
    report_html_end(to, r->n_devices);
}
