/* SPDX-License-Identifier: MIT */
#include "controller/processes/format_servers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "controller/base/queue.h"
#include "controller/base/run_dir.h"
#include "controller/processes/output.h"
#include "controller/processes/tail.h"
#include "controller/processes/worker_launch.h"
#include "controller/processes/worker_process.h"
#include "controller/processes/worker_record.h"
#include "controller/processes/workers_config.h"
#include "schemas/mem.h"

enum { NAME_SIZE = DEVICE_KEY_SIZE, OPEN_FILES = 1024 };

static const char record_name[] = "server"; /* in the place of a device's number */

struct format_server {
    LIST_ENTRY(format_server) link;
    struct format_servers *all;
    char name[NAME_SIZE]; /* qdisk.7 */
    char *path;
    unsigned users;
    struct worker_launch *launch;   /* of the worker that came last */
    int listening;                  /* -1: there is no socket, or only a server of an earlier run has it */
    uv_poll_t *poll;                /* while no server runs; owns itself */
    struct worker_process *process; /* NULL: none runs */
    struct worker_record record;    /* of the process that runs */
    struct output *output;
    struct tail printed;
};

struct format_servers {
    struct format_servers_config cfg;
    LIST_HEAD(, format_server) list;
};

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

static void stop_listening(struct format_server *s)
{
    if (s->poll)
        uv_close((uv_handle_t *)s->poll, free_poll);
    s->poll = NULL;
    if (s->listening >= 0)
        close(s->listening);
    s->listening = -1;
}

/* The process goes on, if there is one. */
static void free_server(struct format_server *s)
{
    LIST_REMOVE(s, link);
    stop_listening(s);
    if (s->process)
        worker_process_close(s->process);
    output_close(s->output);
    tail_clear(&s->printed);
    worker_launch_free(s->launch);
    free(s->path);
    free(s);
}

/* ---- its process ---- */

/* Its files: named like those of a worker, in the folder of the sockets. */
static struct run_dir files_of(const struct format_servers *f)
{
    struct run_dir dir = *f->cfg.dir;
    dir.records = dir.formats;
    return dir;
}

