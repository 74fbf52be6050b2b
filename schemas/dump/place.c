/* SPDX-License-Identifier: MIT */
#include "schemas/dump/place.h"

#include <stdio.h>
#include <string.h>

#include "schemas/dump/ends.h"

enum { PLACE_SIZE = 64, NOBODY = -1, DISPUTED = -2 };

enum place {
    PLACE_UNKNOWN, /* it cannot be told */
    PLACE_KNOWN,
    PLACE_DOMAIN, /* some domain's, and which may be told by others */
};

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
    return some(d, n, 3, dump_is_backend);
}

static bool is_device_root(const struct dump *d, const struct dump_node *n)
{
    return some(d, n, 2, dump_is_frontend) && !is_backend_root(d, n);
}

static bool is_domain(const struct dump *d, const struct dump_node *n)
{
    const struct dump_node *backend = child(d, n, "backend"), *device = child(d, n, "device");
    return (backend && is_backend_root(d, backend)) || (device && is_device_root(d, device)) ||
           (child(d, n, "domid") && child(d, n, "name"));
}

/* Is there anything in it that would be worth reporting on, a device's end? */
static bool has_devices(const struct dump *d, const struct dump_node *root)
{
    for (int depth = 0; depth < 6; depth++)
        if (some(d, root, depth, dump_is_end))
            return true;
    return false;
}

/* ---- which domain? ---- */

static int agree(int domid, int says)
{
    if (says == NOBODY || domid == says)
        return domid;
    return domid == NOBODY ? says : DISPUTED;
}

/* Whose directory of frontends is it? Guests write there: all of them must say the same. */
static int device_root_domid(const struct dump *d, const struct dump_node *device)
{
    int domid = NOBODY;
    struct dump_place at;
    for (const struct dump_node *type = device->first; type; type = type->next)
        for (const struct dump_node *f = type->first; f; f = f->next)
            if (dump_backend_of(d, f, &at))
                domid = agree(domid, at.key.domid);
    return domid;
}

/* Whose backend tree is it, by the frontends that are in the dump already? */
static int backend_root_domid(const struct dump *d, const struct dump_node *backend)
{
    int domid = NOBODY;
    struct dump_place at;
    for (const struct dump_node *type = backend->first; type; type = type->next)
        for (const struct dump_node *guest = type->first; guest; guest = guest->next)
            for (const struct dump_node *b = guest->first; b; b = b->next)
                if (dump_said_by_frontend(d, b, &at) && strcmp(at.key.type, type->name) == 0 &&
                    strcmp(at.key.devid, b->name) == 0)
                    domid = agree(domid, at.backend_domid);
    return domid;
}

static int home_domid(const struct dump *d, const struct dump_node *home)
{
    const struct dump_node *id = child(d, home, "domid"), *device = child(d, home, "device"),
                           *backend = child(d, home, "backend");
    uint64_t domid;
    if (id && id->presence == PRESENT && parse_decimal(id->value, id->value_len, DOMID_MAX, &domid) == 0)
        return (int)domid;
    int says = device ? device_root_domid(d, device) : NOBODY;
    return says == NOBODY && backend ? backend_root_domid(d, backend) : says;
}

static enum place place_below(int domid, const char *below, char buf[static PLACE_SIZE])
{
    snprintf(buf, PLACE_SIZE, "/local/domain/%d%s", domid < 0 ? 0 : domid, below);
    return domid < 0 ? PLACE_DOMAIN : PLACE_KNOWN;
}

static enum place place_home(const struct dump *d, const struct dump_node *home, char buf[static PLACE_SIZE])
{
    int domid = home_domid(d, home);
    const struct dump_node *backend = child(d, home, "backend");
    /* a guest's frontends alone are not domain 0's, whosever they are */
    if (domid < 0 && !(backend && backend->first))
        return PLACE_UNKNOWN;
    return place_below(domid, "", buf);
}

/* ---- which directory? ---- */

static bool is_store(const struct dump *d, const struct dump_node *root)
{
    const struct dump_node *local = child(d, root, "local"), *libxl = child(d, root, "libxl");
    return (local && (child(d, local, "domain") || child(d, root, "tool"))) || (libxl && all_domids(libxl));
}

