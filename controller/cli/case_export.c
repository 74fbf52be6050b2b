/* SPDX-License-Identifier: MIT */
#include "controller/cli/case_export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "controller/base/log.h"
#include "controller/cli/inspect.h"
#include "schemas/report/report.h"

/* A copy of the view in which secrets are replaced. */
static struct view *redact(const struct policy *policy, const struct view *v)
{
    struct view *copy = view_copy(v);
    for (enum side side = 0; side < 2; side++)
        for (size_t i = 0; i < v->n_keys[side]; i++) {
            const struct view_key *k = &v->keys[side][i];
            const struct key_spec *spec = policy_find_key(policy, side, k->name);
            if (spec && spec->secret && k->value.presence == PRESENT)
                view_replace(copy, side, k->name, PRESENT, SECRET_REDACTED, strlen(SECRET_REDACTED));
        }
    view_seal(copy);
    return copy;
}

static FILE *create(const char *directory, const char *name)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = n < (int)sizeof path ? fopen(path, "wxe") : NULL;
    if (!f)
        log_error("cannot write %s: %s", path, strerror(n < (int)sizeof path ? errno : ENAMETOOLONG));
    return f;
}

static int finish(FILE *f)
{
    bool failed = ferror(f);
    if (fclose(f) || failed) {
        log_error("the case could not be written completely");
        return -EIO;
    }
    return 0;
}

/* Escapes as `xenstore-ls -f` does: what is not printable ASCII, and no quotes. */
static void print_node(FILE *f, const char *path, const struct value *v)
{
    fprintf(f, "%s = \"", path);
    for (size_t i = 0; i < v->len; i++) {
        unsigned char c = (unsigned char)v->text[i];
        if (c == '\t')
            fputs("\\t", f);
        else if (c == '\n')
            fputs("\\n", f);
        else if (c == '\r')
            fputs("\\r", f);
        else if (c == '\\')
            fputs("\\\\", f);
        else if (c < 8)
            fprintf(f, "\\%03o", c);
        else if (c < ' ' || c > '~')
            fprintf(f, "\\x%02x", c);
        else
            fputc(c, f);
    }
    fputs("\"\n", f);
}

/* `name`: of the frontend's domain, or NULL */
static int write_store(const char *directory, const struct view *v, const char *name)
{
    struct arena a = {0};
    const struct value empty = {PRESENT, "", 0};
    FILE *f = create(directory, "store");
    if (!f)
        return -EIO;
    if (v->backend_domid) { /* a dump is read as by domain 0: this says whose tree it is */
        const char *domid = arena_printf(&a, "%u", v->backend_domid);
        print_node(f, "/local/domain/0/domid", &(struct value){PRESENT, domid, strlen(domid)});
    }
    if (name)
        print_node(f, arena_printf(&a, "/local/domain/%u/name", v->device.domid),
                   &(struct value){PRESENT, name, strlen(name)});
    for (enum side side = 0; side < 2; side++) {
        if (!v->path[side])
            continue;
        print_node(f, v->path[side], &empty);
        for (size_t i = 0; i < v->n_keys[side]; i++)
            if (v->keys[side][i].value.presence == PRESENT)
                print_node(f, view_key_path(v, side, v->keys[side][i].name, &a), &v->keys[side][i].value);
    }
    const char *model =
        arena_printf(&a, "/local/domain/%u/device-model/%u", v->backend_domid, v->device.domid);
    if (v->qemu == PRESENT || v->null_model)
        print_node(f, arena_printf(&a, "%s/state", model), &(struct value){PRESENT, "running", 7});
    if (v->null_model)
        print_node(f, arena_printf(&a, "%s/%s", model, NULL_MODEL_KEY),
                   &(struct value){PRESENT, NULL_MODEL, strlen(NULL_MODEL)});
    arena_free(&a);
    return finish(f);
}

static int write_policy(const char *directory, const struct policy *policy)
{
    FILE *f = create(directory, "policy.yaml");
    if (!f)
        return -EIO;
    fwrite(policy->text, 1, policy->text_len, f);
    return finish(f);
}

static int write_expected(const char *directory, const struct policy *policy, const struct view *view,
                          const char *name)
{
    FILE *f = create(directory, "expected");
    if (!f)
        return -EIO;
    struct report *report = report_new(view->backend_domid);
    inspection_report(NULL, policy, view, report);
    report->devices[0].frontend_name = name;
    report_print_text(report, f);
    report_free(report);
    return finish(f);
}

int case_export_write(const char *directory, const struct policy *policy, const struct view *view,
                      const char *name)
{
    if (mkdir(directory, 0755)) {
        int error = -errno;
        log_error("cannot make the folder %s: %s", directory, strerror(-error));
        return error;
    }
    struct view *safe = redact(policy, view);
    int error = write_policy(directory, policy);
    if (!error)
        error = write_store(directory, safe, name);
    if (!error)
        error = write_expected(directory, policy, safe, name);
    view_free(safe);
    return error;
}
