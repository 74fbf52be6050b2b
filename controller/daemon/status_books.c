/* SPDX-License-Identifier: MIT */
#include "controller/daemon/status_books.h"

#include <time.h>

#include "controller/base/log.h"
#include "controller/daemon/metrics_file.h"

enum { HEARTBEAT = 300 * 1000 /* milliseconds between two writes of metrics, without resyncs */ };

static uint64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void status_books_add(struct insight *in, const struct reconciled *looked)
{
    char key[DEVICE_KEY_SIZE];
    device_key_format(looked->key, key);
    log_debug("%s: %s, row %s, %.1f ms", key, reconcile_outcome_name(looked->outcome),
              looked->plan ? row_name(looked->plan->row) : "-", (double)looked->took / 1000);
    metrics_count(&in->metrics, looked);
    metrics_file_changed(in->file);
    if (looked->news)
        history_add(in->history, wall_clock(), looked);
}

void status_books_changed(struct insight *in)
{
    metrics_file_changed(in->file);
}

static void print_metrics(void *arg, bool last, FILE *to)
{
    const struct insight *in = arg;
    metrics_print(&in->metrics, in, wall_clock(), !last, to);
}

void status_books_open(struct insight *in)
{
    const struct insight_config *cfg = &in->cfg;
    in->history = history_new(HISTORY_SIZE);
    if (cfg->metrics_file)
        in->file =
            metrics_file_new(&(struct metrics_file_config){.loop = cfg->loop,
                                                           .path = cfg->metrics_file,
                                                           .heartbeat = cfg->resync ? cfg->resync : HEARTBEAT,
                                                           .print = print_metrics,
                                                           .arg = in});
}

void status_books_close(struct insight *in)
{
    metrics_file_close(in->file);
    in->file = NULL;
}

void status_books_finish(struct insight *in)
{
    history_free(in->history);
    in->history = NULL;
}