static enum place place_tree(const struct dump *d, const struct dump_node *root, char buf[static PLACE_SIZE])
{
    const struct dump_node *domain = child(d, root, "domain");
    buf[0] = '\0';
    if (is_store(d, root))
        return PLACE_KNOWN;
    if (domain && (all_domids(domain) || (!domain->first && !domain->value_len && !domain->next))) {
        snprintf(buf, PLACE_SIZE, "/local");
        return PLACE_KNOWN;
    }
    if (dump_is_end(d, root))
        return PLACE_UNKNOWN;
    if (is_domain(d, root))
        return place_home(d, root, buf);
    if (all_domids(root) && some(d, root, 1, is_domain)) {
        snprintf(buf, PLACE_SIZE, "/local/domain");
        return PLACE_KNOWN;
    }
    if (is_backend_root(d, root))
        return place_below(backend_root_domid(d, root), "/backend", buf);
    if (is_device_root(d, root)) {
        int domid = device_root_domid(d, root);
        return domid < 0 ? PLACE_UNKNOWN : place_below(domid, "/device", buf);
    }
    return PLACE_UNKNOWN;
}

static enum place place_of(const struct dump *d, const struct dump_piece *p, char buf[static PLACE_SIZE])
{
    enum place where = p->relative ? place_home(d, p->root, buf) : place_tree(d, p->root, buf);
    if (where == PLACE_UNKNOWN && p->relative)
        where = place_tree(d, p->root, buf);
    return where;
}

/* ---- all of them ---- */

static void put(struct dump *d, struct dump_piece *p, const char *path)
{
    struct dump_node *at = dump_path_make(d, d->root, path, strlen(path));
    p->placed = true;
    if (at)
        dump_move(d, at, p->root);
}

/* A command that names no path lists everything, if it is one, and what follows is its output. */
static bool believed(const struct dump *d, const struct dump_piece *p)
{
    char path[PLACE_SIZE];
    return p->given && (strlen(p->given) > 1 || place_tree(d, p->root, path) == PLACE_UNKNOWN || !*path) &&
           !(strlen(p->given) == 1 && dump_is_end(d, p->root));
}

static bool place_known(struct dump *d, struct dump_piece *p)
{
    char path[PLACE_SIZE];
    if (believed(d, p)) {
        put(d, p, p->given);
        return true;
    }
    if (place_of(d, p, path) != PLACE_KNOWN)
        return false;
    /* some more blanks before all lines than there should be: a part of a tree, unless it is all of it */
    p->root->listed &= !p->part || !*path;
    put(d, p, path);
    return true;
}

static bool place_ends(struct dump *d, struct dump_piece *p, enum dump_said said)
{
    char path[BACKEND_PATH_SIZE];
    if (!dump_ends_place(d, p->root, said, path))
        return false;
    p->root->listed &= !p->part;
    put(d, p, path);
    if (said == SAID_BY_NOBODY)
        dump_note_add(
            d, p->first, p->last, true,
            "nothing says whose backend this is, and of which type: taken for domain 0's, and for the "
            "frontend's type");
    return true;
}

static bool place_assumed(struct dump *d, struct dump_piece *p)
{
    char path[PLACE_SIZE];
    if (place_of(d, p, path) != PLACE_DOMAIN)
        return false;
    p->root->listed &= !p->part;
    put(d, p, path);
    dump_note_add(d, p->first, p->last, true,
                  "nothing says which domain's directory this is: taken for domain 0's");
    return true;
}

static bool place_by_itself(struct dump *d, struct dump_piece *p)
{
    return place_ends(d, p, SAID_BY_ITSELF);
}

static bool place_by_frontend(struct dump *d, struct dump_piece *p)
{
    return place_ends(d, p, SAID_BY_FRONTEND);
}

static bool place_by_nobody(struct dump *d, struct dump_piece *p)
{
    return place_ends(d, p, SAID_BY_NOBODY);
}

void dump_place(struct dump *d)
{
    /* frontends name their backends, and so come before those that they name */
    static bool (*const ways[])(struct dump * d, struct dump_piece * p) = {
        place_known, place_by_itself, place_known, place_by_frontend, place_assumed, place_by_nobody};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++)
        for (size_t i = 0; i < d->n_pieces; i++)
            if (!d->pieces[i].placed)
                ways[way](d, &d->pieces[i]);
    for (size_t i = 0; i < d->n_pieces; i++) {
        const struct dump_piece *p = &d->pieces[i];
        if (!p->placed)
            dump_note_add(
                d, p->first, p->last, !has_devices(d, p->root),
                "nothing says which directory this is a listing of: list from further up, best everything");
    }
}
