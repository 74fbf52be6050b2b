/* SPDX-License-Identifier: MIT */
/* xenrecon-dm: what libxl starts as a PV or PVH guest's device model (device_model_override) when xenrecon
 * serves the guest's devices. It answers libxl and serves nothing.
 *
 * Its life:  options -> sockets -> claim in the store -> (domain gone, signal, `quit`) -> close */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "controller/dm/claim.h"
#include "controller/dm/server.h"
#include "schemas/mem.h"

/* Milliseconds between checks of the domain: a store that is lost says nothing */
enum { LOOK = 20 * 1000 };

struct dm {
    uv_loop_t loop;
    uv_signal_t signals[3];
    uv_poll_t *events; /* for the store's events; NULL: it is lost */
    uv_timer_t look;
    struct dm_options options;
    struct qmp_machine machine;
    struct dm_server *server;
    struct claim claim;
    bool announced; /* `state` says that it runs */
    bool said_lost; /* it was logged that the store is lost */
    bool closing;
    int status;
};

static const char help[] = "xenrecon-dm: a device model for libxl that has no devices\n"
                           "\n"
                           "Usage: xenrecon-dm -xen-domid DOMID -machine xenpv [QEMU'S OPTION...]\n"
                           "\n"
                           "libxl starts it where a PV or PVH guest's configuration says\n"
                           "    device_model_override = \"/usr/local/libexec/xenrecon/xenrecon-dm\"\n"
                           "so that xenrecon serves devices for which libxl would start a QEMU.\n"
                           "See xenrecon-dm(8).\n";

/* ---- the end ---- */

static void on_events_closed(uv_handle_t *handle)
{
    free(handle);
}

static void stop_polling(struct dm *d)
{
    if (d->events)
        uv_close((uv_handle_t *)d->events, on_events_closed);
    d->events = NULL;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void stop(struct dm *d, int status)
{
    if (d->closing)
        return;
    d->closing = true;
    d->status = status;
    stop_polling(d);
    claim_close(&d->claim);
    if (d->server)
        dm_server_close(d->server);
    uv_walk(&d->loop, close_handle, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    stop(handle->data, 0);
}

/* ---- the store ---- */

static int claim_domain(struct dm *d);

static void look(struct dm *d)
{
    switch (claim_check(&d->claim)) {
    case CLAIM_STANDS:
        break;
    case CLAIM_OVER:
        stop(d, 0);
        break;
    case CLAIM_LOST:
        if (!d->said_lost)
            warnx("the store is lost");
        d->said_lost = true;
        stop_polling(d);
        claim_drop(&d->claim);
        claim_domain(d);
        break;
    }
}

static void on_event(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    look(handle->data);
}

static void on_look(uv_timer_t *handle)
{
    look(handle->data);
}

static int claim_domain(struct dm *d)
{
    if (!d->options.has_domid)
        return 0;
    int error = claim_open(&d->claim, d->options.domid);
    if (!error)
        error = claim_make(&d->claim, d->machine.started);
    if (error) {
        claim_drop(&d->claim);
        return error;
    }
    d->announced = d->machine.started;
    d->said_lost = false;
    d->events = xcalloc(1, sizeof *d->events);
    d->events->data = d;
    uv_poll_init(&d->loop, d->events, claim_fd(&d->claim));
    uv_poll_start(d->events, UV_READABLE, on_event);
    return 0;
}

/* ---- QMP ---- */

static void on_machine(void *arg)
{
    struct dm *d = arg;
    if (d->machine.quit) {
        stop(d, 0);
    } else if (d->machine.started && !d->announced && d->claim.store) {
        int error = claim_make(&d->claim, true);
        if (error)
            warnx("cannot tell the store: %s", strerror(-error));
        d->announced = !error;
    } else if (d->options.has_domid) {
        look(d);
    }
}

/* ---- the beginning ---- */

static int start(struct dm *d)
{
    struct dm_server_config config = {
        .loop = &d->loop, .machine = &d->machine, .changed = on_machine, .arg = d};
    const struct dm_socket *at = NULL;
    int error = dm_server_new(&config, &d->server, &at);
    if (error) {
        warnx("cannot listen at %s: %s", at->path ? at->path : at->id, strerror(-error));
        return error;
    }
    error = claim_domain(d);
    if (error == -EBUSY)
        warnx("domain %u has a device model already", (unsigned)d->options.domid);
    else if (error)
        warnx("cannot tell the store: %s", strerror(-error));
    return error;
}

static int run(struct dm *d)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP}; /* libxl sends the last one */
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&d->loop);
    for (size_t i = 0; i < 3; i++) {
        uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        uv_signal_start(&d->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&d->loop, &d->look);
    d->look.data = d;
    uv_timer_start(&d->look, on_look, LOOK, LOOK);
    d->machine = (struct qmp_machine){
        .options = &d->options, .running = !d->options.paused, .started = !d->options.paused};
    if (start(d))
        stop(d, 1);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_loop_close(&d->loop);
    return d->status;
}

int main(int argc, char **argv)
{
    static struct dm dm;
    const char *error = NULL;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("xenrecon-dm " XENRECON_VERSION);
        return 0;
    }
    int status = 1;
    if (dm_options_parse(argc, argv, &dm.options, &error))
        warnx("%s", error);
    else
        status = run(&dm);
    dm_options_free(&dm.options);
    return status;
}
