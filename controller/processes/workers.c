/* SPDX-License-Identifier: MIT */
#include "controller/processes/workers.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/processes/format_servers.h"
#include "controller/processes/worker_lifecycle.h"
#include "controller/processes/worker_session.h"
#include "schemas/mem.h"

enum {
    KILL_AFTER = 5 * 1000, /* milliseconds from SIGTERM to SIGKILL */
    HELLO_WITHIN = 10 * 1000,
};

bool workers_wanted(const struct policy_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->list[i]->worker.command)
            return true;
    return false;
}

bool workers_left(const char *run_dir)
{
    char path[PATH_MAX];
    const struct dirent *entry = NULL;
    int n = snprintf(path, sizeof path, "%s/workers", run_dir);
    DIR *records = n > 0 && (size_t)n < sizeof path ? opendir(path) : NULL;
    if (!records)
        return false;
    do
        entry = readdir(records);
    while (entry && entry->d_name[0] == '.');
    closedir(records);
    return entry != NULL;
}

/* ---- what is asked for ---- */

void workers_start(struct workers *w, const struct worker_start *start)
{
    struct supervised *s = supervised_find(w, start->key);
    if (!s) {
        s = supervised_new(w, start->key);
        s->fresh = true;
    }
    bool wanted = s->process && s->ending == ENDING_NOT && !s->unwanted;
    if (wanted && s->record.incarnation == start->incarnation)
        return;
    bool same = s->facts.incarnation == start->incarnation && !s->unwanted;
    if (!same) {
        s->streak = 0;
        arena_free(&s->published);
    }
    s->facts = (struct worker){.state = WORKER_STARTING,
                               .incarnation = start->incarnation,
                               .failures = same ? s->facts.failures : 0,
                               .died = same ? s->facts.died : NULL,
                               .lost = same ? s->facts.lost : NULL,
                               .published = same ? s->facts.published : NULL,
                               .n_published = same ? s->facts.n_published : 0};
    s->unwanted = s->swept = false;
    s->asked = true;
    supervised_tell(s);
    worker_launch_free(s->next);
    s->next = NULL;
    workers_mend(w);
    const char *formats = format_servers_offer(w->formats, start, &s->formats);
    struct worker_launch *launch = worker_launch_new(start, w->dir.socket, formats, false);
    if (!s->process) {
        lifecycle_launch(s, launch);
        return;
    }
    s->next = launch;
    lifecycle_end(s);
}

void workers_connect(struct workers *w, const struct device_key *key, uint64_t ring,
                     const struct published *keys, size_t n_keys)
{
    struct supervised *s = supervised_find(w, key);
    if (s && !s->unwanted)
        session_connect(s, ring, keys, n_keys);
}

void workers_disconnect(struct workers *w, const struct device_key *key)
{
    struct supervised *s = supervised_find(w, key);
    if (s && !s->unwanted)
        session_disconnect(s);
}

void workers_stop(struct workers *w, const struct device_key *key)
{
    struct supervised *s = supervised_find(w, key);
    if (!s || s->unwanted)
        return;
    s->unwanted = s->fresh = true;
    worker_launch_free(s->next);
    s->next = NULL;
    if (s->process) {
        lifecycle_end(s);
        return;
    }
    worker_record_remove(&w->dir, key);
    supervised_free(s);
}

void workers_do(struct workers *w, const struct device_key *key, const struct policy *policy,
                const struct action *a)
{
    switch (a->task) {
    case TASK_START:
        workers_start(w, &(struct worker_start){key, a->incarnation, a->argv, policy});
        break;
    case TASK_CONNECT:
        workers_connect(w, key, a->ring, a->keys, a->n_keys);
        break;
    case TASK_DISCONNECT:
        workers_disconnect(w, key);
        break;
    case TASK_STOP:
        workers_stop(w, key);
        break;
    case TASK_NONE:
    case TASK_SCRIPT:
        break;
    }
}

void workers_ask(struct workers *w, const struct device_key *key, struct worker *ret_worker)
{
    struct supervised *s = supervised_find(w, key);
    if (s)
        s->asked = true;
    *ret_worker = s && !s->unwanted ? s->facts : (struct worker){.state = WORKER_NONE};
    ret_worker->ending = s && s->unwanted;
}

bool workers_peek(const struct workers *w, const struct device_key *key, struct worker *ret_worker,
                  pid_t *ret_pid)
{
    const struct supervised *s = supervised_find(w, key);
    if (!s || s->unwanted)
        return false;
    *ret_worker = s->facts;
    *ret_pid = s->process ? worker_process_pid(s->process) : 0;
    return true;
}

