/* SPDX-License-Identifier: MIT */
#include "schemas/report/report.h"

#include <inttypes.h>
#include <string.h>

#include "schemas/domain_name.h"
#include "schemas/health_text.h"
#include "schemas/printable.h"
#include "schemas/report/fold.h"
#include "schemas/table.h"

/* One line a device, in columns, the sickest first; below it what would be done (`*`) and what was found
 * (`!`).
 *
 *   2 devices of backend domain 0: 1 failed, 1 pending; 1 action, 1 error
 *
 *   HEALTH   DEVICE         DOMAIN   OWNER     ONLINE  BACKEND   FRONTEND
 *   failed   vif/7/0        web (7)  kernel    no      Closing   Connected
 *       ! error stuck-detach: the frontend is Connected, for more than 60.0 s
 *           the guest still uses the device: unmount it there; it is never taken away by force
 *   pending  qdisk/7/51712  web (7)  xenrecon  yes     InitWait  Initialised
 *       * connect: the frontend is Initialised
 *           write  /local/domain/0/backend/qdisk/7/51712/state = "4"
 *
 * What many devices have alike comes once, behind all of them; their own lines end in its name. */

enum column { HEALTH, DEVICE, DOMAIN, OWNER, ONLINE, BACKEND_STATE, FRONTEND_STATE, ROW, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [HEALTH] = {"HEALTH", 0},           [DEVICE] = {"DEVICE", 0},
    [DOMAIN] = {"DOMAIN", 2},           [OWNER] = {"OWNER", 4},
    [ONLINE] = {"ONLINE", 3},           [BACKEND_STATE] = {"BACKEND", 1},
    [FRONTEND_STATE] = {"FRONTEND", 1}, [ROW] = {"ROW", 5},
};

/* Beyond this the values of an action are not lined up: that would only push them off the screen. */
enum { ALIGN_PATHS_MAX = 90 };

static void add_device(struct table *t, const struct report_device *d)
{
    static const char *const online[] = {"?", "-", "no", "yes"};
    char key[DEVICE_KEY_SIZE], domain[DOMAIN_NAME_SIZE];
    enum health health = health_of(d->plan);
    device_key_format(&d->key, key);
    const char *cells[COLUMNS] = {
        [HEALTH] = health_name(health),
        [DEVICE] = key,
        [DOMAIN] = domain_name_format(d->frontend_name, d->key.domid, domain),
        [OWNER] = owner_name(d->owner),
        [ONLINE] = online[d->online + 2],
        [BACKEND_STATE] = xenbus_state_name(d->backend_state),
        [FRONTEND_STATE] = xenbus_state_name(d->frontend_state),
        [ROW] = row_name(d->plan->row),
    };
    const enum colour colours[COLUMNS] = {[HEALTH] = health_text_colour(health)};
    table_add(t, cells, colours);
}

static void print_action(struct arena *a, const struct action *act, FILE *to)
{
    int width = 0;
    fprintf(to, "    * %s: %s\n", action_name(act->kind), printable(a, act->reason));
    for (size_t i = 0; i < act->n_writes; i++) {
        size_t len = strlen(act->writes[i].path);
        if (len <= ALIGN_PATHS_MAX && (int)len > width)
            width = (int)len;
    }
    for (size_t i = 0; i < act->n_writes; i++)
        fprintf(to, "        write  %-*s = %s\n", width, printable(a, act->writes[i].path),
                printable_quoted(a, act->writes[i].value));
    for (size_t i = 0; i < act->n_removals; i++)
        fprintf(to, "        remove %s%s\n", printable(a, act->removals[i].path),
                act->removals[i].if_empty ? " (if it is empty)" : "");
    if (!act->argv)
        return;
    fputs("        run   ", to);
    for (const char *const *word = act->argv; *word; word++)
        fprintf(to, " %s", printable(a, *word));
    for (const char *const *word = act->env; *word; word++)
        fprintf(to, "\n          with %s", printable(a, *word));
    fputc('\n', to);
}

/* `since` is 0 where that is not known, which is said of all of them at once. */
static void print_finding(const struct report *r, struct arena *a, const struct finding *f,
                          const char *message, uint64_t since, FILE *to)
{
    static const enum colour colours[] = {
        [SEVERITY_INFO] = PLAIN, [SEVERITY_WARNING] = UNSURE, [SEVERITY_ERROR] = BAD};
    char text[REPORT_SINCE_SIZE];
    fputs("    ! ", to);
    terminal_begin(&r->terminal, colours[f->severity], to);
    fprintf(to, "%s %s", severity_name(f->severity), finding_code_name(f->code));
    terminal_end(&r->terminal, colours[f->severity], to);
    fprintf(to, ": %s", printable(a, message));
    if (report_since(r, since, text))
        fprintf(to, " (%s)", text);
    fputc('\n', to);
}

static void print_advice(enum finding_code code, FILE *to)
{
    fprintf(to, "        %s\n", finding_advice(code));
}

static bool folded(const struct report_folds *folds, size_t device, size_t finding)
{
    return folds && report_folds_find(folds, device, finding);
}

/* But for those that are folded; `folds` is NULL for the host's. Of several of one kind in a row the advice
 * is printed once. */
static void print_findings(const struct report *r, struct arena *a, const struct plan *p,
                           const struct report_folds *folds, size_t device, FILE *to)
{
    const struct finding *before = NULL;
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        if (folded(folds, device, i))
            continue;
        if (before && before->code != f->code)
            print_advice(before->code, to);
        print_finding(r, a, f, f->message, f->since, to);
        before = f;
    }
    if (before)
        print_advice(before->code, to);
}

