/* SPDX-License-Identifier: MIT */
#include "schemas/dump/ends.h"

#include <stdio.h>
#include <string.h>

static const char domains[] = "/local/domain/";

static const struct dump_node *child(const struct dump *d, const struct dump_node *n, const char *name)
{
    return dump_child(d, n, name, strlen(name));
}

static bool names_path(const struct dump *d, const struct dump_node *n, const char *key)
{
    const struct dump_node *c = child(d, n, key);
    return c && !c->first && (c->presence == UNREADABLE || c->value[0] == '/');
}

bool dump_is_backend(const struct dump *d, const struct dump_node *n)
{
    return names_path(d, n, "frontend") && !names_path(d, n, "backend");
}

bool dump_is_frontend(const struct dump *d, const struct dump_node *n)
{
    return names_path(d, n, "backend") && !names_path(d, n, "frontend");
}

bool dump_is_end(const struct dump *d, const struct dump_node *n)
{
    return names_path(d, n, "frontend") || names_path(d, n, "backend");
}

/* ---- what the keys say ---- */

/* The text behind /local/domain/N, or NULL. */
static const char *domain_of(const struct dump_node *key, uint16_t *ret_domid)
{
    size_t n = strlen(domains), digits;
    uint64_t domid;
    if (!key || key->presence != PRESENT || strlen(key->value) != key->value_len ||
        strncmp(key->value, domains, n) != 0)
        return NULL;
    digits = strcspn(key->value + n, "/");
    if (parse_decimal(key->value + n, digits, DOMID_MAX, &domid))
        return NULL;
    *ret_domid = (uint16_t)domid;
    return key->value + n + digits;
}

bool dump_backend_of(const struct dump *d, const struct dump_node *frontend, struct dump_place *ret_place)
{
    const struct dump_node *key = child(d, frontend, "backend");
    struct dump_place at;
    const char *rest;
    if (!domain_of(key, &at.backend_domid) ||
        device_locate(at.backend_domid, key->value, &at.key, &rest) != BACKEND_DEVICE)
        return false;
    *ret_place = at;
    return true;
}

/* A frontend's place, /local/domain/7/device/vbd/51712, in the words for a device. */
static bool frontend_of(const struct dump *d, const struct dump_node *backend, struct device_key *ret_key)
{
    static const char device[] = "/device/";
    struct device_key key = {0};
    const char *at = domain_of(child(d, backend, "frontend"), &key.domid);
    if (!at || strncmp(at, device, strlen(device)) != 0)
        return false;
    const char *type = at + strlen(device), *devid = strchr(type, '/');
    if (!devid || !device_name_valid(type, (size_t)(devid - type)) ||
        !device_name_valid(devid + 1, strlen(devid + 1)))
        return false;
    memcpy(key.type, type, (size_t)(devid - type));
    memcpy(key.devid, devid + 1, strlen(devid + 1));
    *ret_key = key;
    return true;
}

bool dump_said_by_frontend(const struct dump *d, const struct dump_node *backend,
                           struct dump_place *ret_place)
{
    struct device_key f;
    struct dump_place at;
    if (!frontend_of(d, backend, &f))
        return false;
    const struct dump_node *frontend = dump_find(d, child(d, backend, "frontend")->value);
    if (!frontend || !dump_backend_of(d, frontend, &at) || at.key.domid != f.domid)
        return false;
    *ret_place = at;
    return true;
}

/* ---- places ---- */

/* Types whose frontends have another name. */
static const struct {
    const char *backend, *frontend;
} renamed[] = {
    {"qdisk", "vbd"}, {"vbd3", "vbd"},  {"virtio_disk", "vbd"},
    {"qnic", "vif"},  {"qusb", "vusb"}, {"xen_9pfs", "9pfs"},
};

static const char *frontend_type(const char *type)
{
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (strcmp(type, renamed[i].backend) == 0)
            return renamed[i].frontend;
    return type;
}

