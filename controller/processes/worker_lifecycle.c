/* SPDX-License-Identifier: MIT */
#include "controller/processes/worker_lifecycle.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/base/backoff.h"
#include "controller/base/log.h"
#include "controller/base/signals.h"
#include "controller/processes/format_servers.h"
#include "controller/processes/worker_session.h"
#include "schemas/printable.h"

enum {
    COMPLAIN_AFTER = 10 * 1000, /* milliseconds from SIGKILL to an error in the log */
    HELD_AGAIN = 500,           /* milliseconds until it is looked again whether a state file is free */
};

/* ---- death ---- */

/* Puts how it has gone so far into its record. */
static void note_history(struct supervised *s)
{
    s->record.failures = s->facts.failures;
    s->record.streak = s->streak;
    snprintf(s->record.died, sizeof s->record.died, "%s", s->facts.died ? s->facts.died : "");
}

static uint64_t be_dead(struct supervised *s, const char *why)
{
    uint64_t delay =
        backoff(s->record.retry_initial, s->record.retry_max, s->facts.failures, backoff_random());
    s->facts.state = WORKER_DEAD;
    s->facts.ring = 0;
    s->facts.until = supervised_now(s->w) + delay;
    supervised_say(s, why);
    memcpy(s->died, s->said, sizeof s->died);
    s->facts.died = s->died;
    return delay;
}

static void die(struct supervised *s, const char *why)
{
    if (s->served_at && supervised_now(s->w) - s->served_at > s->record.retry_max)
        s->streak = 0;
    if (s->streak < UINT32_MAX)
        s->streak++;
    s->facts.failures = s->streak;
    s->w->deaths++;
    uint64_t delay = be_dead(s, why);
    s->record.pid = 0; /* who comes after us need not count this again */
    note_history(s);
    if (worker_record_save(&s->w->dir, &s->record))
        log_debug("%s: its record cannot be written: a restart begins to count anew", s->name);
    log_warning("%s: its worker %s; it may be started again in %u ms", s->name, s->said, (unsigned)delay);
    supervised_tell(s);
}

static void describe(const struct supervised *s, const struct worker_exit *how,
                     char ret_text[static SAID_SIZE])
{
    const char *error = s->facts.said ? s->facts.said : "";
    char signal[SIGNAL_TEXT_SIZE], end[64] = "ended"; /* how, only a child's parent gets to know */
    char line[SAID_SIZE];
    signal_describe(how->signal, signal);
    if (how->known && how->signal)
        snprintf(end, sizeof end, "ended by %s", signal);
    else if (how->known)
        snprintf(end, sizeof end, "exited with status %d", how->status);
    if (*s->cause)
        snprintf(ret_text, SAID_SIZE, "%s", s->cause);
    else
        snprintf(ret_text, SAID_SIZE, "%s%s%s", end, *error ? ": " : "", error);
    if (*error || s->printed.total == s->printed_before || !tail_last(&s->printed, line, sizeof line))
        return;
    size_t len = strlen(ret_text);
    len += (size_t)snprintf(ret_text + len, SAID_SIZE - len, "; it printed last: ");
    if (len < SAID_SIZE)
        printable_copy(ret_text + len, SAID_SIZE - len, line, strlen(line), false);
}

static void forget(struct supervised *s)
{
    struct workers *w = s->w;
    struct device_key key = s->key;
    worker_record_remove(&w->dir, &key);
    supervised_free(s);
    w->cfg.changed(w->cfg.arg, &key); /* a device of that name may wait for the end */
}

static void on_ended(void *arg, const struct worker_exit *how)
{
    struct supervised *s = arg;
    char why[SAID_SIZE];
    if (s->output)
        output_drain(s->output);
    describe(s, how, why);
    worker_process_close(s->process);
    s->process = NULL;
    s->w->running--;
    worker_socket_forget(s->w->socket, s);
    s->connection = NULL;
    s->deadline = 0;
    bool unwanted = s->unwanted || (s->swept && !s->asked);
    if (unwanted || s->next)
        log_info("%s: worker %d has ended", s->name, (int)s->record.pid);
    if (unwanted) {
        forget(s);
    } else if (s->next) {
        struct worker_launch *next = s->next;
        s->next = NULL;
        lifecycle_launch(s, next);
    } else {
        s->swept = false;
        die(s, why);
    }
}

