/* SPDX-License-Identifier: MIT */
/* The insight's own life, and the books that are kept: history and metrics. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "controller/base/log.h"
#include "controller/daemon/metrics_file.h"
#include "controller/daemon/status.h"

enum { HEARTBEAT = 300 * 1000 /* milliseconds between two writes of metrics, without resyncs */ };

static uint64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t insight_stopwatch(void)
{
    return uv_hrtime() / 1000;
}

void insight_looked(struct insight *in, const struct looked *looked)
{
    char key[DEVICE_KEY_SIZE];
    device_key_format(looked->key, key);
    log_debug("%s: %s, row %s, %.1f ms", key, look_outcome_name(looked->outcome),
              looked->plan ? row_name(looked->plan->row) : "-", (double)looked->took / 1000);
    metrics_count(&in->metrics, looked);
    metrics_file_changed(in->file);
    if (looked->news)
        history_add(in->history, wall_clock(), looked);
}

void insight_changed(struct insight *in)
{
    metrics_file_changed(in->file);
}

void insight_connected(struct insight *in, bool connected)
{
    in->connected = connected;
    in->since = in->clock(in->clock_arg);
    in->losses += !connected;
    insight_changed(in);
}

void insight_listen(struct insight *in, const char *run_dir, bool take)
{
    int error = control_listen(in->control, take);
    if (error && (take || error != -EADDRINUSE || in->dry_run))
        log_warning("nobody can ask how it goes: cannot listen on %s/%s: %s", run_dir, CONTROL_SOCKET,
                    strerror(-error));
}

static void print_metrics(void *arg, bool last, FILE *to)
{
    const struct insight *in = arg;
    metrics_print(&in->metrics, in, wall_clock(), !last, to);
}

void insight_open(struct insight *in, struct uv_loop_s *loop, const char *run_dir, const char *metrics_file)
{
    in->started = in->clock(in->clock_arg);
    in->history = history_new(HISTORY_SIZE);
    in->control = control_new(
        &(struct control_config){.loop = loop, .run_dir = run_dir, .ask = insight_ask, .arg = in});
    if (metrics_file)
        in->file =
            metrics_file_new(&(struct metrics_file_config){.loop = loop,
                                                           .path = metrics_file,
                                                           .heartbeat = in->resync ? in->resync : HEARTBEAT,
                                                           .print = print_metrics,
                                                           .arg = in});
}

void insight_close(struct insight *in)
{
    metrics_file_close(in->file); /* while everything is there that it counts */
    control_close(in->control);
    in->file = NULL;
    in->control = NULL;
    in->workers = NULL;
}

void insight_finish(struct insight *in)
{
    history_free(in->history);
    in->history = NULL;
}
