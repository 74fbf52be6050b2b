/* SPDX-License-Identifier: MIT */
#include "controller/cli/status_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/progress.h"
#include "controller/cli/control_client.h"
#include "controller/cli/naming.h"
#include "schemas/json.h"
#include "schemas/mem.h"

static void on_line(void *arg, const json_t *line)
{
    struct status_answer *a = arg;
    json_t *daemon = json_object_get(line, "daemon"), *device = json_object_get(line, "device");
    if (daemon && !a->daemon)
        a->daemon = json_incref(daemon);
    if (device)
        jappend(a->devices, json_incref(device));
}

/* Of the devices named, or of all. */
static int ask(const char *run_dir, char *const *names, size_t n, struct status_answer *a)
{
    struct control_client *client;
    int error = control_client_open(run_dir, false, &client);
    if (error)
        return error;
    json_t *members = jobject(), *list = jarray();
    for (size_t i = 0; i < n; i++)
        jappend(list, jtext(names[i]));
    if (n)
        jput(members, "devices", json_incref(list));
    json_decref(list);
    error = control_client_request(client, "status", members, on_line, a);
    control_client_close(client);
    return error;
}

/* ---- those that are meant ---- */

/* Devices that have no good name, which no daemon of ours sends, are left out. */
static struct located *locate(const struct status_answer *a, size_t *ret_n)
{
    struct located *all = xcalloc(json_array_size(a->devices) + 1, sizeof *all);
    const json_t *device;
    size_t i;
    *ret_n = 0;
    json_array_foreach(a->devices, i, device)
    {
        const char *name = jget_text(device, "device");
        struct located *at = &all[*ret_n];
        at->backend_domid = (uint16_t)jget_int(a->daemon, "domid", 0);
        if (name && !device_key_parse(name, strlen(name), &at->key))
            ++*ret_n;
    }
    return all;
}

static int choose(const struct status_answer *a, char *const *texts, size_t n_texts,
                  struct located **ret_devices, size_t *ret_n)
{
    size_t n_all;
    struct located *all = locate(a, &n_all);
    struct naming *naming = naming_open();
    int error = naming_select(naming, texts, n_texts, all, n_all, "the daemon's list", ret_devices, ret_n);
    naming_free(naming);
    free(all);
    return error;
}

static int keep_chosen(struct status_answer *a, char *const *texts, size_t n_texts)
{
    struct located *chosen;
    size_t n, at = 0, i;
    json_t *device, *kept;
    int error = choose(a, texts, n_texts, &chosen, &n);
    if (error)
        return error;
    kept = jarray();
    json_array_foreach(a->devices, i, device)
    {
        const char *name = jget_text(device, "device");
        char key[DEVICE_KEY_SIZE] = "";
        if (at < n)
            device_key_format(&chosen[at].key, key);
        if (!name || strcmp(name, key) != 0)
            continue;
        jappend(kept, json_incref(device));
        at++;
    }
    free(chosen);
    json_decref(a->devices);
    a->devices = kept;
    return 0;
}

int status_answer_ask(const char *run_dir, char *const *texts, size_t n_texts,
                      struct status_answer *ret_answer)
{
    struct status_answer a = {.devices = jarray()};
    bool exact = naming_exact(texts, n_texts);
    int error = naming_check(texts, n_texts);
    if (!error)
        error = ask(run_dir, texts, exact ? n_texts : 0, &a);
    if (!error && !exact)
        error = keep_chosen(&a, texts, n_texts);
    progress_end();
    if (error)
        status_answer_clear(&a);
    else
        *ret_answer = a;
    return error;
}

void status_answer_clear(struct status_answer *a)
{
    json_decref(a->daemon);
    json_decref(a->devices);
    *a = (struct status_answer){0};
}

char *status_answer_one(const char *run_dir, char *text)
{
    struct status_answer a = {.devices = jarray()};
    struct located *chosen;
    size_t n;
    char key[DEVICE_KEY_SIZE] = "";
    if (naming_exact(&text, 1)) {
        status_answer_clear(&a);
        return xstrdup(text);
    }
    if (!naming_check(&text, 1) && !ask(run_dir, NULL, 0, &a) && !choose(&a, &text, 1, &chosen, &n)) {
        if (n == 1)
            device_key_format(&chosen[0].key, key);
        else
            naming_say_several(text, chosen, n);
        free(chosen);
    }
    status_answer_clear(&a);
    return key[0] ? xstrdup(key) : NULL;
}
