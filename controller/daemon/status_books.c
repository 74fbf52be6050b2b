/* SPDX-License-Identifier: MIT */
#include "controller/daemon/status_books.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/base/wall_clock.h"
#include "controller/daemon/events.h"
#include "controller/daemon/metrics_file.h"

/* Milliseconds between two writes of metrics, at the most: whoever watches the file waits three times as
 * long, however seldom everything is looked over. */
enum { HEARTBEAT = 300 * 1000 };

void status_books_add(struct status *s, const struct reconciled *r)
{
    char key[DEVICE_KEY_SIZE];
    device_key_format(r->key, key);
    log_debug("%s: %s, row %s, %.1f ms", key, reconcile_outcome_name(r->outcome),
              r->plan ? row_name(r->plan->row) : "-", (double)r->took / 1000);
    metrics_count(&s->metrics, r);
    metrics_file_changed(s->file);
    if (r->news)
        history_add(s->history, wall_clock(), r);
}

void status_books_changed(struct status *s)
{
    metrics_file_changed(s->file);
}

static void print_metrics(void *arg, bool last, FILE *to)
{
    const struct status *s = arg;
    metrics_print(&s->metrics, s, wall_clock(), !last, to);
}

/* What is worth a line may have changed a number, too: not all of it is a device's. */
static void keep_event(void *arg, const struct log_entry *entry)
{
    struct status *s = arg;
    events_add(s->events, wall_clock(), entry);
    metrics_file_changed(s->file);
}

void status_books_open(struct status *s)
{
    const struct status_config *cfg = &s->cfg;
    uint32_t heartbeat = cfg->resync && cfg->resync < HEARTBEAT ? cfg->resync : HEARTBEAT;
    s->history = history_new(HISTORY_SIZE);
    s->events = events_new(EVENTS_SIZE);
    log_set_tap(keep_event, s);
    if (cfg->metrics_file)
        s->file = metrics_file_new(&(struct metrics_file_config){.loop = cfg->loop,
                                                                 .path = cfg->metrics_file,
                                                                 .heartbeat = heartbeat,
                                                                 .print = print_metrics,
                                                                 .arg = s});
}

void status_books_own(struct status *s)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/" EVENTS_FILE, s->cfg.run_dir);
    int error = n < 0 || n >= (int)sizeof path ? -ENAMETOOLONG : events_open(s->events, path);
    if (error)
        log_warning("events are not kept for the next daemon: cannot write %s: %s", path, strerror(-error));
}

void status_books_close(struct status *s)
{
    metrics_file_close(s->file);
    s->file = NULL;
}

void status_books_finish(struct status *s)
{
    log_set_tap(NULL, NULL);
    events_free(s->events);
    s->events = NULL;
    history_free(s->history);
    s->history = NULL;
}
