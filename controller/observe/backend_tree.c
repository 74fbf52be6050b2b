/* SPDX-License-Identifier: MIT */
#include "controller/observe/backend_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/value.h"

struct tree_listing {
    struct backend_tree_request req;
    unsigned pending;
    int status;
};

/* A directory that is being listed. */
struct tree_level {
    struct tree_listing *l;
    enum backend_place place;
    struct device_key at;
};

static void descend(struct tree_listing *l, enum backend_place place, const struct device_key *at);

static void name_found(struct tree_level *level, const char *name)
{
    struct tree_listing *l = level->l;
    struct device_key at = level->at;
    uint64_t domid;
    if (!device_name_valid(name, strlen(name)))
        return;
    if (level->place == BACKEND_ROOT) {
        memcpy(at.type, name, strlen(name) + 1);
        if (l->req.wanted(l->req.arg, at.type))
            descend(l, BACKEND_TYPE, &at);
    } else if (level->place == BACKEND_TYPE) {
        if (parse_decimal(name, strlen(name), DOMID_MAX, &domid))
            return;
        at.domid = (uint16_t)domid;
        descend(l, BACKEND_DOMAIN, &at);
    } else {
        memcpy(at.devid, name, strlen(name) + 1);
        l->req.found(l->req.arg, &at);
    }
}

/* For what is not there, a driver domain gets EACCES; dom0, which may read everything, does not. */
static bool nothing_there(const struct tree_listing *l, int status)
{
    return status == -ENOENT || (status == -EACCES && l->req.backend_domid != 0);
}

static void on_names(void *arg, int status, const char *data, size_t len)
{
    struct tree_level *level = arg;
    struct tree_listing *l = level->l;
    for (size_t at = 0; status == 0 && at < len; at += strlen(data + at) + 1)
        name_found(level, data + at);
    if (status && !nothing_there(l, status) && l->status == 0)
        l->status = status;
    free(level);
    if (--l->pending == 0) {
        l->req.done(l->req.arg, l->status);
        free(l);
    }
}

static void descend(struct tree_listing *l, enum backend_place place, const struct device_key *at)
{
    char path[BACKEND_PATH_SIZE];
    struct tree_level *level = xcalloc(1, sizeof *level);
    *level = (struct tree_level){l, place, *at};
    int n = snprintf(path, sizeof path, "/local/domain/%u/backend", l->req.backend_domid);
    if (place != BACKEND_ROOT)
        n += snprintf(path + n, sizeof path - (size_t)n, "/%s", at->type);
    if (place == BACKEND_DOMAIN)
        snprintf(path + n, sizeof path - (size_t)n, "/%u", at->domid);
    l->pending++;
    store_directory(l->req.store, 0, path, on_names, level);
}

void backend_tree_list(const struct backend_tree_request *request)
{
    struct tree_listing *l = xcalloc(1, sizeof *l);
    l->req = *request;
    descend(l, request->place, &request->at);
}
