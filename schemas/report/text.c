/* SPDX-License-Identifier: MIT */
#include "schemas/report/report.h"

#include <inttypes.h>
#include <string.h>

#include "schemas/printable.h"
#include "schemas/report/fold.h"

/* One line a device, in columns; below it what would be done (`*`) and what was found (`!`).
 *
 *   backend domain 0: 2 devices, 1 action, 1 error
 *
 *   DEVICE         OWNER     ONLINE  BACKEND   FRONTEND     ROW
 *   qdisk/7/51712  xenrecon  yes     InitWait  Initialised  connect
 *       * connect: the frontend is Initialised
 *           write  /local/domain/0/backend/qdisk/7/51712/state = "4"
 *   vif/7/0        kernel    no      Closing   Connected    steady
 *       ! error stuck-detach: the frontend is Connected, for more than 60.0 s
 *           the guest still uses the device: unmount it there; it is never taken away by force
 *
 * What many devices have alike comes once, behind all of them; their own lines end in its name. */

enum column {
    COLUMN_DEVICE,
    COLUMN_OWNER,
    COLUMN_ONLINE,
    COLUMN_BACKEND,
    COLUMN_FRONTEND,
    COLUMN_ROW,
    COLUMNS,
};

struct cells {
    char key[DEVICE_KEY_SIZE];
    const char *text[COLUMNS];
};

/* Beyond this the values of an action are not lined up: that would only push them off the screen. */
enum { ALIGN_PATHS_MAX = 90 };

static void fill_cells(const struct report_device *d, struct cells *c)
{
    static const char *const online[] = {"?", "-", "no", "yes"};
    device_key_format(&d->key, c->key);
    c->text[COLUMN_DEVICE] = c->key;
    c->text[COLUMN_OWNER] = owner_name(d->owner);
    c->text[COLUMN_ONLINE] = online[d->online + 2];
    c->text[COLUMN_BACKEND] = xenbus_state_name(d->backend_state);
    c->text[COLUMN_FRONTEND] = xenbus_state_name(d->frontend_state);
    c->text[COLUMN_ROW] = row_name(d->plan->row);
}

static void widen(int width[static COLUMNS], const struct cells *c)
{
    for (int i = 0; i < COLUMNS; i++)
        if ((int)strlen(c->text[i]) > width[i])
            width[i] = (int)strlen(c->text[i]);
}

/* Without a line break: more may follow. */
static void print_cells(const int width[static COLUMNS], const struct cells *c, FILE *to)
{
    for (int i = 0; i < COLUMNS - 1; i++)
        fprintf(to, "%-*s  ", width[i], c->text[i]);
    fputs(c->text[COLUMNS - 1], to);
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
    char text[REPORT_SINCE_SIZE];
    fprintf(to, "    ! %s %s: %s", severity_name(f->severity), finding_code_name(f->code),
            printable(a, message));
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

/* backend domains 0, 3 and 27: */
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
    fputs(": ", to);
}

static void print_summary(const struct report *r, FILE *to)
{
    struct report_summary s = report_summarize(r);
    print_domains(r, to);
    print_count(s.devices, "device", to);
    fputs(", ", to);
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

/* The names of those that come behind all devices, and then those that do not. */
static void print_device_findings(const struct report *r, size_t device, const struct report_folds *folds,
                                  FILE *to)
{
    struct arena scratch = {0};
    const struct report_device *d = &r->devices[device];
    for (size_t i = 0; i < d->plan->n_findings; i++)
        if (folded(folds, device, i))
            fprintf(to, "  ! %s", finding_code_name(d->plan->findings[i].code));
    fputc('\n', to);
    for (size_t i = 0; i < d->plan->n_actions; i++)
        print_action(&scratch, &d->plan->actions[i], to);
    print_findings(r, &scratch, d->plan, folds, device, to);
    arena_free(&scratch);
}

static void print_devices(const struct report *r, FILE *to)
{
    bool several = report_domains(r, NULL, 0) > 1;
    struct report_folds folds;
    report_folds_make(r, &folds);
    struct cells cells = {.text = {"DEVICE", "OWNER", "ONLINE", "BACKEND", "FRONTEND", "ROW"}};
    int width[COLUMNS] = {0};
    widen(width, &cells);
    for (size_t i = 0; i < r->n_devices; i++) {
        struct cells c;
        fill_cells(&r->devices[i], &c);
        widen(width, &c);
    }
    fputc('\n', to);
    print_cells(width, &cells, to);
    fputc('\n', to);
    for (size_t i = 0; i < r->n_devices; i++) {
        const struct report_device *d = &r->devices[i];
        fill_cells(d, &cells);
        print_cells(width, &cells, to);
        if (several && d->backend_domid != r->domid)
            fprintf(to, "  (backend domain %" PRIu16 ")", d->backend_domid);
        print_device_findings(r, i, &folds, to);
    }
    print_folds(r, &folds, to);
    report_folds_free(&folds);
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