/* What it had for the sockets of images; it is its user's, so nothing in it is followed. */
static void remove_directory(const struct format_server *s)
{
    char name[NAME_SIZE + 8];
    const struct dirent *entry;
    snprintf(name, sizeof name, "%s-images", s->name);
    int fd = openat(s->all->cfg.dir->formats, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    while (d && (entry = readdir(d)))
        unlinkat(fd, entry->d_name, 0);
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    unlinkat(s->all->cfg.dir->formats, name, AT_REMOVEDIR);
}

/* Nobody needs it, and none runs. */
static void forget(struct format_server *s)
{
    unlinkat(s->all->cfg.dir->formats, s->name, 0);
    free_server(s);
}

static void listen_again(struct format_server *s);

static void on_ended(void *arg, const struct worker_exit *how)
{
    struct format_server *s = arg;
    const struct run_dir dir = files_of(s->all);
    if (s->output)
        output_drain(s->output);
    log_info("%s: server of formats %d has ended%s", s->name, (int)worker_process_pid(s->process),
             how->known && (how->signal || how->status) ? ", and not by itself" : "");
    worker_process_close(s->process);
    s->process = NULL;
    remove_directory(s);
    worker_record_remove(&dir, &s->record.key);
    if (s->users > 0)
        listen_again(s);
    else
        forget(s);
}

static void listen_to(struct format_server *s, int reading)
{
    char name[NAME_SIZE + 64];
    snprintf(name, sizeof name, "%s: server of formats %d", s->name, (int)worker_process_pid(s->process));
    output_close(s->output);
    s->output = output_new(
        &(struct output_config){.loop = s->all->cfg.loop, .name = name, .tail = &s->printed}, reading);
}

/* It does nothing before it has its token, and gets that when it would be found again. */
static int note(struct format_server *s)
{
    const struct run_dir dir = files_of(s->all);
    s->record.uid = s->launch->uid;
    s->record.pid = worker_process_pid(s->process);
    s->record.started = worker_process_started(s->process);
    worker_record_new_token(&s->record);
    int error = worker_record_save(&dir, &s->record);
    return error ? error : worker_process_give_token(s->process, s->record.token);
}

static int spawn(struct format_server *s, const char **ret_step)
{
    const struct worker_process_config config = {.loop = s->all->cfg.loop, .ended = on_ended, .arg = s};
    const struct run_dir dir = files_of(s->all);
    int state, reading, printing;
    *ret_step = "its state file"; /* which another server has locked that is alive */
    int error = worker_record_open_state(&dir, &s->record.key, true, &state);
    if (error)
        return error;
    *ret_step = "the pipe that it prints to";
    error = worker_record_new_output(&dir, &s->record.key, &reading, &printing);
    if (!error) {
        error = worker_process_spawn(&config, &s->launch->command,
                                     &(struct worker_descriptors){state, printing, s->listening}, &s->process,
                                     ret_step);
        close(printing);
        if (error)
            close(reading);
    }
    close(state);
    if (error)
        return error;
    listen_to(s, reading);
    *ret_step = "its record";
    error = note(s);
    if (error)
        worker_process_signal(s->process, SIGKILL);
    else
        log_info("%s: server of formats %d started", s->name, (int)s->record.pid);
    return error;
}

/* Whoever connects waits in the socket's queue, for the server. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct format_server *s = poll->data;
    const char *step = NULL;
    (void)status, (void)events;
    uv_close((uv_handle_t *)poll, free_poll);
    s->poll = NULL;
    int error = s->launch->wrong ? -EINVAL : spawn(s, &step);
    if (!error)
        return;
    log_error("%s: server of formats: %s cannot be run: %s%s%s", s->name, s->launch->command.argv[0],
              step ? step : "", step ? ": " : "", s->launch->wrong ? s->launch->wrong : strerror(-error));
    stop_listening(s); /* they are told at once that there is none; the next worker makes us try again */
}

static void listen_again(struct format_server *s)
{
    if (s->poll || s->process || s->listening < 0)
        return;
    s->poll = xcalloc(1, sizeof *s->poll);
    s->poll->data = s;
    uv_poll_init(s->all->cfg.loop, s->poll, s->listening);
    uv_poll_start(s->poll, UV_READABLE, on_readable);
}

/* ---- who needs it ---- */

static struct format_server *find(const struct format_servers *f, const struct device_key *key)
{
    struct format_server *s;
    LIST_FOREACH (s, &f->list, link)
        if (s->record.key.domid == key->domid && strcmp(s->record.key.type, key->type) == 0)
            return s;
    return NULL;
}

static struct format_server *make(struct format_servers *f, const struct device_key *key)
{
    struct format_server *s = xcalloc(1, sizeof *s);
    s->all = f;
    s->listening = -1;
    s->record.key = *key;
    snprintf(s->record.key.devid, sizeof s->record.key.devid, "%s", record_name);
    snprintf(s->name, sizeof s->name, "%s.%u", key->type, key->domid);
    s->path = run_dir_formats_path(f->cfg.dir, s->name);
    LIST_INSERT_HEAD(&f->list, s, link);
    return s;
}

/* A server of an earlier run accepts by itself what connects to its socket. */
static bool serves_alone(const struct format_server *s)
{
    const struct run_dir dir = files_of(s->all);
    return s->listening < 0 && (s->process || worker_record_held(&dir, &s->record.key, NULL));
}

