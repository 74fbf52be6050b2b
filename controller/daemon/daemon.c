/* SPDX-License-Identifier: MIT */
#include "controller/daemon/daemon.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/backoff.h"
#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "controller/daemon/ages_file.h"
#include "controller/daemon/log_timer.h"
#include "controller/daemon/memory_trim.h"
#include "controller/daemon/policy_load.h"
#include "controller/daemon/reconnect.h"
#include "controller/daemon/run_dir_watch.h"
#include "controller/daemon/sd_notify.h"
#include "controller/daemon/status_books.h"
#include "controller/daemon/store_lock.h"
#include "controller/engine/engine.h"
#include "controller/processes/hotplug_scripts.h"
#include "controller/processes/workers.h"
#include "controller/store/store_path.h"
#include "controller/store/xs_client.h"
#include "schemas/mem.h"
#include "schemas/value.h"

enum {
    /* in dom0; a driver domain is not told of all that a shared watch would tell of, as of a guest's end */
    GUEST_WATCHES = 64,
};

struct daemon {
    const struct daemon_config *cfg;
    uv_loop_t loop;
    uv_timer_t wake;
    struct reconnect reconnect;
    uv_signal_t term, interrupt, hangup;
    struct xs_client *client;
    struct hotplug_scripts *scripts;
    struct workers *workers;       /* NULL: there were none yet */
    struct run_dir_watch *run_dir; /* NULL: it is not watched */
    struct ages_file *ages;        /* NULL: there is no engine yet */
    struct engine *engine;
    struct status status;       /* what is told of the daemon */
    struct policy_set policies; /* until the engine takes them over */
    bool stored;                /* the store is there, and all that was in it has been reconciled */
    size_t looks;               /* how many reconciles there were until then */
    bool closing;
    struct sd_notify notify;
    struct memory_trim memory;
    struct log_timer log_timer;
    uint16_t backend_domid; /* our own domain, once there is an engine */
    int lock;
    int error; /* what daemon_run() will return */
};

static void stop(struct daemon *d, int error);

/* ---- what the engine asks of us ---- */

static uint64_t clock_ms(void *arg)
{
    struct daemon *d = arg;
    return uv_now(&d->loop) + 1; /* never 0, as that means unknown */
}

static uint64_t random_bits(void *arg)
{
    (void)arg;
    return backoff_random();
}

static void on_wake(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    engine_tick(d->engine);
}

static void wake(void *arg, uint64_t at)
{
    struct daemon *d = arg;
    uint64_t now = clock_ms(d);
    if (at)
        uv_timer_start(&d->wake, on_wake, at > now ? at - now : 0, 0);
    else
        uv_timer_stop(&d->wake);
}

static void ready(void *arg)
{
    struct daemon *d = arg;
    progress_end();
    log_info("ready: %zu devices", engine_figures(d->engine).devices);
    d->stored = true;
    reconnect_stored(&d->reconnect);
    sd_notify_ready(&d->notify);
    if (!d->cfg->dry_run)
        ages_file_ready(d->ages, d->engine);
    if (d->workers)
        workers_sweep(d->workers);
}

static void idle(void *arg)
{
    stop(arg, 0);
}

static void run_script(struct daemon *d, const struct device_key *key, const struct policy *p,
                       const struct action *a)
{
    char name[DEVICE_KEY_SIZE];
    device_key_format(key, name);
    hotplug_scripts_run(d->scripts, &(struct script_request){.key = name,
                                                             .directory = p->hotplug.directory,
                                                             .argv = a->argv,
                                                             .env = a->env,
                                                             .timeout = p->hotplug.timeout,
                                                             .parallel = p->hotplug.parallel});
}

/* The engine's executor. */
static void execute(void *arg, const struct device_key *key, const struct policy *policy,
                    const struct action *a)
{
    struct daemon *d = arg;
    if (a->task == TASK_SCRIPT)
        run_script(d, key, policy, a);
    else
        workers_do(d->workers, key, policy, a);
}

