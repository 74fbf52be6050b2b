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

struct insight_config {
    struct uv_loop_s *loop;
    const char *run_dir;
    const char *metrics_file;       /* NULL: none is written */
    const struct xs_client *client; /* of the store */
    bool dry_run;
    uint32_t resync;              /* milliseconds; 0: never */
    uint64_t (*clock)(void *arg); /* the engine's */
    void *clock_arg;
};

struct insight {
    struct insight_config cfg;
    struct control *control;
    struct engine *engine;   /* NULL: the store was never there yet */
    uint16_t self;           /* our own domain; meaningful with an engine */
    struct workers *workers; /* NULL: there were none yet */
    bool connected;          /* to the store */
    unsigned losses;         /* of the store */
    uint64_t since;          /* when the store came or went, milliseconds of cfg.clock */
    uint64_t started;        /* when the daemon was, likewise */
    struct history *history;
    struct metrics metrics;
    struct metrics_file *file; /* NULL: none is written */
};

void insight_open(struct insight *in, const struct insight_config *config);
/* Answers at the control socket. Until we hold the store's lock, and in a dry run, only where nobody else
 * does; `take`: in any case. That it cannot is logged. */
void insight_listen(struct insight *in, bool take);
void insight_close(struct insight *in);  /* before what it tells of is gone */
void insight_finish(struct insight *in); /* when the loop has turned and the engine is gone */

void insight_set_engine(struct insight *in, struct engine *e, uint16_t self);
void insight_set_workers(struct insight *in, struct workers *w);
void insight_connected(struct insight *in, bool connected); /* the store came, or went */

/* For control_config; arg: the insight. */
struct control_answer insight_ask(void *arg, const json_t *request);

#endif
