/* SPDX-License-Identifier: MIT */
#include "controller/cli/naming.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/store/xs_blocking.h"
#include "schemas/arena.h"
#include "schemas/mem.h"
#include "schemas/nearest.h"
#include "schemas/selector.h"

struct named {
    uint16_t domid;
    char *name; /* NULL: it has none */
};

struct naming {
    struct xs_blocking *blocking; /* ours; NULL: the store is the caller's, or there is none */
    struct store *store;          /* NULL: there is none */
    int (*run)(void *arg, const bool *done);
    void *arg;
    struct named *names;
    size_t n_names, cap_names;
};

static int run_ours(void *arg, const bool *done)
{
    return xs_blocking_run(arg, done);
}

struct naming *naming_new(struct store *store, int (*run)(void *arg, const bool *done), void *arg)
{
    struct naming *n = xcalloc(1, sizeof *n);
    *n = (struct naming){.store = store, .run = run, .arg = arg};
    return n;
}

struct naming *naming_open(void)
{
    struct naming *n = naming_new(NULL, run_ours, NULL);
    if (xs_blocking_open(&n->blocking) == 0) {
        n->store = xs_blocking_store(n->blocking);
        n->arg = n->blocking;
    }
    return n;
}

void naming_free(struct naming *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n_names; i++)
        free(n->names[i].name);
    free(n->names);
    if (n->blocking)
        xs_blocking_close(n->blocking);
    free(n);
}

/* ---- what the store says ---- */

struct answer {
    bool done;
    char *text;
};

static void on_answer(void *arg, int status, const char *data, size_t len)
{
    struct answer *a = arg;
    a->done = true;
    if (status == 0 && len && strlen(data) == len)
        a->text = xstrndup(data, len);
}

/* For free(); NULL: there is none, or it cannot be read. */
static char *read_text(struct naming *n, const char *path)
{
    struct answer a = {0};
    if (!n->store)
        return NULL;
    store_read(n->store, 0, path, on_answer, &a);
    if (n->run(n->arg, &a.done)) {
        free(a.text);
        n->store = NULL; /* it does not answer, and would be waited for each time */
        return NULL;
    }
    return a.text;
}

const char *naming_domain(struct naming *n, uint16_t domid)
{
    char path[48];
    for (size_t i = 0; i < n->n_names; i++)
        if (n->names[i].domid == domid)
            return n->names[i].name;
    snprintf(path, sizeof path, "/local/domain/%u/name", domid);
    xgrow(&n->names, &n->cap_names, n->n_names + 1, sizeof *n->names);
    n->names[n->n_names] = (struct named){domid, read_text(n, path)};
    return n->names[n->n_names++].name;
}

static char *read_key(struct naming *n, const struct located *device, const char *key)
{
    char directory[BACKEND_PATH_SIZE], path[BACKEND_PATH_SIZE + 16];
    device_backend_path(device->backend_domid, &device->key, directory);
    snprintf(path, sizeof path, "%s/%s", directory, key);
    return read_text(n, path);
}

/* ---- selecting ---- */

static bool selected(struct naming *n, const struct selector *s, const struct located *device)
{
    struct selectable as_is = {.key = &device->key, .backend_domid = device->backend_domid};
    if (selector_wants_names(s))
        as_is.domain_name = naming_domain(n, device->key.domid);
    char *dev = selector_wants_dev(s) ? read_key(n, device, "dev") : NULL;
    char *frontend = selector_wants_frontend(s) ? read_key(n, device, "frontend") : NULL;
    as_is.dev = dev;
    as_is.frontend = frontend;
    bool matches = selector_matches(s, &as_is);
    free(dev);
    free(frontend);
    return matches;
}

bool naming_matches(struct naming *n, char *const *texts, size_t n_texts, const struct located *device)
{
    struct selector s;
    for (size_t i = 0; i < n_texts; i++)
        if (!selector_parse(texts[i], &s) && selected(n, &s, device))
            return true;
    return false;
}

static void say_nothing_matches(struct naming *n, const char *text, const struct located *all, size_t n_all,
                                const char *where)
{
    struct arena a = {0};
    struct nearest near = {.written = text};
    for (size_t i = 0; i < n_all; i++) {
        const struct device_key *key = &all[i].key;
        const char *name = naming_domain(n, key->domid);
        nearest_try(&near, arena_printf(&a, "%s/%u/%s", key->type, key->domid, key->devid));
        nearest_try(&near, arena_printf(&a, "%s/%u", key->type, key->domid));
        nearest_try(&near, key->type);
        if (!name)
            continue;
        nearest_try(&near, name);
        nearest_try(&near, arena_printf(&a, "%s/%s", key->type, name));
        nearest_try(&near, arena_printf(&a, "%s/%s/%s", key->type, name, key->devid));
    }
    log_error("%s: there is no such device in %s", text, where);
    if (near.words[0])
        log_error("did you mean %s%s%s%s%s?", near.words[0],
                  near.words[1] && near.words[2] ? ", "
                  : near.words[1]                ? " or "
                                                 : "",
                  near.words[1] ? near.words[1] : "", near.words[2] ? " or " : "",
                  near.words[2] ? near.words[2] : "");
    else
        log_error("without a name, `plan` lists those that there are");
    arena_free(&a);
}

int naming_select(struct naming *n, char *const *texts, size_t n_texts, const struct located *all,
                  size_t n_all, const char *where, struct located **ret_devices, size_t *ret_n)
{
    bool *chosen = xcalloc(n_all + 1, sizeof *chosen);
    size_t total = 0;
    int error = naming_check(texts, n_texts);
    for (size_t t = 0; t < n_texts && !error; t++) {
        struct selector s;
        size_t matched = 0;
        selector_parse(texts[t], &s);
        for (size_t i = 0; i < n_all; i++)
            if (selected(n, &s, &all[i])) {
                matched++;
                total += !chosen[i];
                chosen[i] = true;
            }
        if (!matched) {
            if (where)
                say_nothing_matches(n, texts[t], all, n_all, where);
            error = -ENODEV;
        }
    }
    if (!error) {
        struct located *devices = xcalloc(total + 1, sizeof *devices);
        *ret_n = 0;
        for (size_t i = 0; i < n_all; i++)
            if (chosen[i])
                devices[(*ret_n)++] = all[i];
        *ret_devices = devices;
    }
    free(chosen);
    return error;
}

int naming_check(char *const *texts, size_t n_texts)
{
    struct selector s;
    for (size_t i = 0; i < n_texts; i++)
        if (selector_parse(texts[i], &s)) {
            log_error(
                "\"%s\" names no device: it should be TYPE/DOMAIN/DEVID, such as qdisk/7/51712 or vif/web/0",
                texts[i]);
            return -EINVAL;
        }
    return 0;
}

bool naming_exact(char *const *texts, size_t n_texts)
{
    struct selector s;
    struct device_key key;
    for (size_t i = 0; i < n_texts; i++)
        if (selector_parse(texts[i], &s) || !selector_exact(&s, &key))
            return false;
    return true;
}

void naming_say_several(const char *text, const struct located *devices, size_t n)
{
    struct arena a = {0};
    const char *list = "";
    enum { SHOWN = 5 };
    for (size_t i = 0; i < n && i < SHOWN; i++)
        list = arena_printf(&a, "%s%s%s/%u/%s", list, i ? ", " : "", devices[i].key.type,
                            devices[i].key.domid, devices[i].key.devid);
    log_error("%s: %zu devices are called so, and one is wanted: %s%s", text, n, list,
              n > SHOWN ? ", ..." : "");
    arena_free(&a);
}