/* A server that runs keeps the socket that it has, whatever its name is by now. */
static int see_to_socket(struct format_server *s)
{
    const struct run_dir *dir = s->all->cfg.dir;
    int error = 0;
    if (!run_dir_has(dir->formats, s->name) || (s->listening < 0 && !serves_alone(s))) {
        stop_listening(s);
        error = run_dir_bind(dir->formats, s->name, 0600, (gid_t)-1, &s->listening);
        if (!error && s->launch->command.as_user &&
            fchownat(dir->formats, s->name, s->launch->uid, s->launch->command.gid, AT_SYMLINK_NOFOLLOW))
            error = -errno;
    }
    if (error)
        log_error("%s: a socket for the server of formats: %s", s->name, strerror(-error));
    else
        listen_again(s);
    return error;
}

struct format_server *format_servers_join(struct format_servers *f, const struct device_key *key)
{
    struct format_server *s = find(f, key);
    if (s)
        s->users++;
    return s;
}

const char *format_servers_offer(struct format_servers *f, const struct worker_start *start,
                                 struct format_server **user)
{
    struct worker_start server = *start;
    if (!start->policy->worker.formats)
        return NULL;
    if (!*user)
        *user = format_servers_join(f, start->key);
    if (!*user) {
        *user = make(f, start->key);
        (*user)->users++;
    }
    struct format_server *s = *user;
    server.argv = (const char *const *)start->policy->worker.formats;
    worker_launch_free(s->launch);
    s->launch = worker_launch_new(&server, f->cfg.dir->socket, s->path, true);
    s->launch->command.file_size = 0; /* images may grow */
    s->launch->command.open_files = OPEN_FILES;
    return see_to_socket(s) ? NULL : s->path;
}

void format_servers_leave(struct format_server *s)
{
    if (!s || --s->users > 0)
        return;
    stop_listening(s);
    unlinkat(s->all->cfg.dir->formats, s->name, 0);
    if (s->process)
        worker_process_signal(s->process, SIGTERM); /* it closes what it has open, and ends */
    else
        forget(s);
}

/* ---- life after our own death ---- */

static int on_record(void *arg, const struct worker_record *record)
{
    struct format_servers *f = arg;
    const struct run_dir dir = files_of(f);
    struct format_server *s = make(f, &record->key);
    const struct worker_process_config config = {.loop = f->cfg.loop, .ended = on_ended, .arg = s};
    int reading;
    int error = worker_process_find(&config, record->pid, record->started, &s->process);
    if (error == -ESRCH) {
        worker_record_remove(&dir, &record->key);
        remove_directory(s);
        forget(s);
        return 0;
    }
    if (error) {
        free_server(s);
        return error;
    }
    s->record = *record;
    log_info("%s: server of formats %d found again", s->name, (int)record->pid);
    if (!worker_record_open_output(&dir, &record->key, &reading))
        listen_to(s, reading);
    return 0;
}

/* There is no record of it: known by its lock whenever somebody needs it. */
static int on_held(void *arg, const struct device_key *key)
{
    struct format_servers *f = arg;
    log_warning("a server of formats of domain %u runs of which there is no record", key->domid);
    make(f, key);
    return 0;
}

int format_servers_find(struct format_servers *f)
{
    const struct run_dir dir = files_of(f);
    return worker_record_read(&dir, &(struct worker_record_reader){on_record, on_held, f});
}

void format_servers_mend(struct format_servers *f)
{
    const struct run_dir dir = files_of(f);
    struct format_server *s;
    LIST_FOREACH (s, &f->list, link)
        if (s->process && !worker_record_there(&dir, &s->record.key))
            worker_record_save(&dir, &s->record);
}

/* ---- beginning and end ---- */

struct format_servers *format_servers_new(const struct format_servers_config *config)
{
    struct format_servers *f = xcalloc(1, sizeof *f);
    f->cfg = *config;
    return f;
}

void format_servers_close(struct format_servers *f)
{
    struct format_server *s, *next;
    if (!f)
        return;
    for (s = LIST_FIRST(&f->list); s; s = next) {
        next = LIST_NEXT(s, link);
        free_server(s);
    }
    free(f);
}