void lifecycle_end(struct supervised *s)
{
    struct message_line line;
    if (!s->process || s->ending != ENDING_NOT)
        return;
    if (s->connection) {
        message_begin(&line, MESSAGE_STOP);
        worker_socket_send(s->connection, &line);
    }
    worker_process_signal(s->process, SIGTERM);
    s->ending = ENDING_TOLD;
    supervised_await(s, s->w->cfg.kill_after, NULL);
}

static void kill_now(struct supervised *s)
{
    s->ending = ENDING_KILLED;
    session_hang_up(s);
    worker_process_signal(s->process, SIGKILL);
    supervised_await(s, COMPLAIN_AFTER, NULL);
}

void lifecycle_kill(struct supervised *s, const char *cause)
{
    snprintf(s->cause, sizeof s->cause, "%s", cause);
    log_warning("%s: worker %d %s: killed", s->name, (int)s->record.pid, cause);
    s->facts.state = WORKER_STARTING;
    s->facts.ring = 0;
    kill_now(s);
    supervised_tell(s);
}

/* It is told of once, and waited for without an end: nobody is killed for it. */
static void look_whether_held(struct supervised *s)
{
    s->held = worker_record_held(&s->w->dir, &s->key, NULL);
    if (s->held) {
        supervised_await(s, HELD_AGAIN, NULL);
        return;
    }
    s->facts.until = supervised_now(s->w);
    log_info("%s: nobody has its state file any more", s->name);
    supervised_tell(s);
}

void lifecycle_overdue(struct supervised *s)
{
    char cause[SAID_SIZE];
    if (s->held) {
        look_whether_held(s);
        return;
    }
    switch (s->ending) {
    case ENDING_NOT:
        snprintf(cause, sizeof cause, "did not %s within %u.%u s", s->awaited, s->allowed / 1000,
                 s->allowed % 1000 / 100);
        lifecycle_kill(s, cause);
        return;
    case ENDING_TOLD:
        log_warning("%s: worker %d did not end within %u.%u s: killed", s->name, (int)s->record.pid,
                    s->allowed / 1000, s->allowed % 1000 / 100);
        kill_now(s);
        return;
    case ENDING_KILLED: /* it hangs in the kernel: nothing else can be done, and no other is started beside it
                         */
        log_error("%s: worker %d was killed, but does not end", s->name, (int)s->record.pid);
        return;
    }
}

/* ---- birth ---- */

/* Reads from this pipe, and no more from that of the process before. */
static void listen_to(struct supervised *s, pid_t pid, int fd)
{
    char name[DEVICE_KEY_SIZE + 32];
    snprintf(name, sizeof name, "%s: worker %d", s->name, (int)pid);
    output_close(s->output);
    s->output =
        output_new(&(struct output_config){.loop = s->w->cfg.loop, .name = name, .tail = &s->printed}, fd);
    s->printed_before = s->printed.total;
}

static void new_process(struct supervised *s, struct worker_process *p)
{
    s->process = p;
    s->w->running++;
    s->ending = ENDING_NOT;
    s->told = false;
    s->misconduct = 0;
    s->served_at = 0;
    s->cause[0] = '\0';
}

/* What could not be done. */
struct failure_to_start {
    const char *program; /* NULL: it is about a file in the folder for records */
    const char *step;    /* NULL: the program could not be run */
};

static void describe_failure(const struct supervised *s, const struct failure_to_start *f, int error,
                             char ret_text[static SAID_SIZE])
{
    if (f->program)
        snprintf(ret_text, SAID_SIZE, "cannot be run: %s: %s%s%s", f->program, f->step ? f->step : "",
                 f->step ? ": " : "", strerror(-error));
    else
        snprintf(ret_text, SAID_SIZE, "cannot be run: %s, in %s/workers: %s", f->step, s->w->cfg.run_dir,
                 strerror(-error));
}

/* The record is saved before the worker gets its token: so there is none that would not be found again. */
static int spawn(struct supervised *s, const struct worker_launch *l, struct failure_to_start *ret_failure)
{
    const struct worker_process_config config = {.loop = s->w->cfg.loop, .ended = on_ended, .arg = s};
    struct worker_process *p;
    int state, output, printing;
    ret_failure->step = "its state file";
    int error = worker_record_open_state(&s->w->dir, &s->key, s->fresh, &state);
    if (error)
        return error;
    s->fresh = false;
    ret_failure->step = "the pipe that it prints to";
    error = worker_record_new_output(&s->w->dir, &s->key, &output, &printing);
    if (!error) {
        error = worker_process_spawn(&config, &l->command, &(struct worker_descriptors){state, printing, -1},
                                     &p, &ret_failure->step);
        ret_failure->program = l->command.argv[0];
        close(printing);
        if (error)
            close(output);
    }
    close(state);
    if (error)
        return error;
    new_process(s, p);
    listen_to(s, worker_process_pid(p), output);
    s->record.pid = worker_process_pid(p);
    s->record.started = worker_process_started(p);
    *ret_failure = (struct failure_to_start){.step = "its record"};
    error = worker_record_save(&s->w->dir, &s->record);
    if (!error)
        error = worker_process_give_token(p, s->record.token);
    return error;
}

