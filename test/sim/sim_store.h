/* SPDX-License-Identifier: MIT */
/* A store for simulations, behind the interface of controller/store/store.h. Nothing happens by itself:
 * requests wait until they are carried out, replies and events until they are delivered, and whoever drives
 * the simulation says when, in which order, and what goes wrong.
 *
 * Transactions are like those of C xenstored: what is read is the store as it is at that moment, and a commit
 * is refused when any node that the transaction saw has changed since. One thread. */
#ifndef XENRECON_SIM_STORE_H
#define XENRECON_SIM_STORE_H

#include "controller/base/queue.h"
#include "controller/store/store.h"
#include "test/sim/sim_nodes.h"

struct sim_request {
    TAILQ_ENTRY(sim_request) next;
    enum xsd_sockmsg_type type;
    uint32_t tx;
    char *body;
    size_t len;
    store_reply_fn *done;
    void *arg;
    uint64_t number; /* among those that were carried out, from 1; once it was; likewise: */
    int status;
    char *data;
    size_t data_len;
};
TAILQ_HEAD(sim_requests, sim_request);

struct sim_event {
    char *path, *token;
    uint64_t behind; /* it comes behind the replies to so many requests; meaningless for a watch */
};

/* Something that a transaction read or wrote. */
struct sim_access {
    char *path;
    char *value; /* that was read; NULL: none */
    int status;  /* of reading it */
    uint64_t generation;
    bool of_own; /* it was written there before */
};

struct sim_change {
    char *path;
    char *value; /* NULL: removed */
};

struct sim_tx {
    LIST_ENTRY(sim_tx) next;
    uint32_t id;
    uint64_t begun; /* the step in which it did */
    bool changed;   /* `nodes` are its own */
    struct nodes nodes;
    uint64_t copied_at; /* the last generation then */
    struct sim_access *accesses;
    size_t n_accesses, cap_accesses;
    struct sim_change *changes;
    size_t n_changes, cap_changes;
};

struct sim_store {
    struct store store; /* what the engine sees */
    struct nodes nodes;
    struct sim_requests requests, replies;
    struct sim_event *events, *watches;
    size_t n_events, cap_events, n_watches, cap_watches;
    LIST_HEAD(sim_txs, sim_tx) txs;
    uint32_t last_tx;
    uint64_t carried_out; /* requests */
    uint16_t self;
    bool up;        /* otherwise every request is answered with -ECONNRESET */
    uint64_t step;  /* for sim_tx.begun */
    uint64_t heard; /* hash of all replies */
    /* Told of all that the engine's connection changes, before it does, and of the end of each transaction:
     * committed or not. tx is NULL for a change outside of any. */
    void (*changes)(void *arg, const struct sim_tx *tx, const char *path, const char *value);
    void (*ended)(void *arg, const struct sim_tx *tx, bool committed);
    bool (*introduced)(void *arg, unsigned domid);
    void *arg;
};

void sim_store_init(struct sim_store *s, uint16_t self);
void sim_store_finish(struct sim_store *s);

/* The engine's connection. */
const struct sim_request *sim_store_head(const struct sim_store *s);
/* Carries out the oldest request, or answers it with that error (0: none). Its reply waits then. */
void sim_store_process(struct sim_store *s, int error);
bool sim_store_reply(struct sim_store *s, size_t i); /* delivers; false: there is none */
bool sim_store_event(struct sim_store *s, size_t i, bool lose, bool keep);
/* Would it overtake the reply to a request that was carried out before it came about? On a socket none does.
 */
bool sim_store_overtakes(const struct sim_store *s, size_t i);
/* The connection is gone: everything is answered so, watches and transactions are forgotten. */
void sim_store_cut(struct sim_store *s, int error);

/* Others: changes that are seen at once. */
void sim_put(struct sim_store *s, const char *path, const char *value);
void sim_remove(struct sim_store *s, const char *path);
void sim_remove_silently(struct sim_store *s, const char *path);
void sim_fire(struct sim_store *s, const char *path); /* also @releaseDomain and the like */

#endif