const struct tail *workers_printed(const struct workers *w, const struct device_key *key)
{
    const struct supervised *s = supervised_find(w, key);
    return s && !s->unwanted ? &s->printed : NULL;
}

/* A reload may bring back the device before its worker has ended. It counts as STARTING until then, since the
 * process may still hold what the device needs. */
static void sweep(struct supervised *s)
{
    if (!s->process) {
        workers_stop(s->w, &s->key);
        return;
    }
    s->swept = true;
    s->facts.state = WORKER_STARTING;
    s->facts.ring = 0;
    lifecycle_end(s);
}

void workers_sweep(struct workers *w)
{
    struct supervised *s, *next;
    for (int i = 0; i < BUCKETS; i++)
        for (s = LIST_FIRST(&w->buckets[i]); s; s = next) {
            next = LIST_NEXT(s, same_bucket);
            if (!s->found || s->asked)
                continue;
            log_info("%s: nobody needs its worker any more", s->name);
            sweep(s);
        }
}

static unsigned mend_records(struct workers *w)
{
    struct supervised *s;
    unsigned n = 0;
    for (int i = 0; i < BUCKETS; i++)
        LIST_FOREACH (s, &w->buckets[i], same_bucket) {
            if (!s->process || worker_record_there(&w->dir, &s->key))
                continue;
            int error = worker_record_save(&w->dir, &s->record);
            if (error)
                log_error("%s: its worker's record in %s/workers is gone, and cannot be made again: %s",
                          s->name, w->cfg.run_dir, strerror(-error));
            n += !error;
        }
    return n;
}

void workers_mend(struct workers *w)
{
    int listening, mended = run_dir_mend(w->cfg.run_dir, &w->dir);
    bool socket = false;
    if (mended < 0)
        return;
    if (!run_dir_has(w->dir.worker, "socket") && !run_dir_listen(&w->dir, &listening)) {
        worker_socket_listen(w->socket, listening);
        socket = true;
    }
    unsigned records = mend_records(w);
    format_servers_mend(w->formats);
    if (mended || socket || records)
        log_warning("somebody removed what was in %s: made again%s%s, %u record%s", w->cfg.run_dir,
                    mended ? ", folders" : "", socket ? ", the workers' socket" : "", records,
                    records == 1 ? "" : "s");
}

unsigned workers_running(const struct workers *w)
{
    return w->running;
}

uint64_t workers_deaths(const struct workers *w)
{
    return w->deaths;
}

/* ---- beginning and end ---- */

static void release(void *arg)
{
    struct workers *w = arg;
    if (--w->handles == 0)
        free(w);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void workers_close(struct workers *w)
{
    struct supervised *s, *next;
    w->closed = true;
    for (int i = 0; i < BUCKETS; i++)
        for (s = LIST_FIRST(&w->buckets[i]); s; s = next) {
            next = LIST_NEXT(s, same_bucket);
            supervised_free(s);
        }
    if (w->socket)
        worker_socket_close(w->socket);
    format_servers_close(w->formats);
    run_dir_close(&w->dir);
    patience_close(&w->patience, release);
    uv_close((uv_handle_t *)&w->teller, on_closed);
}

int workers_new(const struct workers_config *config, struct workers **ret_workers)
{
    struct run_dir dir;
    int listening;
    int error = run_dir_open(config->run_dir, &dir);
    if (error)
        return error;
    struct workers *w = xcalloc(1, sizeof *w);
    w->cfg = *config;
    w->cfg.kill_after = config->kill_after ? config->kill_after : KILL_AFTER;
    w->cfg.hello_within = config->hello_within ? config->hello_within : HELLO_WITHIN;
    w->overdue = lifecycle_overdue;
    w->kill = lifecycle_kill;
    w->dir = dir;
    w->formats = format_servers_new(&(struct format_servers_config){.loop = config->loop, .dir = &w->dir});
    TAILQ_INIT(&w->news);
    patience_open(&w->patience, config->loop, supervised_look, w);
    uv_timer_init(config->loop, &w->teller);
    w->teller.data = w;
    w->handles = 2;
    error = format_servers_find(w->formats);
    if (!error)
        error = worker_record_read(&dir, &(struct worker_record_reader){lifecycle_found, lifecycle_held, w});
    if (error)
        log_error("cannot read the workers' records: %s", strerror(-error));
    if (!error)
        error = run_dir_listen(&dir, &listening);
    if (error) {
        workers_close(w);
        return error;
    }
    w->socket = session_new(w, listening);
    *ret_workers = w;
    return 0;
}