static void on_script_done(void *arg, const char *key, int error, const char *said)
{
    struct daemon *d = arg;
    engine_script_done(d->engine, key, error, said);
}

static void ask_worker(void *arg, const struct device_key *key, struct worker *ret_worker)
{
    struct daemon *d = arg;
    *ret_worker = (struct worker){0};
    if (d->workers)
        workers_ask(d->workers, key, ret_worker);
}

static void on_worker_changed(void *arg, const struct device_key *key)
{
    struct daemon *d = arg;
    status_books_changed(&d->status);
    if (d->engine)
        engine_worker_changed(d->engine, key);
}

static bool recall(void *arg, const struct device_key *key, struct ages *ret_ages)
{
    struct daemon *d = arg;
    return ages_file_find(d->ages, key, clock_ms(d), ret_ages);
}

static void on_aged(void *arg)
{
    struct daemon *d = arg;
    if (d->ages) /* what ends after us has changed nothing */
        ages_file_changed(d->ages);
}

/* ---- what is told of it ---- */

static uint64_t stopwatch(void *arg)
{
    (void)arg;
    return uv_hrtime() / 1000;
}

static void on_reconciled(void *arg, const struct reconciled *r)
{
    struct daemon *d = arg;
    status_books_add(&d->status, r);
    memory_trim_note(&d->memory, engine_figures(d->engine).devices);
    if (!d->stored)
        progress_at(++d->looks, 0);
}

static void start_status(struct daemon *d)
{
    status_open(&d->status, &(struct status_config){.loop = &d->loop,
                                                    .run_dir = d->cfg->runtime_dir,
                                                    .readers = d->cfg->readers,
                                                    .metrics_file = d->cfg->metrics_file,
                                                    .client = d->client,
                                                    .dry_run = d->cfg->dry_run,
                                                    .resync = d->cfg->resync,
                                                    .clock = clock_ms,
                                                    .clock_arg = d});
}

/* ---- workers ---- */

/* Opens the run directory once a policy wants workers, or when an earlier run left some there. */
static int open_workers(struct daemon *d, const struct policy_set *set)
{
    struct workers_config config = {
        .loop = &d->loop, .run_dir = d->cfg->runtime_dir, .changed = on_worker_changed, .arg = d};
    if (d->workers || d->cfg->dry_run || !(workers_wanted(set) || workers_left(d->cfg->runtime_dir)))
        return 0;
    int error = workers_new(&config, &d->workers);
    run_dir_watch_look(d->run_dir);
    status_set_workers(&d->status, d->workers);
    return error;
}

static void on_gone(void *arg)
{
    struct daemon *d = arg;
    if (d->workers)
        workers_mend(d->workers);
    status_mend(&d->status);
    ages_file_mend(d->ages);
}

/* ---- the store ---- */

static void on_event(void *arg, const char *path, const char *token)
{
    struct daemon *d = arg;
    if (d->engine)
        engine_event(d->engine, path, token);
}

static void on_lost(void *arg, const char *why)
{
    struct daemon *d = arg;
    progress_end();
    reconnect_lost(&d->reconnect, why);
    status_connected(&d->status, false);
    d->stored = false;
    sd_notify_status(&d->notify);
    uv_timer_stop(&d->wake);
    if (d->engine)
        engine_stop(d->engine);
    if (!d->closing)
        reconnect_later(&d->reconnect);
}