static void hold(struct supervised *s)
{
    char why[SAID_SIZE], who[32] = "a process";
    pid_t pid = 0;
    if (worker_record_held(&s->w->dir, &s->key, &pid) && pid)
        snprintf(who, sizeof who, "process %d", (int)pid);
    snprintf(why, sizeof why, "is not started: %s still has the state file of the one before, and may serve",
             who);
    s->held = true;
    s->facts.state = WORKER_DEAD;
    s->facts.failures += !s->facts.failures;
    s->facts.until = supervised_now(s->w) + s->record.retry_max;
    supervised_say(s, why);
    log_error("%s: its worker %s", s->name, s->said);
    supervised_tell(s);
    supervised_await(s, HELD_AGAIN, NULL);
}

void lifecycle_launch(struct supervised *s, struct worker_launch *l)
{
    char why[SAID_SIZE];
    bool known = s->record.incarnation != 0; /* or the state file is of nobody knows which */
    if (!s->facts.died)                      /* to be held back was no death */
        s->facts.failures = 0;
    s->held = false;
    s->deadline = 0;
    s->fresh = s->fresh || (known && s->record.incarnation != l->incarnation);
    s->record = (struct worker_record){.key = s->key,
                                       .incarnation = l->incarnation,
                                       .uid = l->uid,
                                       .create = l->create,
                                       .connect = l->connect,
                                       .close = l->close,
                                       .retry_initial = l->retry_initial,
                                       .retry_max = l->retry_max};
    worker_record_new_token(&s->record);
    note_history(s);
    struct failure_to_start failure = {0};
    int error = l->wrong ? -EINVAL : spawn(s, l, &failure);
    if (l->wrong)
        snprintf(why, sizeof why, "%s", l->wrong);
    else if (error)
        describe_failure(s, &failure, error, why);
    worker_launch_free(l);
    if (error && s->process) {
        lifecycle_kill(s, why);
    } else if (error == -EBUSY) {
        hold(s);
    } else if (error) {
        die(s, why);
    } else {
        log_info("%s: worker %d started", s->name, (int)s->record.pid);
        supervised_await(s, s->record.create, "get ready");
        supervised_tell(s);
    }
}

/* ---- life after our own death ---- */

/* A worker that cannot be held by a pidfd may be alive. Then nothing is started at all, rather than another
 * beside it. */
int lifecycle_found(void *arg, const struct worker_record *record)
{
    struct workers *w = arg;
    struct supervised *s = supervised_new(w, &record->key);
    const struct worker_process_config config = {.loop = w->cfg.loop, .ended = on_ended, .arg = s};
    struct worker_process *p;
    int output;
    s->record = *record;
    s->found = true;
    s->formats = format_servers_join(w->formats, &s->key);
    s->facts = (struct worker){.state = WORKER_STARTING, .incarnation = record->incarnation};
    int error = worker_process_find(&config, record->pid, record->started, &p);
    if (error && error != -ESRCH)
        return error;
    s->facts.failures = record->failures;
    s->streak = record->streak;
    if (error && record->pid == 0 && record->failures) {
        be_dead(s, record->died);
        return 0;
    }
    if (error) {
        die(s, "ended while nobody watched");
        return 0;
    }
    if (record->failures)
        s->facts.died = memcpy(s->died, record->died, sizeof s->died);
    new_process(s, p);
    log_info("%s: worker %d found again", s->name, (int)record->pid);
    if (!worker_record_open_output(&w->dir, &s->key, &output)) /* one of an earlier version has none */
        listen_to(s, record->pid, output);
    supervised_await(s, w->cfg.hello_within, "come back");
    return 0;
}

/* Its worker is asked for like any, and is not started before that one has ended. */
int lifecycle_held(void *arg, const struct device_key *key)
{
    struct workers *w = arg;
    struct supervised *s = supervised_find(w, key);
    if (s)
        return 0;
    s = supervised_new(w, key);
    s->found = true;
    s->formats = format_servers_join(w->formats, key);
    s->facts = (struct worker){.state = WORKER_DEAD, .until = supervised_now(w)};
    return 0;
}
