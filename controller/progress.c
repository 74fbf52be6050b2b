/* SPDX-License-Identifier: MIT */
#include "controller/progress.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <uv.h>

#include "controller/log.h"
#include "schemas/printable.h"

enum { FIRST = 1000, AGAIN = 250 }; /* milliseconds */

static struct {
    bool quiet, running; /* the main thread's; what follows is of both, under the lock */
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t ended;
    bool over, drawn;
    uint64_t begun; /* as uv_hrtime() has it */
    const char *unit;
    char what[256];
} progress;
static atomic_size_t done_now, total_now;

void progress_quiet(void)
{
    progress.quiet = true;
    log_set_level(LOG_LEVEL_WARNING);
}

static void erase(void)
{
    if (progress.drawn)
        fputs("\r\033[K", stderr);
    progress.drawn = false;
}

/* No longer than the terminal is wide: what is wrapped could not be erased. */
static void draw(void)
{
    struct winsize size = {0};
    char text[sizeof progress.what + 96], count[64] = "";
    size_t done = atomic_load(&done_now), total = atomic_load(&total_now);
    unsigned seconds = (unsigned)((uv_hrtime() - progress.begun) / 1000000000);
    if (total)
        snprintf(count, sizeof count, ": %zu of %zu%s", done, total, progress.unit);
    else if (done)
        snprintf(count, sizeof count, ": %zu%s", done, progress.unit);
    snprintf(text, sizeof text, "xenrecon: %s%s, %u s", progress.what, count, seconds);
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    fprintf(stderr, "\r%.*s\033[K", size.ws_col ? size.ws_col - 1 : 79, text);
    progress.drawn = true;
}

static void run(void *arg)
{
    uint64_t wait = FIRST;
    (void)arg;
    uv_mutex_lock(&progress.lock);
    while (!progress.over) {
        if (uv_cond_timedwait(&progress.ended, &progress.lock, wait * 1000000) && !progress.over) {
            draw();
            wait = AGAIN;
        }
    }
    erase();
    uv_mutex_unlock(&progress.lock);
}

/* Signals are for the main thread, whatever it does with them. */
static bool start_thread(void)
{
    static bool registered;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = uv_thread_create(&progress.thread, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started && !registered)
        registered = atexit(progress_end) == 0;
    return started;
}

static bool wanted(void)
{
    const char *term = getenv("TERM");
    return !progress.quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static void start(void)
{
    progress.over = progress.drawn = false;
    progress.begun = uv_hrtime();
    uv_mutex_init(&progress.lock);
    uv_cond_init(&progress.ended);
    progress.running = start_thread();
}

void progress_begin(const char *unit, const char *format, ...)
{
    char what[sizeof progress.what];
    va_list ap;
    if (!progress.running && !wanted())
        return;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    if (progress.running)
        uv_mutex_lock(&progress.lock);
    progress.unit = unit;
    printable_copy(progress.what, sizeof progress.what, what, strlen(what), false);
    progress_at(0, 0);
    if (progress.running)
        uv_mutex_unlock(&progress.lock);
    else
        start();
}

void progress_at(size_t done, size_t total)
{
    atomic_store_explicit(&total_now, total, memory_order_relaxed);
    atomic_store_explicit(&done_now, done, memory_order_relaxed);
}

void progress_hold(void)
{
    if (!progress.running)
        return;
    uv_mutex_lock(&progress.lock);
    erase();
}

void progress_release(void)
{
    if (progress.running)
        uv_mutex_unlock(&progress.lock);
}

void progress_end(void)
{
    if (!progress.running)
        return;
    progress.running = false;
    uv_mutex_lock(&progress.lock);
    progress.over = true;
    uv_cond_signal(&progress.ended);
    uv_mutex_unlock(&progress.lock);
    uv_thread_join(&progress.thread);
    uv_mutex_destroy(&progress.lock);
    uv_cond_destroy(&progress.ended);
}
