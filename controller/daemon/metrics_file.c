/* SPDX-License-Identifier: MIT */
#include "controller/daemon/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "controller/base/write_whole.h"
#include "schemas/mem.h"

struct metrics_file {
    struct metrics_file_config cfg;
    uv_timer_t timer;
    char *temporary; /* beside the file; node_exporter reads *.prom only */
    bool changed, failed, written;
    uint64_t written_at; /* uv_now() of the last write */
};

/* Never through a link that lies in the place of the temporary file. */
static int replace(const struct metrics_file *f, const char *text, size_t len)
{
    if (unlink(f->temporary) && errno != ENOENT)
        return -errno;
    int fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int error = write_whole(fd, text, len);
    if (!error && fchmod(fd, 0644)) /* whatever our umask is */
        error = -errno;
    if (close(fd) && !error)
        error = -errno;
    if (!error && rename(f->temporary, f->cfg.path))
        error = -errno;
    if (error)
        unlink(f->temporary);
    return error;
}

static void write_now(struct metrics_file *f, bool last)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        abort(); /* as for any memory */
    f->cfg.print(f->cfg.arg, last, to);
    fclose(to);
    int error = replace(f, text, len);
    free(text);
    if (error && !f->failed)
        log_error("cannot write the metrics to %s: %s; tried again", f->cfg.path, strerror(-error));
    else if (!error && f->failed)
        log_info("the metrics are written to %s again", f->cfg.path);
    f->failed = error;
    f->changed = false;
    f->written = true;
    f->written_at = uv_now(f->cfg.loop);
}

static void on_timer(uv_timer_t *timer)
{
    struct metrics_file *f = timer->data;
    write_now(f, false);
    uv_timer_start(&f->timer, on_timer, f->cfg.heartbeat, 0);
}

struct metrics_file *metrics_file_new(const struct metrics_file_config *config)
{
    struct metrics_file *f = xcalloc(1, sizeof *f);
    f->cfg = *config;
    if (asprintf(&f->temporary, "%s.tmp", config->path) < 0)
        abort(); /* as for any memory */
    uv_timer_init(config->loop, &f->timer);
    f->timer.data = f;
    metrics_file_changed(f);
    return f;
}

void metrics_file_changed(struct metrics_file *f)
{
    if (!f || f->changed)
        return;
    uint64_t now = uv_now(f->cfg.loop), at = f->written ? f->written_at + METRICS_PAUSE : now;
    f->changed = true;
    uv_timer_start(&f->timer, on_timer, at > now ? at - now : 0, 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct metrics_file *f = handle->data;
    free(f->temporary);
    free(f);
}

void metrics_file_close(struct metrics_file *f)
{
    if (!f)
        return;
    write_now(f, true);
    uv_close((uv_handle_t *)&f->timer, on_closed);
}
