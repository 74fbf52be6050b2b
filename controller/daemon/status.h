/* SPDX-License-Identifier: MIT */
/* What the running daemon tells of itself: to those who ask at the control socket, and to the books (history
 * and metrics). The daemon keeps `struct insight` up to date; nothing here changes what the daemon does.
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
#ifndef XENRECON_INSIGHT_H
#define XENRECON_INSIGHT_H

#include "controller/daemon/control_server.h"
#include "controller/daemon/history.h"
#include "controller/daemon/metrics.h"
#include "controller/engine/engine.h"
#include "controller/processes/workers.h"

struct metrics_file;
struct uv_loop_s;
struct xs_client;

struct insight {
    struct control *control;
    struct metrics_file *file;      /* NULL: nobody asked for one */
    struct engine *engine;          /* NULL: the store was never there yet */
    struct workers *workers;        /* NULL: there were none yet */
    const struct xs_client *client; /* of the store */
    struct history *history;
    struct metrics metrics;
    uint16_t self; /* our own domain; meaningful with an engine */
    bool dry_run;
    bool connected;  /* to the store */
    uint32_t resync; /* milliseconds; 0: never */
    unsigned losses; /* of the store */
    /* milliseconds of the engine's clock: when we began, and the store came or went */
    uint64_t (*clock)(void *arg);
    void *clock_arg;
    uint64_t started, since;
};

/* `client`, `dry_run`, `resync` and the clock are set. */
void insight_open(struct insight *in, struct uv_loop_s *loop, const char *run_dir, const char *metrics_file);
/* Answers at the control socket. Until we hold the store's lock, and in a dry run, only where nobody else
 * does; `take`: in any case. That it cannot is logged. */
void insight_listen(struct insight *in, const char *run_dir, bool take);
void insight_close(struct insight *in);  /* before what it tells of is gone */
void insight_finish(struct insight *in); /* when the loop has turned and the engine is gone */

void insight_connected(struct insight *in, bool connected); /* the store came, or went */
void insight_changed(struct insight *in);                   /* something that no decision tells of */
void insight_looked(struct insight *in, const struct looked *looked);
uint64_t insight_stopwatch(void); /* microseconds */

/* For control_config; arg: the insight. */
struct control_answer insight_ask(void *arg, const json_t *request);

/* What one device is like, and the daemon as a whole. */
json_t *insight_daemon(const struct insight *in);
json_t *insight_device(const struct insight *in, const struct engine_device *d, bool memory);

#endif
