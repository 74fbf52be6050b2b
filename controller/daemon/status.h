/* SPDX-License-Identifier: MIT */
/* What the running daemon tells of itself: to those who ask at the control socket, and to the books (history
 * and metrics). The daemon says what has changed; nothing here changes what the daemon does.
 *
 * Requests (controller/daemon/control_server.h has how they are framed), and the lines that answer them:
 *
 *   status   {"devices": [DEVICE...]}, all without it; {"memory": true} for what decisions are made with
 *            {"daemon": {...}}, then {"device": {...}} for each, by domain, type and devid
 *   history  {"device": DEVICE, "last": N}
 *            {"decision": {...}} for each, oldest first
 *   policies
 *            {"policy": {"source": PATH, "text": TEXT}} for each in force
 *
 * Their members are described by schemas/status.schema.json and schemas/history.schema.json. A device that
 * the daemon does not know is answered with the error `unknown-device`. One thread, the loop's. */
#ifndef XENRECON_STATUS_H
#define XENRECON_STATUS_H

#include "controller/daemon/control_server.h"
#include "controller/daemon/history.h"
#include "controller/daemon/metrics.h"
#include "controller/engine/engine.h"
#include "controller/processes/workers.h"

struct metrics_file;
struct uv_loop_s;
struct xs_client;

struct status_config {
    struct uv_loop_s *loop;
    const char *run_dir;
    const gid_t *readers;           /* who may look without being root; NULL: nobody */
    const char *metrics_file;       /* NULL: none is written */
    const struct xs_client *client; /* of the store */
    bool dry_run;
    uint32_t resync;              /* milliseconds; 0: never */
    uint64_t (*clock)(void *arg); /* the engine's */
    void *clock_arg;
};

struct status {
    struct status_config cfg;
    struct control_server *control;
    struct engine *engine;   /* NULL: the store was not there yet */
    uint16_t backend_domid;  /* our own domain; only with an engine */
    struct workers *workers; /* NULL: none were wanted yet */
    bool connected;          /* to the store */
    unsigned losses;         /* of the store */
    uint64_t since;          /* when the store came or went, milliseconds of cfg.clock */
    uint64_t started;        /* when the daemon was, likewise */
    uint64_t loaded;         /* when the policies in force were, likewise */
    bool refused;            /* those that were to replace them were not taken */
    struct history *history;
    struct events *events;
    struct metrics metrics;
    struct metrics_file *file; /* NULL: none is written */
};

void status_open(struct status *s, const struct status_config *config);
/* Answers at the control socket. `take`: in the place of another process that does so; without it, only where
 * none does, which is for dry runs and until we hold the store's lock. An error is logged. */
void status_listen(struct status *s, bool take);
void status_mend(struct status *s);   /* makes the control socket again where it was removed; logged */
void status_close(struct status *s);  /* before the engine, the workers and the store's client are gone */
void status_finish(struct status *s); /* when the loop has turned and the engine is gone */

void status_set_engine(struct status *s, struct engine *e, uint16_t backend_domid);
void status_set_workers(struct status *s, struct workers *w);
void status_connected(struct status *s, bool connected); /* the store came, or went */
void status_reloaded(struct status *s, bool taken);      /* other policies came, or were refused */

/* For control_server_config; arg: the status. A reader is told neither policies nor what decisions are made
 * with: these go with the store, which is root's to read. */
struct control_answer status_ask(void *arg, const json_t *request, bool reader);

#endif