static void on_domid(void *arg, int status, const char *data, size_t len)
{
    struct daemon *d = arg;
    uint64_t backend_domid = 0;
    if (store_gone(status))
        return; /* on_lost() deals with it */
    if (status == -ETIMEDOUT) {
        store_read(xs_client_store(d->client), 0, "domid", on_domid, d);
        return;
    }
    if (status && status != -ENOENT)
        log_warning("our own domain id cannot be read (%s): taken for 0", strerror(-status));
    else if (status == 0 && parse_decimal(data, len, DOMID_MAX, &backend_domid))
        log_warning("our own domain id \"%s\" is no number: taken for 0", data);
    status_connected(&d->status, true);
    if (!d->engine) {
        d->backend_domid = (uint16_t)backend_domid;
        int error = policy_load_check_hotplug(&d->policies, d->backend_domid);
        if (!error)
            error = open_workers(d, &d->policies);
        if (error) {
            stop(d, error);
            return;
        }
        struct engine_config config = {.store = xs_client_store(d->client),
                                       .backend_domid = (uint16_t)backend_domid,
                                       .dry_run = d->cfg->dry_run,
                                       .guest_watches = backend_domid ? UINT_MAX : GUEST_WATCHES,
                                       .resync = d->cfg->resync,
                                       .clock = clock_ms,
                                       .random = random_bits,
                                       .wake = wake,
                                       .ready = ready,
                                       .execute = execute,
                                       .ask_worker = d->cfg->dry_run ? NULL : ask_worker,
                                       .observe = on_reconciled,
                                       .stopwatch = stopwatch,
                                       .recall = recall,
                                       .aged = d->cfg->dry_run ? NULL : on_aged,
                                       .idle = d->cfg->once ? idle : NULL,
                                       .arg = d};
        d->ages = ages_file_new(&d->loop, d->cfg->runtime_dir, clock_ms(d));
        d->engine = engine_new(&config, &d->policies);
        status_set_engine(&d->status, d->engine, d->backend_domid);
    }
    d->looks = 0;
    progress_begin("", "looking at all devices");
    engine_start(d->engine);
}

/* Waits for a store, unless there is one that we may not open: that does not change by itself. */
static void no_store(struct daemon *d, int error)
{
    char path[256];
    const char *where = store_path_default(path, sizeof path);
    if (error == -EACCES || error == -EPERM) {
        log_error("cannot open the store %s: %s", where ? where : "", strerror(-error));
        log_error("looking after devices takes root's rights");
        stop(d, error);
        return;
    }
    if (reconnect_first(&d->reconnect)) {
        log_warning("no store yet: %s: %s; waiting for it", where ? where : "", strerror(-error));
        log_warning(STORE_HINT);
        /* our service is up: it needs a store only to look after devices */
        sd_notify_ready(&d->notify);
    }
    reconnect_later(&d->reconnect);
}

static void connect_store(void *arg)
{
    struct daemon *d = arg;
    int error = xs_client_connect(d->client);
    if (error) {
        no_store(d, error);
        return;
    }
    if (!d->cfg->dry_run)
        error = store_lock_renew(&d->lock);
    if (error) {
        stop(d, error);
        return;
    }
    if (!d->cfg->dry_run && !d->cfg->once)
        status_listen(&d->status, true);
    progress_begin("", "waiting for the store");
    store_read(xs_client_store(d->client), 0, "domid", on_domid, d);
}

/* ---- policies ---- */

static bool reload(struct daemon *d)
{
    struct policy_set set = {0};
    if (policy_load(d->cfg->dirs, d->cfg->n_dirs, &set) ||
        (d->engine && (policy_load_check_hotplug(&set, d->backend_domid) || open_workers(d, &set)))) {
        policy_set_clear(&set);
        log_error("the policies were not reloaded: those that were in force still are");
        return false;
    }
    log_info("policies reloaded: %zu types", set.n);
    if (d->engine) {
        engine_set_policies(d->engine, &set);
    } else {
        policy_set_clear(&d->policies);
        d->policies = set;
    }
    return true;
}

static void on_hangup(uv_signal_t *signal, int number)
{
    struct daemon *d = signal->data;
    (void)number;
    sd_notify_reloading(&d->notify);
    status_reloaded(&d->status, reload(d));
    sd_notify_reloaded(&d->notify);
}

/* ---- the service manager ---- */

static void describe(void *arg, char *text, size_t size)
{
    struct daemon *d = arg;
    size_t devices = d->stored ? engine_figures(d->engine).devices : 0;
    unsigned workers = d->workers ? workers_running(d->workers) : 0;
    const char *refused = d->status.refused ? "; new policies were refused, see the log" : "";
    if (d->closing)
        snprintf(text, size, "ending; devices and workers stay as they are");
    else if (!d->stored)
        snprintf(text, size, "waiting for the store%s", refused);
    else
        snprintf(text, size, "%zu device%s, %u worker%s%s%s", devices, devices == 1 ? "" : "s", workers,
                 workers == 1 ? "" : "s", d->cfg->dry_run ? "; dry run" : "", refused);
}

