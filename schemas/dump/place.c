/* SPDX-License-Identifier: MIT */
#include "schemas/dump/place.h"

#include <stdio.h>
#include <string.h>

static const struct dump_node *child(const struct dump *d, const struct dump_node *n, const char *name)
{
    return dump_child(d, n, name, strlen(name));
}

static bool is_domid(const struct dump_node *n)
{
    uint64_t domid;
    return parse_decimal(n->name, n->name_len, DOMID_MAX, &domid) == 0;
}

static bool all_domids(const struct dump_node *n)
{
    for (const struct dump_node *c = n->first; c; c = c->next)
        if (!is_domid(c))
            return false;
    return n->first != NULL;
}

/* A directory of a backend names its frontend, and the other way round. */
static bool names_path(const struct dump *d, const struct dump_node *n, const char *key)
{
    const struct dump_node *c = child(d, n, key);
    return c && !c->first && (c->presence == UNREADABLE || c->value[0] == '/');
}

static bool is_backend(const struct dump *d, const struct dump_node *n)
{
    return names_path(d, n, "frontend");
}

static bool is_frontend(const struct dump *d, const struct dump_node *n)
{
    return names_path(d, n, "backend");
}

/* Does it hold for some descendant `depth` levels down? */
static bool some(const struct dump *d, const struct dump_node *n, int depth,
                 bool (*holds)(const struct dump *d, const struct dump_node *n))
{
    if (depth == 0)
        return holds(d, n);
    for (const struct dump_node *c = n->first; c; c = c->next)
        if (some(d, c, depth - 1, holds))
            return true;
    return false;
}

static bool is_backend_root(const struct dump *d, const struct dump_node *n)
{
    for (const struct dump_node *type = n->first; type; type = type->next)
        if (!type->first ? type->presence == PRESENT && type->value_len : !all_domids(type))
            return false;
    return some(d, n, 3, is_backend);
}

static bool is_device_root(const struct dump *d, const struct dump_node *n)
{
    return some(d, n, 2, is_frontend) && !is_backend_root(d, n);
}

static bool is_domain(const struct dump *d, const struct dump_node *n)
{
    const struct dump_node *backend = child(d, n, "backend"), *device = child(d, n, "device");
    return (backend && is_backend_root(d, backend)) || (device && is_device_root(d, device)) ||
           (child(d, n, "domid") && child(d, n, "name"));
}

static bool is_device_end(const struct dump *d, const struct dump_node *n)
{
    return is_backend(d, n) || is_frontend(d, n);
}

bool dump_has_devices(const struct dump *d, const struct dump_node *root)
{
    for (int depth = 0; depth < 6; depth++)
        if (some(d, root, depth, is_device_end))
            return true;
    return false;
}

/* ---- which domain? ---- */

enum { NOBODY = -1, DISPUTED = -2 };

/* The frontend's domain in the path of a backend directory. */
static int frontend_domid(const struct dump_node *backend)
{
    uint64_t backend_domid;
    struct device_key key;
    const char *rest, *prefix = "/local/domain/";
    size_t n = strlen(prefix);
    if (backend->presence != PRESENT || strncmp(backend->value, prefix, n) != 0)
        return NOBODY;
    if (parse_decimal(backend->value + n, strcspn(backend->value + n, "/"), DOMID_MAX, &backend_domid) ||
        device_locate((uint16_t)backend_domid, backend->value, &key, &rest) != BACKEND_DEVICE)
        return NOBODY;
    return key.domid;
}

/* Whose directory of frontends is it? Guests write there: all of them must say the same. */
static int device_root_domid(const struct dump *d, const struct dump_node *device)
{
    int domid = NOBODY;
    for (const struct dump_node *type = device->first; type; type = type->next)
        for (const struct dump_node *f = type->first; f; f = f->next) {
            const struct dump_node *backend = child(d, f, "backend");
            int says = backend ? frontend_domid(backend) : NOBODY;
            if (says == NOBODY)
                continue;
            if (domid != NOBODY && domid != says)
                return DISPUTED;
            domid = says;
        }
    return domid;
}

static int home_domid(const struct dump *d, const struct dump_node *home)
{
    const struct dump_node *id = child(d, home, "domid"), *device = child(d, home, "device");
    uint64_t domid;
    if (id && id->presence == PRESENT && parse_decimal(id->value, id->value_len, DOMID_MAX, &domid) == 0)
        return (int)domid;
    return device ? device_root_domid(d, device) : NOBODY;
}

static enum dump_place place_below(int domid, const char *below, char buf[static DUMP_PLACE_SIZE])
{
    snprintf(buf, DUMP_PLACE_SIZE, "/local/domain/%d%s", domid < 0 ? 0 : domid, below);
    return domid < 0 ? PLACE_ASSUMED : PLACE_KNOWN;
}

enum dump_place dump_place_home(const struct dump *d, const struct dump_node *home,
                                char buf[static DUMP_PLACE_SIZE])
{
    int domid = home_domid(d, home);
    const struct dump_node *backend = child(d, home, "backend");
    /* a guest's frontends alone are not domain 0's, whosever they are */
    if (domid < 0 && !(backend && backend->first))
        return PLACE_UNKNOWN;
    return place_below(domid, "", buf);
}

enum dump_place dump_place_tree(const struct dump *d, const struct dump_node *root,
                                char buf[static DUMP_PLACE_SIZE])
{
    const struct dump_node *local = child(d, root, "local"), *domain = child(d, root, "domain");
    buf[0] = '\0';
    if (local && (child(d, local, "domain") || child(d, root, "tool")))
        return PLACE_KNOWN;
    if (domain && (all_domids(domain) || (!domain->first && !domain->value_len && !domain->next))) {
        snprintf(buf, DUMP_PLACE_SIZE, "/local");
        return PLACE_KNOWN;
    }
    if (is_device_end(d, root))
        return PLACE_UNKNOWN;
    if (is_domain(d, root))
        return dump_place_home(d, root, buf);
    if (all_domids(root) && some(d, root, 1, is_domain)) {
        snprintf(buf, DUMP_PLACE_SIZE, "/local/domain");
        return PLACE_KNOWN;
    }
    if (is_backend_root(d, root))
        return place_below(NOBODY, "/backend", buf);
    if (is_device_root(d, root)) {
        int domid = device_root_domid(d, root);
        return domid < 0 ? PLACE_UNKNOWN : place_below(domid, "/device", buf);
    }
    return PLACE_UNKNOWN;
}