/* A backend's own word for what it is, where that is a type's name. */
static const char *backend_type(const struct dump *d, const struct dump_node *backend, const char *frontend)
{
    const struct dump_node *type = child(d, backend, "type");
    for (size_t i = 0; type && type->presence == PRESENT && i < sizeof renamed / sizeof *renamed; i++)
        if (strcmp(type->value, renamed[i].backend) == 0 && strcmp(frontend, renamed[i].frontend) == 0)
            return renamed[i].backend;
    return frontend;
}

static bool place_frontend(const struct dump *d, const struct dump_node *n,
                           char path[static BACKEND_PATH_SIZE])
{
    struct dump_place at;
    char backend[BACKEND_PATH_SIZE];
    uint16_t domid;
    if (!dump_backend_of(d, n, &at))
        return false;
    device_backend_path(at.backend_domid, &at.key, backend);
    const struct dump_node *there = dump_find(d, backend), *says = there ? child(d, there, "frontend") : NULL;
    if (domain_of(says, &domid) && domid == at.key.domid && says->value_len < BACKEND_PATH_SIZE)
        memcpy(path, says->value, (size_t)says->value_len + 1);
    else
        snprintf(path, BACKEND_PATH_SIZE, "%s%u/device/%s/%s", domains, at.key.domid,
                 frontend_type(at.key.type), at.key.devid);
    return true;
}

static bool place_backend(const struct dump *d, const struct dump_node *n, enum dump_said said,
                          char path[static BACKEND_PATH_SIZE])
{
    struct dump_place at = {0};
    if (said == SAID_BY_FRONTEND ? !dump_said_by_frontend(d, n, &at) : !frontend_of(d, n, &at.key))
        return false;
    if (said == SAID_BY_NOBODY) {
        const char *type = backend_type(d, n, at.key.type);
        if (type != at.key.type)
            snprintf(at.key.type, sizeof at.key.type, "%s", type);
    }
    device_backend_path(at.backend_domid, &at.key, path);
    return true;
}

/* Which directory is this the `depth`th level below of, if the names between are those of the end's place? */
static bool top_of(const struct dump *d, const struct dump_node *n, int depth, enum dump_said said,
                   char path[static BACKEND_PATH_SIZE])
{
    if (said == SAID_BY_ITSELF ? !place_frontend(d, n, path) : !place_backend(d, n, said, path))
        return false;
    for (; depth; depth--, n = n->parent) {
        char *name = strrchr(path, '/');
        if (strcmp(name + 1, n->name) != 0)
            return false;
        *name = '\0';
    }
    return true;
}

/* Where the ends at this depth say that the root is. False: nowhere, or in several places. */
static bool find_top(const struct dump *d, const struct dump_node *n, int depth, int left,
                     enum dump_said said, char top[static BACKEND_PATH_SIZE])
{
    char path[BACKEND_PATH_SIZE];
    if (left) {
        for (const struct dump_node *c = n->first; c; c = c->next)
            if (!find_top(d, c, depth, left - 1, said, top))
                return false;
        return true;
    }
    if (said == SAID_BY_ITSELF ? !dump_is_frontend(d, n) : !dump_is_backend(d, n))
        return true;
    if (!top_of(d, n, depth, said, path))
        return said == SAID_BY_FRONTEND; /* not everybody's is in the dump */
    if (*top && strcmp(top, path) != 0)
        return false;
    memcpy(top, path, sizeof path);
    return true;
}

bool dump_ends_place(const struct dump *d, const struct dump_node *root, enum dump_said said,
                     char path[static BACKEND_PATH_SIZE])
{
    enum { DEPTH_MAX = 2 };
    for (int depth = 0; depth <= DEPTH_MAX; depth++) {
        *path = '\0';
        if (find_top(d, root, depth, depth, said, path) && *path)
            return true;
    }
    return false;
}