/* ---- the end ---- */

static void on_terminate(uv_signal_t *signal, int number)
{
    log_info("%s: leaving the devices as they are", number == SIGTERM ? "SIGTERM" : "SIGINT");
    stop(signal->data, 0);
}

/* Requests in flight are answered as cancelled, and an open transaction ends with the connection. */
static void stop(struct daemon *d, int error)
{
    if (d->closing)
        return;
    d->closing = true;
    d->error = error;
    progress_end();
    sd_notify_stopping(&d->notify);
    sd_notify_close(&d->notify);
    memory_trim_close(&d->memory);
    log_timer_close(&d->log_timer);
    if (d->engine)
        engine_stop(d->engine);
    ages_file_close(d->ages);
    d->ages = NULL;
    status_close(&d->status);
    xs_client_close(d->client, NULL, NULL);
    hotplug_scripts_close(d->scripts);
    if (d->workers)
        workers_close(d->workers);
    run_dir_watch_close(d->run_dir);
    uv_close((uv_handle_t *)&d->wake, NULL);
    reconnect_close(&d->reconnect);
    uv_close((uv_handle_t *)&d->term, NULL);
    uv_close((uv_handle_t *)&d->interrupt, NULL);
    uv_close((uv_handle_t *)&d->hangup, NULL);
}

static int watch_signal(struct daemon *d, uv_signal_t *handle, uv_signal_cb callback, int number)
{
    int error = uv_signal_init(&d->loop, handle);
    handle->data = d;
    return error ? error : uv_signal_start(handle, callback, number);
}

/* Sets up the loop and the signals first. Where there are too few file descriptors for these, there is
 * nothing else to be ended. */
static int start_loop(struct daemon *d)
{
    int error = uv_loop_init(&d->loop);
    if (!error)
        error = watch_signal(d, &d->term, on_terminate, SIGTERM);
    if (!error)
        error = watch_signal(d, &d->interrupt, on_terminate, SIGINT);
    if (!error)
        error = watch_signal(d, &d->hangup, on_hangup, SIGHUP);
    if (error)
        log_error("cannot begin: %s", uv_strerror(error));
    return error;
}

static void start(struct daemon *d)
{
    uv_timer_init(&d->loop, &d->wake);
    d->wake.data = d;
    reconnect_open(&d->reconnect, &d->loop, connect_store, d);
    signal(SIGPIPE, SIG_IGN);
    sd_notify_open(&d->notify, &d->loop, describe, d);
    memory_trim_open(&d->memory, &d->loop);
    log_timer_open(&d->log_timer, &d->loop);
    d->client = xs_client_new(&d->loop, NULL);
    d->scripts = hotplug_scripts_new(&d->loop, on_script_done, d);
    struct store *store = xs_client_store(d->client);
    store->event = on_event;
    store->lost = on_lost;
    store->arg = d;
    start_status(d);
    connect_store(d);
    if (!d->closing && !d->cfg->once) {
        status_listen(&d->status, false);
        d->run_dir = run_dir_watch_new(&d->loop, d->cfg->runtime_dir, on_gone, d);
    }
}

int daemon_run(const struct daemon_config *config)
{
    struct daemon d = {.cfg = config, .lock = -1};
    int error = policy_load(d.cfg->dirs, d.cfg->n_dirs, &d.policies);
    if (error)
        return error;
    error = start_loop(&d);
    if (error) {
        policy_set_clear(&d.policies);
        return error;
    }
    start(&d);
    uv_run(&d.loop, UV_RUN_DEFAULT);
    uv_loop_close(&d.loop);
    log_flush();
    engine_free(d.engine);
    status_finish(&d.status);
    policy_set_clear(&d.policies);
    if (d.lock >= 0)
        close(d.lock);
    return d.error;
}