static void print_count(size_t n, const char *what, FILE *to)
{
    fprintf(to, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

/* backend domains 0, 3 and 27 */
static void print_domains(const struct report *r, FILE *to)
{
    enum { NAMED = 8 };
    uint16_t domids[NAMED];
    size_t n = report_domains(r, domids, NAMED), named = n > NAMED ? NAMED - 1 : n;
    fprintf(to, "backend domain%s %" PRIu16, n == 1 ? "" : "s", domids[0]);
    for (size_t i = 1; i < named; i++)
        fprintf(to, "%s %" PRIu16, i + 1 == n ? " and" : ",", domids[i]);
    if (named < n)
        fprintf(to, " and %zu more", n - named);
}

static void print_summary(const struct report *r, FILE *to)
{
    struct report_summary s = report_summarize(r);
    print_count(s.devices, "device", to);
    fputs(" of ", to);
    print_domains(r, to);
    health_text_counts(s.health, &r->terminal, to);
    fputs("; ", to);
    if (s.actions)
        print_count(s.actions, "action", to);
    else
        fputs("nothing to do", to);
    if (s.errors) {
        fputs(", ", to);
        print_count(s.errors, "error", to);
    }
    if (s.warnings) {
        fputs(", ", to);
        print_count(s.warnings, "warning", to);
    }
    fputs(report_lasts_unknown(r) ? "; since when is not known\n" : "\n", to);
}

/* Their names, in lines that fit on a screen. */
static void print_names(const struct report *r, const struct report_fold *fold, FILE *to)
{
    enum { WIDTH = 100, INDENT = 8 };
    int column = 0;
    for (size_t i = 0; i < fold->n; i++) {
        char key[DEVICE_KEY_SIZE];
        device_key_format(&r->devices[fold->devices[i]].key, key);
        if (column && column + (int)strlen(key) >= WIDTH)
            column = 0;
        if (column == 0)
            column = fprintf(to, "%s%*s", i ? "\n" : "", INDENT - 1, "");
        column += fprintf(to, " %s%s", key, i + 1 < fold->n ? "," : "");
    }
    fputc('\n', to);
}

static void print_folds(const struct report *r, const struct report_folds *folds, FILE *to)
{
    struct arena scratch = {0};
    if (folds->n)
        fputs("\nOf several devices:\n", to);
    for (size_t i = 0; i < folds->n; i++) {
        const struct report_fold *fold = &folds->list[i];
        print_finding(r, &scratch, fold->finding, fold->message, fold->since, to);
        print_advice(fold->finding->code, to);
        print_names(r, fold, to);
        arena_free(&scratch);
    }
}

/* What stands behind the columns: whose backend it is where that is not said for all, and the names of the
 * findings that come behind all devices. */
static const char *more(struct arena *a, const struct report *r, size_t device, bool several,
                        const struct report_folds *folds)
{
    const struct report_device *d = &r->devices[device];
    const char *text = "";
    if (several && d->backend_domid != r->domid)
        text = arena_printf(a, "(backend domain %" PRIu16 ")", d->backend_domid);
    for (size_t i = 0; i < d->plan->n_findings; i++)
        if (folded(folds, device, i))
            text = arena_printf(a, "%s%s! %s", text, *text ? "  " : "",
                                finding_code_name(d->plan->findings[i].code));
    return text;
}

static void print_device_findings(const struct report *r, size_t device, const struct report_folds *folds,
                                  FILE *to)
{
    struct arena scratch = {0};
    const struct report_device *d = &r->devices[device];
    for (size_t i = 0; i < d->plan->n_actions; i++)
        print_action(&scratch, &d->plan->actions[i], to);
    print_findings(r, &scratch, d->plan, folds, device, to);
    arena_free(&scratch);
}

static struct table *tabulate(const struct report *r)
{
    struct table *t = table_new(columns, COLUMNS);
    bool named = false;
    for (size_t i = 0; i < r->n_devices; i++) {
        add_device(t, &r->devices[i]);
        named = named || r->devices[i].frontend_name;
    }
    table_hide(t, DOMAIN, !named); /* their numbers are in the devices' names */
    table_hide(t, ROW, !r->wide);
    table_fit(t, r->terminal.width);
    return t;
}

static void print_devices(const struct report *r, FILE *to)
{
    bool several = report_domains(r, NULL, 0) > 1;
    struct report_folds folds;
    struct table *t = tabulate(r);
    report_folds_make(r, &folds);
    fputc('\n', to);
    table_print_titles(t, &r->terminal, to);
    for (size_t i = 0; i < r->n_devices; i++) {
        struct arena scratch = {0};
        table_print_row(t, i, more(&scratch, r, i, several, &folds), &r->terminal, to);
        print_device_findings(r, i, &folds, to);
        arena_free(&scratch);
    }
    print_folds(r, &folds, to);
    report_folds_free(&folds);
    table_free(t);
}

void report_print_text(const struct report *r, FILE *to)
{
    struct arena scratch = {0};
    print_summary(r, to);
    if (r->n_devices)
        print_devices(r, to);
    if (r->host->n_findings) {
        fputs("\nOf no single device:\n", to);
        print_findings(r, &scratch, r->host, NULL, 0, to);
        arena_free(&scratch);
    }
}
