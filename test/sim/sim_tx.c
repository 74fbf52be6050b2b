/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_tx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

static struct sim_tx *find(struct sim_store *s, uint32_t id)
{
    struct sim_tx *tx;
    LIST_FOREACH (tx, &s->txs, next)
        if (tx->id == id)
            return tx;
    return NULL;
}

static void tx_free(struct sim_tx *tx)
{
    LIST_REMOVE(tx, next);
    for (size_t i = 0; i < tx->n_accesses; i++) {
        free(tx->accesses[i].path);
        free(tx->accesses[i].value);
    }
    for (size_t i = 0; i < tx->n_changes; i++) {
        free(tx->changes[i].path);
        free(tx->changes[i].value);
    }
    free(tx->accesses);
    free(tx->changes);
    nodes_free(&tx->nodes);
    free(tx);
}

void sim_tx_forget(struct sim_store *s)
{
    while (!LIST_EMPTY(&s->txs))
        tx_free(LIST_FIRST(&s->txs));
}

const struct sim_access *sim_tx_read(const struct sim_tx *tx, const char *path)
{
    for (size_t i = 0; i < tx->n_accesses; i++)
        if (strcmp(tx->accesses[i].path, path) == 0)
            return &tx->accesses[i];
    return NULL;
}

/* Once it has changed something, a transaction sees the store as it was then: what others did since is a
 * conflict. */
static uint64_t seen_generation(const struct sim_store *s, const struct sim_tx *tx, const char *path)
{
    uint64_t now = nodes_generation(&s->nodes, path);
    bool later = tx->changed &&
                 (now > tx->copied_at || (!now && nodes_find(&tx->nodes, path) && !sim_tx_read(tx, path)));
    return later ? UINT64_MAX : now;
}

static void note(struct sim_store *s, struct sim_tx *tx, const char *path, int status, const char *value)
{
    if (!tx)
        return;
    uint64_t generation = seen_generation(s, tx, path);
    xgrow(&tx->accesses, &tx->cap_accesses, tx->n_accesses + 1, sizeof *tx->accesses);
    tx->accesses[tx->n_accesses++] = (struct sim_access){.path = xstrdup(path),
                                                         .value = value && !status ? xstrdup(value) : NULL,
                                                         .status = status,
                                                         .generation = generation,
                                                         .of_own = tx->changed};
}

/* What cannot be found: below a directory that is gone a driver domain is told something else. */
static int missing(const struct sim_store *s, const char *path)
{
    char home[32];
    unsigned domid = 0;
    if (s->self == 0 || sscanf(path, "/local/domain/%u/", &domid) != 1 || domid == s->self)
        return -ENOENT;
    snprintf(home, sizeof home, "/local/domain/%u", domid);
    const char *slash = strrchr(path, '/');
    char *parent = xstrndup(path, (size_t)(slash - path));
    bool there = nodes_find(&s->nodes, parent) != NULL && strcmp(parent, home) != 0;
    free(parent);
    return there ? -ENOENT : -EACCES;
}

static void read_node(struct sim_store *s, struct sim_tx *tx, struct sim_request *r)
{
    const struct nodes *nodes = tx && tx->changed ? &tx->nodes : &s->nodes;
    const struct node *n = nodes_find(nodes, r->body);
    r->status = n ? 0 : missing(s, r->body);
    note(s, tx, r->body, r->status, n ? n->value : NULL);
    if (n && r->type == XS_DIRECTORY) {
        r->data = nodes_names(nodes, r->body, &r->data_len);
    } else if (n) {
        r->data = xstrdup(n->value);
        r->data_len = n->len;
    }
}

static void change(struct sim_store *s, struct sim_tx *tx, struct sim_request *r)
{
    char *value = NULL;
    if (r->type == XS_WRITE) {
        size_t at = strlen(r->body) + 1;
        value = xstrndup(r->body + at, r->len - at);
    }
    s->changes(s->arg, tx, r->body, value);
    if (!tx) {
        if (value)
            sim_put(s, r->body, value);
        else
            sim_remove(s, r->body);
        free(value);
        return;
    }
    if (!tx->changed) {
        nodes_copy(&tx->nodes, &s->nodes);
        tx->copied_at = s->nodes.generation;
    }
    note(s, tx, r->body, 0, nodes_text(&tx->nodes, r->body));
    tx->changed = true;
    if (!value && !nodes_find(&tx->nodes, r->body))
        r->status = -ENOENT;
    else if (value)
        nodes_write(&tx->nodes, r->body, value, strlen(value));
    else
        nodes_remove(&tx->nodes, r->body);
    xgrow(&tx->changes, &tx->cap_changes, tx->n_changes + 1, sizeof *tx->changes);
    tx->changes[tx->n_changes++] = (struct sim_change){xstrdup(r->body), value};
}

static void begin(struct sim_store *s, struct sim_request *r)
{
    char id[16];
    struct sim_tx *tx = xcalloc(1, sizeof *tx);
    tx->id = ++s->last_tx;
    tx->begun = s->step;
    LIST_INSERT_HEAD(&s->txs, tx, next);
    snprintf(id, sizeof id, "%" PRIu32, tx->id);
    r->data = xstrdup(id);
    r->data_len = strlen(id) + 1;
}

static bool still_so(const struct sim_store *s, const struct sim_tx *tx)
{
    for (size_t i = 0; i < tx->n_accesses; i++)
        if (nodes_generation(&s->nodes, tx->accesses[i].path) != tx->accesses[i].generation)
            return false;
    return true;
}

static void end(struct sim_store *s, struct sim_tx *tx, struct sim_request *r)
{
    bool commit = r->body[0] == 'T' && !r->status;
    if (commit && !still_so(s, tx)) {
        r->status = -EAGAIN;
        commit = false;
    }
    s->ended(s->arg, tx, commit);
    for (size_t i = 0; commit && i < tx->n_changes; i++) {
        const struct sim_change *c = &tx->changes[i];
        if (c->value)
            sim_put(s, c->path, c->value);
        else
            sim_remove(s, c->path);
    }
    tx_free(tx);
}

void sim_tx_request(struct sim_store *s, struct sim_request *r)
{
    struct sim_tx *tx = r->tx ? find(s, r->tx) : NULL;
    if (r->tx && !tx) {
        r->status = -ENOENT;
        return;
    }
    if (r->type == XS_READ || r->type == XS_DIRECTORY)
        read_node(s, tx, r);
    else if (r->type == XS_WRITE || r->type == XS_RM)
        change(s, tx, r);
    else if (r->type == XS_TRANSACTION_START)
        begin(s, r);
    else if (r->type == XS_TRANSACTION_END && tx)
        end(s, tx, r);
    else
        r->status = -EINVAL;
}

void sim_tx_refuse(struct sim_store *s, struct sim_request *r, int error)
{
    struct sim_tx *tx = r->tx ? find(s, r->tx) : NULL;
    r->status = error;
    if (r->type == XS_TRANSACTION_END && tx)
        end(s, tx, r);
    else if (r->type == XS_READ || r->type == XS_DIRECTORY)
        note(s, tx, r->body, error, NULL);
}
