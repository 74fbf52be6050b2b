/* SPDX-License-Identifier: MIT */
#include "schemas/report/report.h"

#include <inttypes.h>
#include <string.h>

#include "schemas/printable.h"

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
 *           the guest still uses the device: unmount it there; it is never taken away by force */

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
    device_key_format(&d->key, c->key);
    c->text[COLUMN_DEVICE] = c->key;
    c->text[COLUMN_OWNER] = owner_name(d->owner);
    c->text[COLUMN_ONLINE] = d->online < 0 ? "-" : d->online ? "yes" : "no";
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

static void print_findings(struct arena *a, const struct plan *p, FILE *to)
{
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        fprintf(to, "    ! %s %s: %s\n        %s\n", severity_name(f->severity), finding_code_name(f->code),
                printable(a, f->message), finding_advice(f->code));
    }
}

static void print_count(size_t n, const char *what, FILE *to)
{
    fprintf(to, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static void print_summary(const struct report *r, FILE *to)
{
    struct report_summary s = report_summarize(r);
    fprintf(to, "backend domain %" PRIu16 ": ", r->domid);
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
    fputc('\n', to);
}

static void print_devices(const struct report *r, FILE *to)
{
    struct arena scratch = {0};
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
        if (d->backend_domid != r->domid)
            fprintf(to, "  (backend domain %" PRIu16 ")", d->backend_domid);
        fputc('\n', to);
        for (size_t n = 0; n < d->plan->n_actions; n++)
            print_action(&scratch, &d->plan->actions[n], to);
        print_findings(&scratch, d->plan, to);
        arena_free(&scratch);
    }
}

void report_print_text(const struct report *r, FILE *to)
{
    struct arena scratch = {0};
    print_summary(r, to);
    if (r->n_devices)
        print_devices(r, to);
    if (r->host->n_findings) {
        fputs("\nOf no single device:\n", to);
        print_findings(&scratch, r->host, to);
        arena_free(&scratch);
    }
}
