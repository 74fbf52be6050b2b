/* SPDX-License-Identifier: MIT */
/* Finds the devices that arguments name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/cli/inspect_impl.h"
#include "schemas/mem.h"
#include "schemas/selector.h"

static const char *where(const struct inspection *in)
{
    return in->dump ? "the dump" : in->scope == SCOPE_ALL ? "any domain" : "the store";
}

/* ---- one whose place is known ---- */

struct search {
    struct device_key key;
    struct located *devices;
    size_t n, cap;
};

static void add(struct search *s, uint16_t backend_domid)
{
    xgrow(&s->devices, &s->cap, s->n + 1, sizeof *s->devices);
    s->devices[s->n++] = (struct located){backend_domid, s->key};
}

static void found_in_dump(void *arg, uint16_t backend_domid, const struct device_key *key)
{
    struct search *s = arg;
    if (device_key_equal(&s->key, key))
        add(s, backend_domid);
}

/* Asks whether a directory is there. */
struct existence {
    bool done;
    int status;
};

static void on_exists(void *arg, int status, const char *data, size_t len)
{
    struct existence *n = arg;
    (void)data;
    (void)len;
    n->done = true;
    n->status = status;
}

static int find_everywhere(struct inspection *in, struct search *s)
{
    char path[BACKEND_PATH_SIZE];
    for (size_t i = 0; i < in->n_domains; i++) {
        struct existence n = {0};
        device_backend_path(in->domains[i], &s->key, path);
        store_directory(in->store, 0, path, on_exists, &n);
        int error = inspection_run(in, &n.done);
        if (!error && n.status == 0)
            add(s, in->domains[i]);
        else if (error || n.status != -ENOENT) {
            error = error ? error : n.status;
            log_error("cannot read %s: %s", path, strerror(-error));
            return error;
        }
    }
    return 0;
}

/* Where only one domain is in scope it is that domain's, there or not; otherwise those that are there. */
static int find(struct inspection *in, struct search *s)
{
    if (in->dump)
        dump_devices(in->dump, found_in_dump, s);
    else if (in->scope == SCOPE_ALL)
        return find_everywhere(in, s);
    else
        add(s, in->backend_domid);
    return 0;
}

static int find_exactly(struct inspection *in, char *const *texts, size_t n_texts, struct search *s)
{
    int error = 0;
    for (size_t i = 0; i < n_texts && !error; i++) {
        struct selector selector;
        size_t before = s->n;
        if (selector_parse(texts[i], &selector) || !selector_exact(&selector, &s->key))
            return -EINVAL;
        error = find(in, s);
        if (!error && s->n == before) {
            log_error("%s: there is no such device in %s", texts[i], where(in));
            log_error("without a name, `plan` lists those that there are");
            error = -ENODEV;
        }
    }
    return error;
}

/* ---- any ---- */

/* In a dump it costs little to know what others have to do with those that are named. */
static int look_at_all(struct inspection *in)
{
    struct located *all;
    size_t n;
    int error = inspection_list(in, &all, &n, NULL);
    if (!error)
        free(all);
    return error;
}

static int select_any(struct inspection *in, char *const *texts, size_t n_texts, bool quiet,
                      struct located **ret_devices, size_t *ret_n)
{
    struct located *all;
    size_t n_all;
    int error = naming_check(texts, n_texts);
    if (!error && naming_exact(texts, n_texts)) {
        struct search s = {0};
        error = find_exactly(in, texts, n_texts, &s);
        if (!error && in->dump)
            error = look_at_all(in);
        *ret_devices = s.devices;
        *ret_n = s.n;
        if (error)
            free(s.devices);
        return error;
    }
    error = error ? error : inspection_list(in, &all, &n_all, NULL);
    if (!error) {
        error = naming_select(inspection_naming(in), texts, n_texts, all, n_all, quiet ? NULL : where(in),
                              ret_devices, ret_n);
        free(all);
    }
    return error;
}

int inspection_select(struct inspection *in, char *const *texts, size_t n_texts, struct located **ret_devices,
                      size_t *ret_n)
{
    return select_any(in, texts, n_texts, false, ret_devices, ret_n);
}

int inspection_select_quietly(struct inspection *in, char *text, struct located **ret_devices, size_t *ret_n)
{
    return select_any(in, &text, 1, true, ret_devices, ret_n);
}

int inspection_select_one(struct inspection *in, char *text, struct located *ret_device)
{
    struct located *devices;
    size_t n;
    int error = inspection_select(in, &text, 1, &devices, &n);
    if (error)
        return error;
    if (n == 1) {
        *ret_device = devices[0];
    } else {
        naming_say_several(text, devices, n);
        error = -EINVAL;
    }
    free(devices);
    return error;
}
